"""Who is compared: ours, the same page on other frameworks, and what limits both."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from boilerplate.benchmarks.load import POST
from quart_chassis.testing.servers import ROOT

HERE = Path(__file__).parent / "contenders"
MADE = Path(tempfile.gettempdir(), f"bench-{os.getpid()}")
UVICORN = (
    "-m uvicorn --no-access-log --log-level warning --host 127.0.0.1 --port {port}"
)
POOLS = (5, 10, 20, 64)


@dataclass(frozen=True)
class Contender:
    """A server that is started and asked.

    `program` is `ours` (this project's Python), `theirs` (the contenders'), `node`,
    `made` (a project that was made for this), or `pgbench`, which is no server.
    `pools` are the sizes that are tried; the best is compared. `loses` says that it is
    known to count wrongly. `script` is one for wrk.
    """

    name: str
    program: str
    words: str
    pools: tuple[int, ...] = POOLS
    path: str = "/"
    script: str = ""
    counts: bool = True
    loses: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    at: Path | None = None

    def command(self, pythons: Mapping[str, str], port: int) -> list[str]:
        """What starts it."""
        return [pythons[self.program], *self.words.format(port=port).split()]

    @property
    def folder(self) -> Path:
        """Where it is started."""
        return self.at or {"ours": ROOT, "made": MADE}.get(self.program, HERE)


RUN = "manage.py run --port {port}"
WITHOUT_LANES = (
    "-m boilerplate.benchmarks.contenders.ours_without_lanes run --port {port}"
)
BOOK = "/books/1"
# Our own has the pool that its settings have: one writer needs one connection.
PAGE = Contender("our page", "ours", RUN, (5,))
OURS = (
    PAGE,
    Contender("our badge", "ours", RUN, (5,), "/badges/home.svg"),
    Contender("our increment", "ours", RUN, (5,), "/api/counters/home/increment", POST),
    Contender("our page, without the lane", "ours", WITHOUT_LANES, (5,)),
    Contender(
        "our view as startapp makes it",
        "made",
        "-m quart_chassis.commands run --port {port}",
        path=f"/api{BOOK}",
        counts=False,
    ),
)
PEERS = (
    Contender("Quart + SQLAlchemy", "theirs", f"{UVICORN} quart_app:app"),
    Contender("FastAPI + SQLAlchemy", "theirs", f"{UVICORN} fastapi_app:app"),
    Contender("Litestar + SQLAlchemy", "theirs", f"{UVICORN} litestar_app:app"),
    Contender("Starlette + asyncpg", "theirs", f"{UVICORN} starlette_app:app"),
    Contender("Django async + psycopg", "theirs", f"{UVICORN} django_app:app"),
    Contender(
        "Flask + psycopg, gunicorn",
        "theirs",
        "-m gunicorn -k gthread --threads {{pool}} -b 127.0.0.1:{port} flask_app:app",
    ),
    Contender("Fastify + pg", "node", "fastify_app.js"),
    Contender("Hono + postgres.js", "node", "hono_app.js"),
    Contender(
        "the chapter's: read, add, write",
        "theirs",
        f"{UVICORN} tutorial_app:app",
        loses=True,
    ),
)
STATIC = "/static-page"
LIMITS = (
    Contender(
        "that view on Quart + SQLAlchemy",
        "theirs",
        f"{UVICORN} quart_app:app",
        path=BOOK,
        counts=False,
    ),
    Contender(
        "Quart, a static page",
        "theirs",
        f"{UVICORN} quart_app:app",
        (5,),
        STATIC,
        counts=False,
    ),
    Contender(
        "FastAPI, a static page",
        "theirs",
        f"{UVICORN} fastapi_app:app",
        (5,),
        STATIC,
        counts=False,
    ),
    Contender(
        "Starlette, a static page",
        "theirs",
        f"{UVICORN} starlette_app:app",
        (5,),
        STATIC,
        counts=False,
    ),
    Contender("bare ASGI", "theirs", f"{UVICORN} bare_app:app", (5,), counts=False),
    Contender("pgbench, without a server", "pgbench", "", (1, *POOLS)),
)
FIELD = (*OURS, *PEERS, *LIMITS)
QUICK = (
    *("our page", "our page, without the lane", "Quart + SQLAlchemy"),
    *("FastAPI + SQLAlchemy", "Starlette + asyncpg", "Fastify + pg"),
    "Quart, a static page",
)
