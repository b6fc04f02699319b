"""/docs: the API for people to read and to try.

The page is Swagger UI, from a package whose files we serve ourselves.
"""

from importlib.util import find_spec
from pathlib import Path

from quart import Blueprint, Quart, Response, render_template

from quart_chassis.door import CONTENT_SECURITY_POLICY

# Swagger UI draws its arrows with pictures that stand in its stylesheet.
POLICY = CONTENT_SECURITY_POLICY.replace("img-src 'self'", "img-src 'self' data:")


def swagger_ui_folder() -> Path:
    """Where the package keeps Swagger UI's files; it is not imported for that."""
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
    """The API for people; nothing on the page comes from elsewhere."""
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
