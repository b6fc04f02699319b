"""Read and write git's trees, without a working folder."""

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from boilerplate.rendering import File


def read(repository: str, commit: str) -> dict[str, File]:
    """Every file of a commit, by its path."""
    listed = _git(repository, "ls-tree", "-rz", "--full-tree", commit)
    entries = [line.partition("\t") for line in os.fsdecode(listed).split("\0")[:-1]]
    words = [described.split(" ") for described, _, _ in entries]
    # Submodules are commits of other repositories.
    blobs = [blob for _, kind, blob in words if kind == "blob"]
    given = "".join(f"{blob}\n" for blob in blobs).encode()
    contents = _split(_git(repository, "cat-file", "--batch", given=given))
    found = dict(zip(blobs, contents, strict=True))
    return {
        path: File(mode, found[blob])
        for (mode, kind, blob), (_, _, path) in zip(words, entries, strict=True)
        if kind == "blob"
    }


def write(repository: str, files: Mapping[str, File]) -> str:
    """The id of the tree that has these files."""
    with tempfile.TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        lines = "".join(
            f"{file.mode} {_stored(repository, file.data)}\t{path}\0"
            for path, file in files.items()
        )
        words = ("update-index", "-z", "--add", "--index-info")
        _git(repository, *words, given=os.fsencode(lines), variables=index)
        return _git(repository, "write-tree", variables=index).decode().strip()


def blob_id(data: bytes) -> str:
    """The name that git gives to a file's content."""
    header = b"blob %d\0" % len(data)
    return hashlib.sha1(header + data, usedforsecurity=False).hexdigest()


def _stored(repository: str, data: bytes) -> str:
    blob = blob_id(data)
    try:
        _git(repository, "cat-file", "-e", blob)
    except subprocess.CalledProcessError:
        _git(repository, "hash-object", "-w", "--stdin", given=data)
    return blob


def _split(batch: bytes) -> list[bytes]:
    """The contents that `git cat-file --batch` printed one after the other."""
    contents, start = [], 0
    while start < len(batch):
        end = batch.index(b"\n", start)
        size = int(batch[start:end].split()[-1])
        contents.append(batch[end + 1 : end + 1 + size])
        start = end + size + 2
    return contents


def _git(
    repository: str,
    *words: str,
    given: bytes = b"",
    variables: Mapping[str, str] | None = None,
) -> bytes:
    return subprocess.run(
        ["git", f"--git-dir={repository}", *words],
        input=given,
        capture_output=True,
        env={**os.environ, **(variables or {})},
        check=True,
    ).stdout
