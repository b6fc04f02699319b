"""Schemathesis reads the API's description and tries to catch the API at a lie."""

import os
import subprocess
import sys

import pytest

from quart_chassis.testing.servers import ROOT, manage, running

TOKEN = "t" * 40


@pytest.mark.slow
def test_the_counters_do_what_their_description_says(database: str) -> None:
    command = manage("run", "--port", "0")
    with running(command, DATABASE_URL=database, ADMIN_TOKEN=TOKEN) as server:
        tried = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli"),
                *("--config-file", "tests/counter_app/schemathesis.toml"),
                *("run", f"{server.url}/openapi.json", "--max-examples", "100"),
                # A stream has no end; test_live.py reads it.
                *("--include-path-regex", "^/api/counters"),
                *("--exclude-path-regex", "/events$"),
                # One at a time, or what one deletes another makes anew.
                *("--workers", "1"),
                *("--header", f"Authorization: Bearer {TOKEN}", "--no-color"),
            ],
            cwd=ROOT,
            env={**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": "/dev/null"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert tried.returncode == 0, tried.stdout
    assert not any("Traceback" in line for line in server.lines)
