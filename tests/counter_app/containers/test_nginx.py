"""Four servers behind nginx, with the site that deploy/nginx.conf has."""

import asyncio
import json
import os
import re
import secrets
import shutil
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest

from quart_chassis.testing.compose import PRODUCTION, SECRETS, Compose, docker
from quart_chassis.testing.postgres import free_port
from quart_chassis.testing.servers import ROOT
from quart_chassis.testing.waiting import until, until_async

pytestmark = pytest.mark.slow

REPLICAS = 4
CLIENTS = 32
MAIN = """
daemon off;
pid nginx.pid;
error_log error.log;
{user}
events {{ }}
http {{
    log_format tries '$request_method $status $upstream_addr';
    access_log access.log tries;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    include site.conf;
}}
"""


class Nginx:
    """A running nginx in a folder of its own."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"

    def tries(self, method: str) -> list[int]:
        """How many servers each request was handed to."""
        log = (self.folder / "access.log").read_text("utf-8").splitlines()
        return [line.count(",") + 1 for line in log if line.startswith(f"{method} ")]


@contextmanager
def nginx(folder: Path, servers: list[str], next_upstream: str) -> Iterator[Nginx]:
    """The site as it is shipped, without TLS, and with these servers."""
    port = free_port()
    site = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
    found = re.search(r"server 127\.0\.0\.1:5001(.*);", site)
    assert found
    upstream = "".join(f"server {each}:5001{found[1]};" for each in servers)
    redirecting, _, serving = site.partition("server {\n    listen 443")
    redirecting = redirecting.replace(found[0], upstream)
    redirecting = redirecting.replace("listen 80;", f"listen 127.0.0.1:{free_port()};")
    serving = re.sub(r"^ ssl http2;", f"server {{ listen 127.0.0.1:{port};", serving)
    serving = re.sub(r"ssl_\w+ .*;", "", serving)
    # All of the callers have one address.
    serving = re.sub(r"limit_req .*;", "", serving)
    assert "proxy_next_upstream error timeout;" in serving
    serving = serving.replace("error timeout;", f"{next_upstream};")
    (folder / "site.conf").write_text(redirecting + serving)
    user = "user root;" if os.getuid() == 0 else ""
    (folder / "nginx.conf").write_text(MAIN.format(user=user))
    process = subprocess.Popen(["nginx", "-p", folder, "-c", "nginx.conf"])
    running = Nginx(folder, port)
    try:
        until(lambda: answers(running))
        yield running
    finally:
        process.terminate()
        process.wait(20)


def answers(server: Nginx) -> bool:
    try:
        return httpx.get(server.url + "/readyz").status_code == 200
    except httpx.TransportError:
        return False


class Callers:
    """Many who count through nginx, and what each of them was told."""

    def __init__(self, url: str) -> None:
        limits = httpx.Limits(max_connections=CLIENTS)
        self.client = httpx.AsyncClient(base_url=url, limits=limits, timeout=30)
        self.numbers: dict[str, list[int]] = {"home": [], "plain": [], "keyed": []}
        self.outcomes: Counter[tuple[str, int]] = Counter()
        self.stopping = False

    async def visit(self) -> None:
        if page := await self._answer("home", "GET", "/"):
            (number,) = re.findall(r"Counter: (\d+)", page.text)
            self.numbers["home"].append(int(number))

    async def plain(self) -> None:
        if told := await self._answer("plain", "POST", "/api/counters/plain/increment"):
            self.numbers["plain"].append(told.json()["value"])

    async def keyed(self) -> None:
        """Sent until it is answered 200, always with its key."""
        key = {"Idempotency-Key": secrets.token_hex(8)}
        path = "/api/counters/keyed/increment"
        while not (told := await self._answer("keyed", "POST", path, **key)):
            pass
        self.numbers["keyed"].append(told.json()["value"])

    async def _answer(
        self, name: str, method: str, path: str, **headers: str
    ) -> httpx.Response | None:
        """The answer if it is a whole 200; one that breaks off has the status 0."""
        try:
            response = await self.client.request(method, path, headers=headers)
        except httpx.TransportError:
            self.outcomes[name, 0] += 1
            return None
        self.outcomes[name, response.status_code] += 1
        return response if response.status_code == 200 else None

    async def run(self, work: Callable[[], Awaitable[object]]) -> None:
        """All of them, again and again, until `work` is done."""

        async def again() -> None:
            while not self.stopping:
                for call in (self.visit, self.plain, self.keyed):
                    await call()

        tasks = [asyncio.create_task(again()) for _ in range(CLIENTS)]
        try:
            await work()
        finally:
            self.stopping = True
            await asyncio.gather(*tasks)
            await self.client.aclose()

    async def have(self, number: int) -> bool:
        return self.outcomes.total() >= number

    def failed(self, name: str) -> int:
        """How many were answered something else than 200."""
        told = self.outcomes.items()
        return sum(n for (each, status), n in told if each == name and status != 200)

    def all_are_numbered(self, name: str) -> bool:
        """Whether the numbers are 1 to how many there are, each once."""
        return sorted(self.numbers[name]) == list(range(1, len(self.numbers[name]) + 1))


@pytest.fixture
def replicas(compose: Callable[..., Compose]) -> Compose:
    if not shutil.which("nginx"):
        pytest.skip("no nginx on PATH")
    # They send more keys than strangers may.
    settings = "KEYS_PER_MINUTE=1000000\n"
    project = compose(
        *PRODUCTION, settings=settings, replicas=REPLICAS, WORKERS="1", **SECRETS
    )
    project.up()
    assert len(project.addresses()) == REPLICAS
    return project


def stored(project: Compose, name: str) -> int:
    statement = f"SELECT value FROM counters WHERE name = '{name}'"
    user, database = map(project.variable, ("POSTGRES_USER", "POSTGRES_DB"))
    psql = ("exec", "-T", "db", "psql", "-U", user, database, "-Atc", statement)
    return int(project.run(*psql).stdout)


async def test_four_servers_behind_nginx_count_exactly(
    replicas: Compose, tmp_path: Path
) -> None:
    with nginx(tmp_path, replicas.addresses(), "error timeout") as proxy:
        callers = Callers(proxy.url)
        await callers.run(lambda: until_async(partial(callers.have, 6000)))
        assert {status for _, status in callers.outcomes} == {200}
        for name in ("home", "plain", "keyed"):
            assert callers.all_are_numbered(name)
            assert stored(replicas, name) == len(callers.numbers[name])


async def test_events_pass_nginx_as_they_come(
    replicas: Compose, tmp_path: Path
) -> None:
    with nginx(tmp_path, replicas.addresses(), "error timeout") as proxy:
        async with httpx.AsyncClient(base_url=proxy.url, timeout=10) as client:
            await client.post("/api/counters/a/increment")
            async with client.stream("GET", "/api/counters/a/events") as stream:
                lines = stream.aiter_lines()
                assert await next_value(lines) == 1
                await client.post("/api/counters/a/increment")
                assert await next_value(lines) == 2
            assert (await client.get("/metrics")).status_code == 404


async def next_value(lines: AsyncIterator[str]) -> int:
    async for line in lines:
        if line.startswith("data: "):
            return int(json.loads(line.removeprefix("data: "))["value"])
    raise EOFError


async def test_a_rolling_restart_behind_nginx_fails_nobody(
    replicas: Compose, tmp_path: Path
) -> None:
    with nginx(tmp_path, replicas.addresses(), "error timeout") as proxy:
        callers = Callers(proxy.url)

        async def restart_each() -> None:
            for container in replicas.containers():
                await asyncio.to_thread(docker, "restart", container)
                more = callers.outcomes.total() + 300
                await until_async(partial(callers.have, more))

        await callers.run(restart_each)
        assert {status for _, status in callers.outcomes} == {200}
        tell(callers, replicas, proxy)
        for name in ("home", "plain", "keyed"):
            assert callers.all_are_numbered(name)
            assert stored(replicas, name) == len(callers.numbers[name])


@pytest.mark.parametrize(
    "next_upstream", ["error timeout", "error timeout non_idempotent"]
)
async def test_what_nginx_sends_again_is_bounded_and_with_a_key_harmless(
    replicas: Compose, tmp_path: Path, next_upstream: str
) -> None:
    """Servers are killed under load; nginx hands what they left to the next one."""
    with nginx(tmp_path, replicas.addresses(), next_upstream) as proxy:
        callers = Callers(proxy.url)

        async def kill_each() -> None:
            for container in replicas.containers():
                more = callers.outcomes.total() + 300
                await until_async(partial(callers.have, more))
                await asyncio.to_thread(docker, "kill", container)
                await asyncio.to_thread(docker, "start", container)

        await callers.run(kill_each)
        tell(callers, replicas, proxy)
        # The page is sent again by nginx's default; each time may count once more.
        again = sum(tries - 1 for tries in proxy.tries("GET"))
        failed = callers.failed("home")
        answered = len(callers.numbers["home"])
        assert answered <= stored(replicas, "home") <= answered + failed + again
        failed = callers.failed("plain")
        again = sum(tries - 1 for tries in proxy.tries("POST"))
        answered = len(callers.numbers["plain"])
        assert answered <= stored(replicas, "plain") <= answered + failed + again
        assert stored(replicas, "keyed") == len(callers.numbers["keyed"])
        assert callers.all_are_numbered("keyed")


def tell(callers: Callers, project: Compose, proxy: Nginx) -> None:
    """The figures, for who runs it with -s."""
    for name, numbers in callers.numbers.items():
        print(f"{name}: answered {len(numbers)}, stored {stored(project, name)}")
    again = {way: sum(n - 1 for n in proxy.tries(way)) for way in ("GET", "POST")}
    print(f"{dict(callers.outcomes)}, sent again by nginx {again}")
