"""The application, its PostgreSQL and what may happen to them."""

import asyncio
import random
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager, suppress

import asyncpg
import psutil

from quart_chassis.database import migrations
from quart_chassis.features import load_settings
from quart_chassis.project import Project
from quart_chassis.testing.postgres import OwnPostgres, free_port
from quart_chassis.testing.servers import ROOT, RunningServer, manage, running
from quart_chassis.testing.waiting import HANG_SECONDS
from tests.counter_app.faults import cheats
from tests.counter_app.faults.load import KEYED, PLAIN
from tests.counter_app.faults.proxy import MOMENTS, Proxy
from tests.counter_app.writers import wrong_sums

# The full disk is PostgreSQL's own error, raised by triggers where `broken` says so.
BREAKABLE = """
CREATE TABLE broken (moment text PRIMARY KEY);
CREATE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM broken WHERE moment = TG_ARGV[0]) THEN
        RAISE 'could not extend file: No space left on device'
            USING ERRCODE = 'disk_full';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER at_once AFTER INSERT OR UPDATE ON counters
    FOR EACH STATEMENT EXECUTE FUNCTION no_space('at once');
CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT OR UPDATE ON counters
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION no_space('at commit');
"""


# Few enough to be reached, so that the bound is seen to hold.
NEW_PER_MINUTE = 20
MADE = """
    SELECT max(times) FROM (
        SELECT count(*) AS times FROM counters WHERE name LIKE 'new-%'
        GROUP BY date_trunc('minute', created_at)
    ) AS made
"""


class World:
    """Everything the clients' requests pass through."""

    def __init__(self, postgres: OwnPostgres, **overrides: str) -> None:
        self.postgres = postgres
        self.url = postgres.url()
        self.proxy = Proxy(postgres.port)
        self.port = free_port()
        self.environment = {
            "LOG_LEVEL": "WARNING",
            "NEW_COUNTERS_PER_MINUTE": str(NEW_PER_MINUTE),
            # Each client sends many more than a stranger may.
            "KEYS_PER_MINUTE": "1000000",
            **overrides,
        }
        self.command = manage("run", "--port", str(self.port), "--workers", "2")
        self.server: RunningServer | None = None
        self.stack = ExitStack()
        self.statuses: list[int] = []

    def cheat(self, name: str) -> None:
        """From the next start on, serve an engine that breaks the promise."""
        self.environment[cheats.CHEAT] = name
        self.command = [
            *(sys.executable, "-m", "uvicorn", "tests.counter_app.faults.cheats:app"),
            *("--port", str(self.port), "--workers", "2"),
        ]

    async def start_server(self) -> None:
        """Until it serves; it refuses to start while there is no database."""
        url = self.postgres.url().replace(str(self.postgres.port), str(self.proxy.port))
        environment = {**self.environment, "DATABASE_URL": url}
        async with asyncio.timeout(HANG_SECONDS):
            while True:
                with suppress(AssertionError):
                    self.server = await asyncio.to_thread(
                        self.stack.enter_context,
                        running(self.command, ROOT, measured=False, **environment),
                    )
                    return

    async def stop_server(self, number: int) -> None:
        """To all its processes if it is SIGKILL, as an out-of-memory killer would."""
        assert self.server is not None
        process = psutil.Process(self.server.process.pid)
        hurt = [process]
        if number == signal.SIGKILL:
            hurt += process.children(recursive=True)
        for each in hurt:
            each.send_signal(number)
        self.statuses.append(await asyncio.to_thread(self.server.wait))

    def workers(self) -> list[psutil.Process]:
        assert self.server is not None
        return self.server.workers()

    def backends(self) -> list[psutil.Process]:
        """PostgreSQL with all its processes."""
        postmaster = psutil.Process(self.postgres.pid())
        return [postmaster, *postmaster.children(recursive=True)]

    async def connect(self) -> asyncpg.Connection:
        """Past the proxy."""
        return await asyncpg.connect(self.url)

    async def execute(self, statement: str, *arguments: object) -> None:
        connection = await self.connect()
        await connection.execute(statement, *arguments)
        await connection.close()

    async def problems(self) -> list[str]:
        """Days that do not add up, and more new counters than a minute may have."""
        found = [f"{each} do not add up" for each in await wrong_sums(self.url)]
        connection = await self.connect()
        made = await connection.fetchval(MADE) or 0
        await connection.close()
        if made > NEW_PER_MINUTE:
            found.append(f"{made} new counters in a minute")
        return found

    async def stored(self) -> dict[str, int]:
        connection = await self.connect()
        found = await connection.fetch("SELECT name, value FROM counters")
        await connection.close()
        return {row["name"]: row["value"] for row in found}


@asynccontextmanager
async def world(
    postgres: OwnPostgres, cheat: str = "", **overrides: str
) -> AsyncIterator[World]:
    """The application with an empty database, served by two workers."""
    made = World(postgres, **overrides)
    await made.proxy.start()
    try:
        await made.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        project = Project.of("my_app")
        await migrations.to_revision(
            load_settings(project, DATABASE_URL=postgres.url())
        )
        await made.execute(BREAKABLE)
        if cheat:
            made.cheat(cheat)
        await made.start_server()
        yield made
    finally:
        await asyncio.to_thread(made.stack.close)
        if made.server is not None:
            # Shown where the test fails.
            print("\n".join(made.server.lines[-40:]))
        await made.proxy.close()


Fault = Callable[[World, random.Random], Awaitable[None]]


async def kill_a_worker(world: World, chance: random.Random) -> None:
    async with asyncio.timeout(HANG_SECONDS):
        while not (workers := world.workers()):  # noqa: ASYNC110 - one is being replaced
            await asyncio.sleep(0.1)
    chance.choice(workers).kill()


async def kill_the_server(world: World, chance: random.Random) -> None:
    await world.stop_server(signal.SIGKILL)
    await world.start_server()


async def restart_the_server(world: World, chance: random.Random) -> None:
    await world.stop_server(signal.SIGTERM)
    assert world.statuses[-1] == 0
    await world.start_server()


async def replace_the_workers(world: World, chance: random.Random) -> None:
    """SIGHUP: one worker after the other, while the port stays open."""
    assert world.server is not None
    await asyncio.to_thread(world.server.replace_workers)


async def kill_postgres(world: World, chance: random.Random) -> None:
    processes = world.backends()
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    await asyncio.to_thread(psutil.wait_procs, processes, 10)
    await asyncio.to_thread(world.postgres.start)


async def stop_postgres_at_once(world: World, chance: random.Random) -> None:
    await asyncio.to_thread(world.postgres.stop, "immediate")
    await asyncio.to_thread(world.postgres.start)


async def restart_postgres(world: World, chance: random.Random) -> None:
    await asyncio.to_thread(world.postgres.stop)
    await asyncio.to_thread(world.postgres.start)


async def freeze_postgres(world: World, chance: random.Random) -> None:
    processes = world.backends()
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.suspend()
    await asyncio.sleep(chance.uniform(1, 5))
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.resume()


async def terminate_backends(world: World, chance: random.Random) -> None:
    for _ in range(5):
        await world.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        await asyncio.sleep(chance.random() * 0.05)


async def exhaust_connections(world: World, chance: random.Random) -> None:
    """Every connection the server has is somebody else's."""
    taken = []
    with suppress(asyncpg.PostgresError, OSError):
        for _ in range(200):
            taken.append(await world.connect())
            if len(taken) == 80:
                await taken[0].execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE application_name = '' AND query LIKE '%counters%' "
                    "AND pid <> pg_backend_pid()"
                )
    await asyncio.sleep(1)
    for connection in taken:
        connection.terminate()


async def lock_the_table(world: World, chance: random.Random) -> None:
    """Readers wait too, and take every connection of the pools."""
    connection = await world.connect()
    async with connection.transaction():
        await connection.execute("LOCK TABLE counters IN ACCESS EXCLUSIVE MODE")
        await asyncio.sleep(chance.uniform(1, 3))
    await connection.close()


async def fill_the_disk(world: World, chance: random.Random) -> None:
    moment = chance.choice(["at once", "at commit"])
    await world.execute("INSERT INTO broken VALUES ($1)", moment)
    await asyncio.sleep(0.5)
    await world.execute("DELETE FROM broken")


async def hold_a_row(world: World, chance: random.Random) -> None:
    connection = await world.connect()
    async with connection.transaction():
        await connection.execute(
            "SELECT FROM counters WHERE name = $1 FOR UPDATE", chance.choice(PLAIN)
        )
        await asyncio.sleep(chance.uniform(1, 4))
    await connection.close()


async def deadlock(world: World, chance: random.Random) -> None:
    """A foreign session takes rows in the order we do not."""
    connection = await world.connect()
    with suppress(asyncpg.DeadlockDetectedError):
        async with connection.transaction():
            for name in (*reversed(PLAIN), *reversed(KEYED)):
                await connection.execute(
                    "SELECT FROM counters WHERE name = $1 FOR UPDATE", name
                )
                await asyncio.sleep(0.1)
    await connection.close()


async def step_the_clock(world: World, chance: random.Random) -> None:
    """For keys, the only thing that has an age: as if the clock had been put on."""
    hours = chance.uniform(0, 20)
    await world.execute(
        "UPDATE idempotency_keys SET created_at = now() - make_interval(mins => $1)",
        round(60 * hours),
    )


def strike(moment: str, seconds: float) -> Fault:
    async def struck(world: World, chance: random.Random) -> None:
        for _ in range(3):
            await world.proxy.strike(moment, seconds and chance.uniform(0.5, seconds))

    return struck


QUICK: dict[str, Fault] = {
    **{f"cut {moment}": strike(moment, 0) for moment in MOMENTS},
    "terminated backends": terminate_backends,
    "killed worker": kill_a_worker,
    "immediate stop of PostgreSQL": stop_postgres_at_once,
    "deadlock": deadlock,
    "full disk": fill_the_disk,
}
FAULTS: dict[str, Fault] = {
    **QUICK,
    **{f"stall {moment}": strike(moment, 3) for moment in MOMENTS},
    "killed server": kill_the_server,
    "restarted server": restart_the_server,
    "replaced workers": replace_the_workers,
    "killed PostgreSQL": kill_postgres,
    "restarted PostgreSQL": restart_postgres,
    "frozen PostgreSQL": freeze_postgres,
    "no connection left": exhaust_connections,
    "locked table": lock_the_table,
    "held row": hold_a_row,
    "clock": step_the_clock,
}
