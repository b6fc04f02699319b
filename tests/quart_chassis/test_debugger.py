import threading
from pathlib import Path

import httpx
import pytest

from quart_chassis.testing.servers import ADDRESS
from quart_chassis.testing.waiting import HANG_SECONDS
from tests.quart_chassis.small_project import command
from tests.quart_chassis.terminals import in_terminal

VIEWS = "small_app/notes_app/views.py"


@pytest.mark.slow
def test_a_breakpoint_opens_a_debugger_in_the_terminal(
    checkout: Path, database: str
) -> None:
    views = checkout / VIEWS
    line = "        number = await"
    views.write_text(views.read_text().replace(line, f"        breakpoint()\n{line}"))
    with in_terminal(
        command("run", "--port", "0", "--reload"), checkout, DATABASE_URL=database
    ) as terminal:
        terminal.waits_for("Ctrl-C ends it")
        (address,) = ADDRESS.findall(terminal.shown)
        # A start says nothing else.
        assert terminal.shown.strip() == f"Open {address} (Ctrl-C ends it)"
        asked = threading.Thread(
            target=httpx.get, args=(address,), kwargs={"timeout": HANG_SECONDS}
        )
        asked.start()
        terminal.waits_for("(Pdb)")
        terminal.type("p 6 * 7\n")
        terminal.waits_for("42")
        terminal.type("c\n")
        asked.join(HANG_SECONDS)
        terminal.waits_for("GET / ")
