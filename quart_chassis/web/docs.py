"""/docs: a page to read and try the API.

The page is Swagger UI; this site serves the files of its package.
"""

from importlib.util import find_spec
from pathlib import Path

from quart import Blueprint, Quart, Response, render_template

from quart_chassis.door import CONTENT_SECURITY_POLICY

# Swagger UI's stylesheet has its arrows as data: URLs.
POLICY = CONTENT_SECURITY_POLICY.replace("img-src 'self'", "img-src 'self' data:")


def swagger_ui_folder() -> Path:
    """The folder of Swagger UI's files, found without importing the package."""
    package = find_spec("swagger_ui_bundle")
    assert package, "swagger-ui-bundle-v2 is one of the dependencies"
    assert package.origin
    (folder,) = (Path(package.origin).parent / "vendor").glob("swagger-ui-*")
    return folder


docs = Blueprint(
    "docs",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static/docs",
)


@docs.get("/docs")
async def show() -> Response:
    """The page; it loads nothing from other sites."""
    response = Response(await render_template("docs.html"))
    response.headers["Content-Security-Policy"] = POLICY
    return response


def install(app: Quart) -> None:
    """Serve the page, and the files that it needs."""
    swagger_ui = Blueprint(
        "swagger_ui",
        __name__,
        static_folder=str(swagger_ui_folder()),
        static_url_path="/static/swagger-ui",
    )
    app.register_blueprint(docs)
    app.register_blueprint(swagger_ui)
