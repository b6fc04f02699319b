"""All counters out of the database, and back into it."""

import datetime as dt
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from my_app.counter_app import Settings as CounterSettings
from my_app.stats_app import lines, transfer_queries
from quart_chassis import settings
from quart_chassis.database import begin, begin_snapshot

# A snapshot keeps what is deleted meanwhile, so it must end.
EXPORT_SECONDS = 3600
# Days of counters that are read at once; they take some 10 MB.
DAYS_AT_ONCE = 40_000
# Rows that one transaction writes: it holds up the callers of its counters, and while
# they are read, which takes 10 ms, the worker does nothing else.
ROWS_AT_ONCE = 1000
HEAD = (
    f'{{"format": "counters", "version": {lines.VERSION}, '
    '"exported_at": "2026-01-31T12:00:00Z"}'
)


class BadLine(ValueError):
    """Why a line is not imported; what stood before it may be."""

    def __init__(self, number: int, reason: str, imported: int) -> None:
        super().__init__(
            f"Line {number}: {reason}. {imported} counters of the lines before it "
            "were imported; the whole file may be sent again."
        )


@dataclass
class Imported:
    """What was imported so far; `names` are those of the file, written or not."""

    counters: int = 0
    days: int = 0
    names: set[str] = field(default_factory=set)


async def export() -> AsyncGenerator[bytes, None]:
    """The lines of all counters, in pieces, as they are at one moment.

    DatabaseUnavailable, perhaps after some; then the last line is missing.
    """
    size = 1 + DAYS_AT_ONCE // settings.current(CounterSettings).HISTORY_DAYS
    async with begin_snapshot(EXPORT_SECONDS) as connection:
        now = dt.datetime.now(dt.UTC)
        # Before the head: an error is told while nothing is sent yet.
        page = await transfer_queries.read_page(connection, "", size)
        yield lines.written(lines.Head("counters", lines.VERSION, now))
        exported = 0
        while page:
            yield b"".join(map(lines.written, page))
            exported += len(page)
            page = await transfer_queries.read_page(connection, page[-1].name, size)
    yield lines.written(lines.End(end=True, counters=exported))


async def import_all(
    file: BinaryIO, told: Callable[[Imported], None] = lambda _: None
) -> Imported:
    """Write the counters of a file over those of the same names.

    They are written in batches, and `told` hears of each. BadLine says what is wrong,
    and where; DatabaseUnavailable if the database does not answer. What was written
    before stays, so the same file may be imported again.
    """
    imported = Imported()
    batch: list[lines.Counter] = []
    rows = 0
    for counter in _counters(Reader(file), imported):
        batch.append(counter)
        rows += 1 + len(counter.days)
        if rows >= ROWS_AT_ONCE:
            await _write(batch, imported, told)
            batch, rows = [], 0
    if batch:
        await _write(batch, imported, told)
    return imported


async def _write(
    batch: list[lines.Counter], imported: Imported, told: Callable[[Imported], None]
) -> None:
    async with begin() as connection:
        await transfer_queries.write(connection, batch)
    imported.counters += len(batch)
    imported.days += sum(len(each.days) for each in batch)
    told(imported)


class Reader:
    """A file's lines, and the number of the last one that was read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.number = 0

    def line(self) -> bytes:
        """The next line, or its beginning if it is too long; b"" at the end."""
        self.number += 1
        return self._file.readline(lines.LONGEST_LINE + 1)


def _counters(reader: Reader, imported: Imported) -> Iterator[lines.Counter]:
    """The counters of a file that is whole; BadLine as soon as something is wrong."""
    try:
        yield from _checked(reader, imported.names)
    except ValueError as error:
        raise BadLine(reader.number, str(error), imported.counters) from None


def _checked(reader: Reader, known: set[str]) -> Iterator[lines.Counter]:
    _check_head(reader.line())
    while not lines.is_end(line := reader.line()):
        if not line:
            raise ValueError('the file was cut off: its last line has "end"')
        yield _new(lines.read(line, lines.Counter), known)
    _check_end(lines.read(line, lines.End), len(known))
    if reader.line().strip():
        raise ValueError("there is something behind the last line")


def _check_head(line: bytes) -> None:
    try:
        head = lines.read(line, lines.Head)
    except ValueError as error:
        raise ValueError(
            f"the first line must be a head, such as {HEAD}: {error}"
        ) from None
    if head.version != lines.VERSION:
        raise ValueError(
            f"version is {head.version}, and this release reads {lines.VERSION}"
        )


def _new(counter: lines.Counter, known: set[str]) -> lines.Counter:
    """The counter, checked, whose name is among the `known` ones from now on."""
    lines.check(counter)
    if counter.name in known:
        raise ValueError(f"name {counter.name} has a line already")
    known.add(counter.name)
    return counter


def _check_end(end: lines.End, counted: int) -> None:
    if end.counters != counted:
        raise ValueError(f"counters is {end.counters}, and there are {counted}")
