"""Machines of a network of their own: Linux network namespaces on one bridge.

Only root can make them. What runs on a machine is started with `run`; cutting a machine
off takes its cable out. The tests themselves are a machine, too: the first one.
"""

import pwd
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO

import psutil

from quart_chassis.testing import delay
from quart_chassis.testing.waiting import HANG_SECONDS, until

BRIDGE = "br0"


@dataclass(frozen=True)
class Machine:
    """A namespace with one address; `port` is its place on the hub's bridge."""

    name: str
    address: str
    hub: str
    port: str
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def run(
        self, *command: str, account: str = "", output: IO[str] | None = None
    ) -> subprocess.Popen[str]:
        """Start a command there, as an account of this system."""
        words = self.words(*command, account=account)
        process = subprocess.Popen(words, text=True, stdout=output, stderr=output)
        self.started.append(process)
        return process

    def words(self, *command: str, account: str = "") -> list[str]:
        """The command that does so; its process becomes the command's own."""
        words = ["ip", "netns", "exec", self.name]
        if account:
            group = f"--regid={pwd.getpwnam(account).pw_gid}"
            words += ["setpriv", f"--reuid={account}", group, "--init-groups"]
        return [*words, *command]

    def processes(self) -> list[psutil.Process]:
        """Everything that runs there."""
        found = []
        for number in ip("netns", "pids", self.name).split():
            with suppress(psutil.NoSuchProcess):
                found.append(psutil.Process(int(number)))
        return found

    def cut_off(self) -> None:
        """Nothing reaches it, and nothing leaves it; nobody is told."""
        ip("-n", self.hub, "link", "set", self.port, "down")

    def reconnect(self) -> None:
        """Put the cable in again."""
        ip("-n", self.hub, "link", "set", self.port, "up")

    def lose(self, percent: int) -> None:
        """From now on lose so many of the packets that come in; 0 loses none."""
        rules = ["table inet loss", "delete table inet loss"]
        if percent:
            rules += [
                "table inet loss {",
                "chain arriving {",
                "type filter hook input priority 0",
                f"numgen random mod 100 < {percent} drop",
                *("}", "}"),
            ]
        ran = subprocess.run(
            self.words("nft", "--file", "-"),
            input="\n".join([*rules, ""]),
            text=True,
            check=False,
        )
        assert ran.returncode == 0


@contextmanager
def network(
    names: Sequence[str], milliseconds: Mapping[str, float] | None = None
) -> Iterator[dict[str, Machine]]:
    """Machines of these names, which are gone afterwards with all that runs there.

    What goes to a machine, or comes from it, may take some `milliseconds`.

    The bridge is in a namespace of its own: a firewall such as Docker's drops what
    passes a bridge of the system's.
    """
    mark = secrets.token_hex(3)
    hub, here = f"hub-{mark}", f"here-{mark}"
    net = f"10.{secrets.randbelow(254) + 1}.{secrets.randbelow(256)}"
    machines: dict[str, Machine] = {}
    with ExitStack() as stack:
        _make(stack, hub)
        ip("-n", hub, "link", "add", BRIDGE, "type", "bridge")
        ip("-n", hub, "link", "set", BRIDGE, "up")
        ip("link", "add", here, "type", "veth", "peer", "name", "here", "netns", hub)
        _plug_in(hub, "here")
        ip("address", "add", f"{net}.1/24", "dev", here)
        ip("link", "set", here, "up")
        for number, name in enumerate(names, start=2):
            made = Machine(
                f"{name}-{mark}", f"{net}.{number}", hub, f"p{number}-{mark}"
            )
            _make(stack, made.name)
            if slow := (milliseconds or {}).get(name):
                stack.enter_context(_slow_cable(made, slow))
            else:
                _cable(made)
            _plug_in(hub, made.port)
            ip("-n", made.name, "address", "add", f"{made.address}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                ip("-n", made.name, "link", "set", device, "up")
            machines[name] = made
            stack.callback(_end, made)
        yield machines


def why_not() -> str:
    """Why there can be no such network here; empty if there can."""
    for program in ("ip", "nft", "setpriv"):
        if not shutil.which(program):
            return f"no {program} on PATH"
    tried = f"tried-{secrets.token_hex(3)}"
    command = ["ip", "netns", "add", tried]
    made = subprocess.run(command, check=False, capture_output=True)
    if made.returncode:
        return "network namespaces need root"
    ip("netns", "delete", tried)
    return ""


def ip(*words: str) -> str:
    """What iproute2's command says."""
    ran = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"ip {' '.join(words)}: {ran.stderr}"
    return ran.stdout


def _make(stack: ExitStack, namespace: str) -> None:
    ip("netns", "add", namespace)
    stack.callback(ip, "netns", "delete", namespace)


def _cable(machine: Machine) -> None:
    peer = ("peer", "name", "eth0", "netns", machine.name)
    ip("-n", machine.hub, "link", "add", machine.port, "type", "veth", *peer)


@contextmanager
def _slow_cable(machine: Machine, milliseconds: float) -> Iterator[None]:
    end = machine.port.replace("p", "e", 1)
    module = [sys.executable, "-m", delay.__name__]
    words = [*module, end, machine.port, str(milliseconds)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as serving:
        assert serving.stdout is not None
        try:
            assert serving.stdout.readline().strip() == delay.READY
            ip("link", "set", machine.port, "netns", machine.hub)
            ip("link", "set", end, "netns", machine.name, "name", "eth0")
            yield
        finally:
            serving.kill()


def _plug_in(hub: str, port: str) -> None:
    ip("-n", hub, "link", "set", port, "master", BRIDGE)
    ip("-n", hub, "link", "set", port, "up")


def _end(machine: Machine) -> None:
    def ended() -> bool:
        processes = machine.processes()
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, timeout=1)
        return not processes

    until(ended)
    for process in machine.started:
        process.wait(HANG_SECONDS)
