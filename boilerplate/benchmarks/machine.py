"""The machine, what is installed on it, and where each program runs."""

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Container, Mapping
from pathlib import Path

import psutil

from boilerplate.benchmarks import ordinary
from boilerplate.benchmarks.field import HERE
from quart_chassis.errors import UserError, say
from quart_chassis.testing.servers import ROOT

PACKAGES = (
    *("quart", "fastapi", "litestar", "starlette", "flask", "django", "uvicorn"),
    *("gunicorn", "sqlalchemy", "asyncpg", "psycopg"),
)
PLACE = ROOT / "boilerplate" / ".bench"


def programs(wanted: Container[str]) -> dict[str, str]:
    """The Pythons and Node that run contenders, of those that are wanted.

    The contenders' packages are in `boilerplate/.bench`, and are installed if need be.
    Without npm there is no Node.
    """
    found = {"ours": sys.executable, "pgbench": "pgbench"}
    if "made" in wanted:
        ordinary.make()
        found["made"] = sys.executable
    if "theirs" in wanted:
        found["theirs"] = _python()
    node, npm = shutil.which("node"), shutil.which("npm")
    if "node" in wanted and node and npm:
        if not (HERE / "node_modules").exists():
            say("Installing the contenders' packages for Node")
            _run([npm, "install", "--silent", "--no-audit", "--no-fund"], HERE)
        found["node"] = node
    elif "node" in wanted:
        say("Without npm the contenders on Node are left out")
    return found


def _python() -> str:
    python = PLACE / "bin" / "python"
    wanted = (HERE / "requirements.txt").read_text("utf-8")
    known = PLACE / "requirements.txt"
    if not known.exists() or known.read_text("utf-8") != wanted:
        say("Installing the contenders' packages into boilerplate/.bench")
        shutil.rmtree(PLACE, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(PLACE)])
        pip = [str(python), "-m", "pip", "install", "--quiet", "--require-hashes"]
        _run([*pip, "-r", str(HERE / "requirements.txt")])
        known.write_text(wanted, "utf-8")
    return str(python)


def _run(command: list[str], folder: Path = ROOT) -> None:
    if subprocess.run(command, cwd=folder, check=False).returncode:
        raise UserError(f"{command[0]} failed, for the reason above; see to it")


def pins() -> tuple[list[str], list[str]]:
    """What pins the server to one processor, and everything else to the others."""
    processors = sorted(psutil.Process().cpu_affinity() or [])
    if len(processors) < 2 or not shutil.which("taskset"):
        return [], []
    others = ",".join(map(str, processors[1:]))
    return ["taskset", "-c", str(processors[0])], ["taskset", "-c", others]


def description(found: Mapping[str, str], postgresql: str) -> list[str]:
    """The machine and the versions, in lines."""
    ours = _versions(sys.executable)
    lines = [
        f"{os.cpu_count()} processors, {_processor()}, "
        f"{psutil.virtual_memory().total / 2**30:.0f} GiB, {platform.platform()}",
        f"Python {platform.python_version()}; {postgresql}",
        f"ours: {', '.join(f'{name} {ours[name]}' for name in ours)}",
    ]
    if python := found.get("theirs"):
        theirs = _versions(python)
        named = ", ".join(f"{name} {theirs[name]}" for name in theirs)
        lines.append(f"theirs: {named}")
    if node := found.get("node"):
        lines.append(f"Node {_output([node, '--version'])}, {', '.join(_of_node())}")
    return lines


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def _versions(python: str) -> dict[str, str]:
    asked = (
        "import json; from importlib import metadata\n"
        "found = {}\n"
        f"for name in {PACKAGES!r}:\n"
        "    try: found[name] = metadata.version(name)\n"
        "    except metadata.PackageNotFoundError: pass\n"
        "print(json.dumps(found))"
    )
    found: dict[str, str] = json.loads(_output([python, "-c", asked]))
    return found


def _of_node() -> list[str]:
    names = json.loads((HERE / "package.json").read_text("utf-8"))["dependencies"]
    paths = {name: HERE / "node_modules" / name / "package.json" for name in names}
    return [
        f"{name} {json.loads(path.read_text('utf-8'))['version']}"
        for name, path in paths.items()
        if path.exists()
    ]


def _output(command: list[str]) -> str:
    return subprocess.run(
        command, capture_output=True, text=True, check=True
    ).stdout.strip()
