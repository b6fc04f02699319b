"""The statements that code sends, and the lines that send them."""

import ast
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from quart_chassis.database import Succession

SENDING = {"execute", "fetch", "scalar", "scalars", "stream"}


class Sent(NamedTuple):
    """A statement, and the line of the code that sent it."""

    statement: Any
    path: Path
    line: int


@contextmanager
def recording(folder: Path) -> Iterator[list[Sent]]:
    """The statements that code under `folder` sends in the block."""
    sent: list[Sent] = []

    def note(statement: Any, frame: FrameType | None) -> None:
        while frame and not Path(frame.f_code.co_filename).is_relative_to(folder):
            frame = frame.f_back
        if frame:
            path = Path(frame.f_code.co_filename)
            sent.append(Sent(statement, path, frame.f_lineno))

    execute, fetch = AsyncConnection.execute, Succession.fetch

    async def noted_execute(self: Any, statement: Any, *rest: Any, **kw: Any) -> Any:
        note(statement, sys._getframe(1))
        return await execute(self, statement, *rest, **kw)

    async def noted_fetch(self: Any, statement: Any, **given: Any) -> Any:
        note(statement.clause, sys._getframe(1))
        return await fetch(self, statement, **given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AsyncConnection, "execute", noted_execute)
        patch.setattr(Succession, "fetch", noted_fetch)
        yield sent


def not_sent(folder: Path, sent: Iterable[Sent]) -> list[str]:
    """The lines under `folder` that send statements, of which none was sent."""
    lines = {(each.path, each.line) for each in sent}
    return [
        f"{path.relative_to(folder)}:{call.lineno}"
        for path in sorted(folder.rglob("*.py"))
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call)
        and call.args
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in SENDING
        and not any(
            (path, line) in lines
            for line in range(call.lineno, (call.end_lineno or call.lineno) + 1)
        )
    ]
