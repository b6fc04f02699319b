"""What answers under `run --reload` while the application does not start."""

from quart import Quart, Response, request

from quart_chassis.door import Draining
from quart_chassis.door.headers import HEADERS
from quart_chassis.serve import stopping
from quart_chassis.settings import Settings
from quart_chassis.web import development, reload

TITLE = "The application does not start"
ELSEWHERE = "The console of its server says why."


def app_for(error: BaseException, settings: Settings) -> Quart:
    """An application that answers everything with the reason `error`.

    Its pages reload themselves when another process serves.
    """
    app = Quart(__name__, static_folder=None)
    app.extensions["settings"] = {Settings: settings}
    reload.install(app, Draining())
    stopping.install(app, seconds=0)

    @app.before_request
    async def answer() -> Response | None:
        if request.blueprint == reload.reload.name:
            return None
        if not development.sees_errors():
            return development.page(503, TITLE, detail=ELSEWHERE)
        if isinstance(error, SystemExit):
            # What the user can mend, in one line.
            return development.page(500, TITLE, detail=str(error))
        return development.traceback_response(error, settings.project)

    @app.after_request
    async def complete(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return app
