"""wrk: how many requests a server answers, and how long they take."""

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from quart_chassis.errors import UserError

SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}
POST = 'wrk.method = "POST"\n'
# Increments of so many counters, in no order.
OF_MANY = """
request = function()
  local name = "many-" .. math.random({counters})
  return wrk.format("POST", "/api/counters/" .. name .. "/increment")
end
"""


@dataclass(frozen=True)
class Result:
    """What wrk saw; `p50` and `p99` are seconds."""

    requests: int
    per_second: float
    p50: float
    p99: float
    errors: int


def program() -> str:
    """Wrk's path; UserError says how to get it."""
    found = shutil.which("wrk")
    if not found:
        raise UserError("wrk is not on PATH: apt install wrk, or brew install wrk")
    return found


def ask(url: str, script: str, clients: int, seconds: int, pinned: list[str]) -> Result:
    """Ask `url` from so many connections for so long, as the script says."""
    with tempfile.TemporaryDirectory() as folder:
        words = [
            "-t1",
            f"-c{clients}",
            f"-d{seconds}s",
            "--latency",
            "--timeout",
            "20s",
        ]
        if script:
            path = Path(folder, "script.lua")
            path.write_text(script)
            words += ["-s", str(path)]
        ran = subprocess.run(
            [*pinned, program(), *words, url],
            capture_output=True,
            text=True,
            check=True,
        )
    return parse(ran.stdout)


def parse(text: str) -> Result:
    """A report of wrk."""
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    sockets = re.search(r"Socket errors: .*", text)
    lost = sum(map(int, re.findall(r"\d+", sockets[0]))) if sockets else 0
    return Result(
        requests=int(_number(r"(\d+) requests in", text)),
        per_second=float(_number(r"Requests/sec:\s+([\d.]+)", text)),
        p50=_time(text, 50),
        p99=_time(text, 99),
        errors=lost + (int(bad[1]) if bad else 0),
    )


def _number(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if not found:
        raise UserError(f"wrk says what nobody expects: {text.strip()!r}")
    return found[1]


def _time(text: str, percent: int) -> float:
    found = re.search(rf"{percent}%\s+([\d.]+)(us|ms|s|m)\b", text)
    return float(found[1]) * SECONDS[found[2]] if found else 0.0
