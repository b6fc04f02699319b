"""Pages about notes, and a WebSocket that echoes."""

from quart import Blueprint, render_template, websocket

from quart_chassis.database import begin
from small_app.notes_app import queries

notes_app = Blueprint(
    "notes_app",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static/notes_app",
)


@notes_app.get("/")
async def home() -> str:
    """How many notes there are."""
    async with begin() as connection:
        number = await queries.count(connection)
    return await render_template("notes_app/home.html", number=number)


@notes_app.get("/drafts/<int:number>")
@notes_app.get("/drafts", defaults={"number": 0})
async def drafts(number: int) -> str:
    """A page that does not touch the database."""
    return await render_template("notes_app/home.html", number=number)


@notes_app.websocket("/echo")
async def echo() -> None:
    """Say what is heard."""
    while True:
        await websocket.send(await websocket.receive())
