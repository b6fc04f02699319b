"""Browsers reload what they show when it changed, under `run --reload` only.

A page has a script, which keeps an event stream open while the page is visible, and
reloads the page when the stream tells another state than the page was made in. The
state changes with each start of the server, and with each template or static file.
"""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from markupsafe import Markup
from quart import Blueprint, Quart, Response, current_app, request, url_for

from quart_chassis.door import Draining
from quart_chassis.door.entry import UNLOGGED
from quart_chassis.web.asked import asked

SCRIPT = Path(__file__).with_name("templates") / "reload.js"

reload = Blueprint("reload", __name__)


class Shown:
    """What browsers show: its state changes when they should reload it.

    `changed` is set once, when the state is another one or the streams are to end.
    """

    def __init__(self) -> None:
        self._process = uuid4().hex[:12]
        self._changes = 0
        self.changed = asyncio.Event()

    @property
    def state(self) -> str:
        return f"{self._process}-{self._changes}"

    def change(self) -> None:
        """Have browsers reload; called in the event loop."""
        self._changes += 1
        self.wake()

    def wake(self) -> None:
        """Make every stream look whether it is to go on."""
        self.changed.set()
        self.changed = asyncio.Event()


def offer(app: Quart) -> None:
    """Give templates `reload_script()`, which is empty without `install`."""
    app.jinja_env.globals["reload_script"] = reload_script


def install(app: Quart, draining: Draining) -> None:
    """Serve the script and the stream; streams end when `draining` begins."""
    shown = Shown()
    app.extensions |= {"shown": shown, "draining": draining}
    draining.when_begun.append(shown.wake)
    app.jinja_env.auto_reload = True
    app.register_blueprint(reload)


def reload_script() -> str:
    """The tag for a page's head; empty where a reload would send a form again."""
    if "shown" not in current_app.extensions or asked().method not in {"GET", "HEAD"}:
        return ""
    shown: Shown = current_app.extensions["shown"]
    return Markup(
        '<script defer src="{}" data-stream="{}" data-state="{}"></script>'
    ).format(url_for("reload.script"), url_for("reload.stream"), shown.state)


@reload.get("/_reload.js")
async def script() -> Response:
    """The script of `reload_script()`."""
    _leave_no_trace()
    return Response(SCRIPT.read_text("utf-8"), content_type="text/javascript")


@reload.get("/_reload")
async def stream() -> Response:
    """The state at once, and each other one."""
    _leave_no_trace()
    shown: Shown = current_app.extensions["shown"]
    draining: Draining = current_app.extensions["draining"]
    body = b"" if request.method == "HEAD" else _states(shown, draining)
    response = Response(body, content_type="text/event-stream")
    response.timeout = None
    return response


def _leave_no_trace() -> None:
    """Keep the request out of logs and metrics: nobody made it."""
    cast("dict[str, Any]", request.scope)[UNLOGGED] = True


async def _states(shown: Shown, draining: Draining) -> AsyncGenerator[bytes, None]:
    while not draining.begun:
        changed = shown.changed
        yield f"data: {shown.state}\n\n".encode()
        await changed.wait()
