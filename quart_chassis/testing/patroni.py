"""A failover cluster: three machines with Patroni and PostgreSQL, and etcd on a fourth.

The packages are Debian's; `quart_chassis/testing/install-patroni` installs them. No
acknowledged transaction is lost: a commit waits for a standby, and no standby that did
not have it becomes the primary (Patroni, synchronous_mode_strict).
"""

import json
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil

from quart_chassis.testing import machines
from quart_chassis.testing.machines import Machine
from quart_chassis.testing.postgres import scratch
from quart_chassis.testing.waiting import until

ACCOUNT = "postgres"
BINARIES = Path("/usr/lib/postgresql/15/bin")
# Debian's patroni is for Debian's Python, whichever comes first on PATH.
PATRONI = ("/usr/bin/python3", "/usr/bin/patroni")
NODES = ("db1", "db2", "db3")
# After so many seconds without its leader the cluster elects another one.
TTL_SECONDS = 5


def why_not() -> str:
    """Why there can be no cluster here; empty if there can."""
    for program in (PATRONI[1], "/usr/bin/etcd", str(BINARIES / "postgres")):
        if not Path(program).exists():
            return f"no {program}"
    return machines.why_not()


class Cluster:
    """Three nodes, one of which is the primary; database and user are `app`."""

    def __init__(self, folder: Path, found: dict[str, Machine]) -> None:
        self.folder = folder
        self.password = secrets.token_urlsafe()
        self.etcd = found["etcd"]
        self.nodes = {name: found[name] for name in NODES}
        self._patroni: dict[str, subprocess.Popen[str]] = {}

    def url(self, *names: str, role: str = "read-write") -> str:
        """The database's address, with these nodes in their order, or all."""
        hosts = ",".join(self.nodes[name].address for name in names or NODES)
        return (
            f"postgresql://app:{self.password}@{hosts}/app?target_session_attrs={role}"
        )

    def start(self) -> None:
        """Until it serves, with two standbys, and a database for the application."""
        data = self.folder / "etcd"
        client = f"http://{self.etcd.address}:2379"
        self._run(
            self.etcd,
            *("/usr/bin/etcd", "--data-dir", str(data), "--log-level", "error"),
            "--enable-v2",
            *("--listen-client-urls", client, "--advertise-client-urls", client),
        )
        for name in NODES:
            self._configure(name)
            self.start_patroni(name)
        self.wait_until_whole()
        self._psql(f"CREATE ROLE app LOGIN PASSWORD '{self.password}'", "postgres")
        self._psql("CREATE DATABASE app OWNER app", "postgres")

    def start_patroni(self, name: str) -> None:
        config = str(self.folder / f"{name}.json")
        self._patroni[name] = self._run(self.nodes[name], *PATRONI, config)

    def patroni(self, name: str) -> psutil.Process:
        return psutil.Process(self._patroni[name].pid)

    def backends(self, name: str) -> list[psutil.Process]:
        """PostgreSQL's processes on a node."""
        found = []
        for process in self.nodes[name].processes():
            with suppress(psutil.NoSuchProcess):
                if process.name() == "postgres":
                    found.append(process)
        return found

    def members(self, asked: str = "") -> dict[str, dict[str, Any]]:
        """What a node's Patroni says of each; of the first one that answers."""
        for name in [asked] if asked else NODES:
            address = f"http://{self.nodes[name].address}:8008/cluster"
            with suppress(httpx.HTTPError):
                answer = httpx.get(address, timeout=1).json()
                return {each["name"]: each for each in answer["members"]}
        return {}

    def primary(self) -> str:
        """The node that the cluster has for its leader now; empty if there is none."""
        for name in NODES:
            with suppress(httpx.HTTPError):
                address = f"http://{self.nodes[name].address}:8008/primary"
                if httpx.get(address, timeout=1).status_code == 200:
                    return name
        return ""

    def wait_for_another(self, than: str) -> None:
        """Until a node other than this one is the primary."""
        until(lambda: self.primary() not in {"", than})

    def wait_until_whole(self) -> None:
        """Until there are a primary, a synchronous standby and another standby."""
        try:
            until(self._is_whole)
        except AssertionError:
            raise AssertionError(f"never whole: {self.members()}") from None

    def _is_whole(self) -> bool:
        members = self.members()
        roles = sorted(each["role"] for each in members.values())
        states = {each["state"] for each in members.values()}
        timelines = {each.get("timeline") for each in members.values()}
        return (
            roles == ["leader", "replica", "sync_standby"]
            and states <= {"running", "streaming"}
            and len(timelines) == 1
        )

    def switch_over(self) -> None:
        """Ask the primary to hand over, as an operator does."""
        leader = self.primary()
        address = f"http://{self.nodes[leader].address}:8008/switchover"
        answer = httpx.post(address, json={"leader": leader}, timeout=30)
        assert answer.status_code == 200, answer.text

    def _psql(self, statement: str, database: str) -> None:
        leader = self.nodes[self.primary()].address
        place = f"host={leader} user=postgres dbname={database}"
        words = [str(BINARIES / "psql"), "-qXc", statement, "-d", place]
        environment = {**os.environ, "PGPASSWORD": self.password}
        subprocess.run(words, env=environment, check=True)

    def _run(self, machine: Machine, *command: str) -> subprocess.Popen[str]:
        with (self.folder / f"{machine.name}.log").open("a") as log:
            return machine.run(*command, account=ACCOUNT, output=log)

    def _configure(self, name: str) -> None:
        """Patroni reads YAML, and so JSON."""
        address = self.nodes[name].address
        login = {"password": self.password}
        settings = {
            "scope": "tests",
            "name": name,
            "log": {"level": "WARNING", "dir": str(self.folder)},
            "restapi": {
                "listen": f"{address}:8008",
                "connect_address": f"{address}:8008",
            },
            # By etcd's older interface: with the newer one Patroni before 3.0.3 lets a
            # primary that wakes up take the lock back (pull request 2689).
            "etcd": {"host": f"{self.etcd.address}:2379"},
            "bootstrap": {
                "dcs": {
                    "ttl": TTL_SECONDS,
                    "loop_wait": 1,
                    "retry_timeout": 2,
                    "primary_start_timeout": 0,
                    "maximum_lag_on_failover": 1048576,
                    "synchronous_mode": True,
                    "synchronous_mode_strict": True,
                    "postgresql": {"use_pg_rewind": True, "use_slots": True},
                },
                "initdb": [{"encoding": "UTF8"}, {"locale": "C"}, "data-checksums"],
            },
            "postgresql": {
                "listen": f"{address}:5432",
                "connect_address": f"{address}:5432",
                "data_dir": str(self.folder / name),
                "bin_dir": str(BINARIES),
                "pgpass": str(self.folder / f"{name}.pgpass"),
                "authentication": {
                    "superuser": {"username": "postgres", **login},
                    "replication": {"username": "standby", **login},
                },
                "parameters": {
                    "unix_socket_directories": "",
                    # A standby looks for the new primary so often; usually every 5 s,
                    # and commits wait for it.
                    "wal_retrieve_retry_interval": "200ms",
                },
                "pg_hba": [
                    "host all all 0.0.0.0/0 scram-sha-256",
                    "host replication standby 0.0.0.0/0 scram-sha-256",
                ],
            },
        }
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(settings))
        shutil.chown(path, ACCOUNT)


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A cluster that serves; nothing of it is left afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="quart-chassis-cluster-", dir=scratch()))
    shutil.chown(folder, ACCOUNT)
    try:
        with machines.network(["etcd", *NODES]) as found:
            made = Cluster(folder, found)
            made.start()
            yield made
    finally:
        shutil.rmtree(folder)
