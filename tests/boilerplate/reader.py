"""A reader of a document, who types its commands and writes its files.

- `sh` blocks are typed in one terminal. A server is started in another one, and stays
  until the next one or the end.
- A `text` block after them is what they print; `…` stands for anything.
- A `diff` block changes the file that the line before it names in backquotes, and any
  other block is that file.
"""

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from quart_chassis.testing.postgres import free_port
from quart_chassis.testing.waiting import until

BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"`([^`\n]+)`[^`]*:\s*\Z")
SERVER = re.compile(r"([A-Z_]+=(\$\(.*?\)|\S+) )*python3 manage\.py run\b")
# The port in the documents; each reader has one of their own.
PORT = "5001"
# Ends a reader whose command hangs.
LONGEST_SECONDS = 600


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the file named before it."""

    language: str
    text: str
    path: str


def blocks(document: str) -> Iterator[Block]:
    """Every fenced block of a document, in order."""
    for found in BLOCK.finditer(document):
        margin, language, text = found.groups()
        named = NAMED.search(document[: found.start()])
        text = re.sub(rf"^{margin}", "", text, flags=re.MULTILINE)
        yield Block(language, text, named[1] if named else "")


class Reader:
    """Follows documents from `folder` on, with this environment's Python.

    `instead` has what the reader types where a document has an example. `memory` is a
    folder for what their terminals know and say.
    """

    def __init__(
        self, folder: Path, memory: Path, instead: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.said = ""
        self._exports, self._place = memory / "exports", memory / "place"
        self._exports.touch()
        self._log = memory / "server.log"
        self._server: subprocess.Popen[bytes] | None = None
        port = str(free_port())
        self._instead = {PORT: port, **(instead or {})}
        # Nothing of this run of the tests is meant for the reader's.
        ours = ("PYTEST_", "COV", "QUART_CHASSIS_", "ENV_FOR_DYNACONF")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        path = os.pathsep.join([str(Path(sys.executable).parent), kept["PATH"]])
        self._environment = {**kept, "PATH": path, "PORT": port}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def follow(self, document: str) -> None:
        """Do what the document says; an assertion fails where it does not work."""
        for block in blocks(document):
            if block.language == "text":
                self._compare(block.text)
            elif block.language == "sh":
                self._type(block.text)
            elif block.language == "diff":
                self._change(block)
            else:
                self._write(block.path, block.text)

    def _type(self, commands: str) -> None:
        for example, real in self._instead.items():
            commands = commands.replace(example, real)
        before, _, last = commands.rstrip("\n").rpartition("\n")
        if SERVER.match(last):
            if before:
                self._type(before)
            self._serve(last)
            return
        place = shlex.quote(str(self._place))
        remember = f"declare -px > {self._quoted_exports}; pwd > {place}"
        ran = subprocess.run(
            ["bash", "-ec", f". {self._quoted_exports}\n{commands}\n{remember}"],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LONGEST_SECONDS,
            check=False,
        )
        self.said = ran.stdout
        assert ran.returncode == 0, f"{commands}\n{self.said}"
        self.folder = Path(self._place.read_text("utf-8").removesuffix("\n"))

    def _serve(self, command: str) -> None:
        self.stop()
        with self._log.open("wb") as log:
            self._server = subprocess.Popen(
                ["bash", "-c", f". {self._quoted_exports}\n{command}"],
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until(self._is_open)

    @property
    def _quoted_exports(self) -> str:
        return shlex.quote(str(self._exports))

    def _is_open(self) -> bool:
        assert self._server is not None
        self.said = self._log.read_text("utf-8")
        assert self._server.poll() is None, self.said
        return "Open http" in self.said

    def stop(self) -> None:
        """End the server, if one runs."""
        if self._server is not None:
            os.killpg(self._server.pid, signal.SIGTERM)
            self._server.wait(LONGEST_SECONDS)
            self._server = None

    def _compare(self, expected: str) -> None:
        said = self.said
        for example, real in self._instead.items():
            said = said.replace(real, example)
        for line in filter(None, map(str.strip, expected.splitlines())):
            pattern = ".*".join(map(re.escape, line.split("…")))
            assert re.search(pattern, said), f"{line!r} is not in:\n{said}"

    def _change(self, block: Block) -> None:
        lines = block.text.splitlines(keepends=True)
        before = "".join(each[1:] for each in lines if each[0] in " -")
        after = "".join(each[1:] for each in lines if each[0] in " +")
        path = self.folder / block.path
        text = path.read_text("utf-8")
        assert text.count(before) == 1, f"{block.path} has not once:\n{before}\n{text}"
        path.write_text(text.replace(before, after), "utf-8")

    def _write(self, path: str, text: str) -> None:
        assert path, f"no file is named before this block:\n{text}"
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text, "utf-8")
