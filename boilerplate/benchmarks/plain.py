"""pgbench: what the database does with the statement alone."""

import subprocess
import tempfile
from pathlib import Path
from statistics import quantiles

from boilerplate.benchmarks.load import Result

STATEMENT = (
    "INSERT INTO counters (name, value) VALUES ('home', 1) ON CONFLICT (name) "
    "DO UPDATE SET value = counters.value + 1, updated_at = now() RETURNING value;\n"
)


def ask(
    binaries: Path, url: str, clients: int, seconds: int, pinned: list[str]
) -> Result:
    """Send the statement on so many connections for so long."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "statement.sql")
        script.write_text(STATEMENT)
        words = [
            *("-n", "-M", "prepared", f"-c{clients}", "-j1", f"-T{seconds}", "-l"),
            *(f"--log-prefix={folder}/log", "-f", str(script)),
        ]
        subprocess.run(
            [*pinned, str(binaries / "pgbench"), *words, url],
            capture_output=True,
            check=True,
        )
        # Its third field is the time of a transaction (PostgreSQL manual, pgbench).
        taken = [
            int(line.split()[2]) / 1e6
            for log in Path(folder).glob("log.*")
            for line in log.read_text().splitlines()
        ]
    percents = quantiles(taken, n=100)
    return Result(
        len(taken), len(taken) / seconds, percents[49], percents[98], errors=0
    )
