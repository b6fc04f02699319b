"""The API's description, read by programs that others wrote."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from quart.typing import TestClientProtocol

from tests.quart_chassis.small_project import serving

TOKEN = "t" * 40
# Uses what openapi-python-client wrote, and tells what it got.
PROGRAM = """
import datetime, json, sys
from small_client import AuthenticatedClient
from small_client.api.notes import (
    delete_notes_api_remove, get_notes_api_list_notes, post_notes_api_add,
)
from small_client.models import NewNote, Problem

client = AuthenticatedClient(base_url=sys.argv[1], token=sys.argv[2])
note = post_notes_api_add.sync(client=client, body=NewNote(text="hello"))
assert isinstance(note.created_at, datetime.datetime)
listed = get_notes_api_list_notes.sync(client=client, limit=1)
assert listed.notes == [note]
assert listed.last_at == note.created_at
gone = delete_notes_api_remove.sync_detailed(note.number, client=client)
assert gone.status_code == 204
again = delete_notes_api_remove.sync(note.number, client=client)
assert isinstance(again, Problem), again
wrong = get_notes_api_list_notes.sync(client=client, limit=101)
print(json.dumps([note.text, again.status, wrong.status, wrong.detail]))
"""


async def test_each_route_tells_its_models_and_errors(
    client: TestClientProtocol,
) -> None:
    described = await (await client.get("/openapi.json")).get_json()
    assert described["info"] == {"title": "Small", "version": "1.2.3"}
    schemas = described["components"]["schemas"]
    assert schemas.keys() == {"NewNote", "Note", "Notes", "Problem"}
    assert schemas["Note"]["properties"]["created_at"]["format"] == "date-time"
    last = schemas["Notes"]["properties"]["last_at"]["anyOf"]
    assert {"type": "string", "format": "date-time"} in last
    paths = described["paths"]
    assert paths.keys() == {"/api/notes", "/api/notes/{number}"}
    adding, removing = paths["/api/notes"]["post"], paths["/api/notes/{number}"]
    assert adding["tags"] == ["notes"]
    assert adding["requestBody"]["required"] is True
    told = {"200", "400", "408", "413", "415", "422", "503"}
    assert adding["responses"].keys() == told
    told = {"204", "400", "401", "404", "422", "503"}
    assert removing["delete"]["responses"].keys() == told
    assert removing["delete"]["security"] == [{"admin": []}]
    (number,) = removing["delete"]["parameters"]
    assert number["schema"] == {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}


@pytest.mark.slow
def test_a_generated_client_works(database: str, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    names = {"project_name_override": "client", "package_name_override": "small_client"}
    config.write_text(json.dumps(names | {"post_hooks": []}))
    with serving(DATABASE_URL=database, ADMIN_TOKEN=TOKEN) as server:
        subprocess.run(
            [
                *(sys.executable, "-m", "openapi_python_client", "generate"),
                *("--url", f"{server.url}/openapi.json", "--config", str(config)),
                *("--output-path", str(tmp_path / "client"), "--fail-on-warning"),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        used = subprocess.run(
            [sys.executable, "-c", PROGRAM, server.url, TOKEN],
            env={**os.environ, "PYTHONPATH": str(tmp_path / "client")},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert server.stop() == 0
    assert json.loads(used.stdout) == [
        "hello",
        404,
        422,
        "Expected int <= 100 - at $.limit",
    ]


@pytest.mark.slow
def test_the_api_does_what_its_description_says(database: str) -> None:
    """Schemathesis reads the description and tries to catch the API at a lie."""
    with serving(DATABASE_URL=database, ADMIN_TOKEN=TOKEN) as server:
        tried = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli"),
                *("run", f"{server.url}/openapi.json", "--max-examples", "50"),
                # One at a time, or what one deletes another makes anew.
                *("--workers", "1"),
                *("--header", f"Authorization: Bearer {TOKEN}", "--no-color"),
            ],
            env={**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": "/dev/null"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert tried.returncode == 0, tried.stdout
    assert not any("Traceback" in line for line in server.lines)
