"""The cookie of a session, which belongs to this application and to no neighbour."""

from quart import Quart
from quart.sessions import SecureCookieSessionInterface

from quart_chassis.web.asked import asked


class Sessions(SecureCookieSessionInterface):
    """As Quart's; below a path prefix, the cookie is sent to what is below it alone."""

    def get_cookie_path(self, app: Quart) -> str:
        """SESSION_COOKIE_PATH, or the root of the application as the caller sees it."""
        return app.config["SESSION_COOKIE_PATH"] or f"{asked().root_path}/"
