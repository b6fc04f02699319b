"""The cookie of a session, which belongs to this application and to no neighbour."""

from quart import Quart, Response
from quart.sessions import (
    SecureCookieSession,
    SecureCookieSessionInterface,
    SessionMixin,
)
from quart.wrappers.base import BaseRequestWebsocket
from werkzeug.wrappers import Response as WerkzeugResponse

from quart_chassis.web.asked import asked


class Sessions(SecureCookieSessionInterface):
    """As Quart's; below a path prefix, the cookie is sent to what is below it alone."""

    async def open_session(
        self, app: Quart, request: BaseRequestWebsocket
    ) -> SecureCookieSession | None:
        """As Quart's, which makes what checks a signature also where there is none."""
        if app.secret_key and "Cookie" not in request.headers:
            return self.session_class()
        return await super().open_session(app, request)

    async def save_session(
        self,
        app: Quart,
        session: SessionMixin,
        response: Response | WerkzeugResponse | None,
    ) -> None:
        """Say what became of the session; most requests have none."""
        if session.accessed or session.modified or len(session):
            await super().save_session(app, session, response)

    def get_cookie_path(self, app: Quart) -> str:
        """SESSION_COOKIE_PATH, or the root of the application as the caller sees it."""
        return app.config["SESSION_COOKIE_PATH"] or f"{asked().root_path}/"
