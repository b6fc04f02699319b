"""Open Python with the application and its database at hand; await works in it."""

import argparse
import ast
import asyncio
import code
import inspect
import signal
import sys
from concurrent.futures import Future
from contextlib import suppress
from types import CodeType, FunctionType
from typing import Any

BANNER = """\
The application is `app`, its tables are `tables`, and a transaction is
`async with begin() as connection:`. Ctrl-D ends it."""


def configure(parser: argparse.ArgumentParser) -> None:
    """What to run instead of asking."""
    parser.add_argument("-c", "--command", metavar="CODE", help="run this, and end")


async def run(arguments: argparse.Namespace) -> int:
    """Ask for statements; or run those given with -c or on standard input."""
    names = _names(arguments)
    if arguments.command is None and sys.stdin.isatty():
        console = Console(names, asyncio.get_running_loop())
        with suppress(NotImplementedError):
            # On Windows, Ctrl-C ends the shell.
            asyncio.get_running_loop().add_signal_handler(
                signal.SIGINT, console.interrupt
            )
        await asyncio.to_thread(_ask, console)
        return 0
    source = sys.stdin.read() if arguments.command is None else arguments.command
    compiled = compile(source, "<shell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    await _call(compiled, names)
    return 0


def _names(arguments: argparse.Namespace) -> dict[str, Any]:
    from quart_chassis.database import begin

    tables = arguments.project.metadata().tables
    return {
        "__name__": "__console__",
        "app": arguments.app,
        "begin": begin,
        "tables": tables,
    }


def _ask(console: "Console") -> None:
    with suppress(ImportError):
        # Arrow keys and history, where Python was built with it.
        import readline  # noqa: F401
    console.interact(BANNER, exitmsg="")


async def _call(compiled: CodeType, names: dict[str, Any]) -> None:
    result = FunctionType(compiled, names)()
    if inspect.iscoroutine(result):
        await result


class Console(code.InteractiveConsole):
    """Asks in a thread of its own; statements run in the application's loop."""

    def __init__(self, names: dict[str, Any], loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(names)
        self.compile.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        self._names = names
        self._loop = loop
        self._running: Future[None] | None = None

    def runcode(self, code: CodeType) -> None:
        self._running = asyncio.run_coroutine_threadsafe(
            _call(code, self._names), self._loop
        )
        try:
            self._running.result()
        except SystemExit:
            raise
        except BaseException:
            self.showtraceback()
        finally:
            self._running = None

    def interrupt(self) -> None:
        """Cancel the statement that runs, as Ctrl-C does."""
        if self._running:
            self._running.cancel()
        else:
            self.write("\nCtrl-D ends the shell\n")
