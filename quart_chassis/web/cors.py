"""CORS: scripts of the sites in CORS_ORIGINS may call the API (Fetch, 3.2)."""

from quart import Quart, Response, request

from quart_chassis.settings import Settings

METHODS = "GET, POST, PUT, PATCH, DELETE"
PREFLIGHT_SECONDS = 600


def install(app: Quart, settings: Settings) -> None:
    """Let scripts of CORS_ORIGINS read responses under /api/; `*` is every site."""
    allowed = settings.CORS_ORIGINS
    if not allowed:
        return

    @app.after_request
    async def allow(response: Response) -> Response:
        if not request.path.startswith("/api/"):
            return response
        response.headers.add("Vary", "Origin")
        origin = request.headers.get("Origin")
        if origin is None or not ("*" in allowed or origin in allowed):
            return response
        response.headers["Access-Control-Allow-Origin"] = origin
        # `*` means every header, because only requests without credentials are allowed.
        response.headers["Access-Control-Expose-Headers"] = "*"
        if "Access-Control-Request-Method" in request.headers:
            asked = request.headers.get("Access-Control-Request-Headers", "")
            response.headers["Access-Control-Allow-Methods"] = METHODS
            response.headers["Access-Control-Allow-Headers"] = asked
            response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
        return response
