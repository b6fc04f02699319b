"""The trial on several machines: two web hosts, a database host, and a balancer."""

import asyncio
import pwd
import random
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from quart_chassis.postgres import programs
from quart_chassis.testing import machines
from quart_chassis.testing.machines import Machine
from quart_chassis.testing.postgres import OwnPostgres
from quart_chassis.testing.servers import ROOT, manage, running
from quart_chassis.testing.waiting import until
from tests.counter_app.faults.load import Load
from tests.counter_app.faults.test_failover import check, emptied
from tests.counter_app.faults.test_faults import report

WEB_PORT, BALANCER_PORT = 5001, 80
# What nginx needs, as deploy/nginx.conf has it; who did not answer is left out for a
# second.
BALANCER = """
daemon off;
pid {folder}/pid;
error_log {folder}/log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder};
    proxy_temp_path {folder};
    upstream web {{ {servers} keepalive 64; }}
    server {{
        listen {port};
        location / {{
            proxy_pass http://web;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_connect_timeout 2s;
            proxy_read_timeout 8s;
        }}
    }}
}}
"""
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(machines.why_not()), reason=machines.why_not()),
    pytest.mark.skipif(not NGINX, reason="no nginx"),
]


class MachinePostgres(OwnPostgres):
    """A server on a machine of the tests' network."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.address = machine.address
        super().__init__()

    def start(self) -> None:
        rule = "host all all 0.0.0.0/0 scram-sha-256\n"
        with (self.folder / "data" / "pg_hba.conf").open("a") as file:
            file.write(rule)
        super().start()

    def run(self, program: str, *arguments: str) -> None:
        assert self.owner is not None
        account = pwd.getpwuid(self.owner.uid).pw_name
        name, *words = self.machine.words(
            str(self.binaries / program), *arguments, account=account
        )
        ran = programs.run(Path(name), *words, folder=self.folder)
        assert ran.returncode == 0, ran.stderr


@contextmanager
def balancing(balancer: Machine, hosts: list[Machine], folder: Path) -> Iterator[None]:
    assert NGINX is not None
    servers = " ".join(
        f"server {each.address}:{WEB_PORT} fail_timeout=1s;" for each in hosts
    )
    config = folder / "nginx.conf"
    config.write_text(
        BALANCER.format(folder=folder, servers=servers, port=BALANCER_PORT)
    )
    nginx = balancer.run(NGINX, "-c", str(config))
    try:
        until((folder / "pid").exists)
        yield
    finally:
        nginx.terminate()
        nginx.wait()


@asynccontextmanager
async def several(
    found: dict[str, Machine], folder: Path
) -> AsyncIterator[tuple[Load, str]]:
    """Clients of the balancer, and the address of the database."""
    hosts = [found["web1"], found["web2"]]
    with MachinePostgres(found["db"]) as postgres:
        url = postgres.url()
        await emptied(url)
        environment = {"DATABASE_URL": url, "KEYS_PER_MINUTE": "1000000"}
        environment["LOG_LEVEL"] = "WARNING"
        words = manage("run", "--host", "0.0.0.0", "--port", str(WEB_PORT))
        with (
            running(hosts[0].words(*words), ROOT, False, **environment),
            running(hosts[1].words(*words), ROOT, False, **environment),
            balancing(found["balancer"], hosts, folder),
        ):
            load = Load(BALANCER_PORT, seed=1, host=found["balancer"].address)
            await load.more(200)
            yield load, url


async def test_hosts_that_lose_packets_and_are_cut_off_count_exactly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The way to one web host takes 5 ms, and one packet in twenty is lost."""
    names = ["web1", "web2", "db", "balancer"]
    chance = random.Random()
    with machines.network(names, {"web2": 5}) as found:
        async with several(found, tmp_path) as (load, url):
            for name in ("web1", "db"):
                found[name].lose(5)
            await load.more(500)
            for _ in range(3):
                found["web1"].cut_off()
                await asyncio.sleep(chance.uniform(1, 8))
                await load.more(100)
                found["web1"].reconnect()
                await load.more(500)
            found["db"].cut_off()
            await asyncio.sleep(chance.uniform(1, 8))
            found["db"].reconnect()
            await load.more(500)
            await load.stop()
            await check(url, load)
    with capsys.disabled():
        report(load, Counter(), {})
