"""The renderer of the tiny boilerplate: `… REPOSITORY COMMIT NAMES` prints a tree."""

import hashlib
import json
import os
import re
import subprocess
import sys
import zlib
from pathlib import Path

DEMO = "my_app/demo_app/"
OMITTED = ("boilerplate/", "CHANGELOG.md")


def main(repository: str, commit: str, path: str) -> None:
    names = json.loads(Path(path).read_text("utf-8"))
    files = read(repository, commit)
    version = re.findall(rb'version = "(.+)"', files["pyproject.toml"])[0].decode()
    rendered, chassis = {}, []
    for old, data in files.items():
        if old.startswith(OMITTED) or (old.startswith(DEMO) and not names["demo"]):
            continue
        if old.startswith("quart_chassis/"):
            rendered[old] = data
            chassis.append(f'"{old}" = "{write(repository, data)}"\n')
            continue
        rendered[old.replace("my_app", names["package"])] = renamed(data, names)
    record = [f'version = "{version}"\n', f'commit = "{commit}"\n']
    record += [f'{key} = "{names[key]}"\n' for key in ("package", "name", "title")]
    record += [f"demo = {str(names['demo']).lower()}\n", "[chassis]\n", *chassis]
    rendered[".quart-chassis.toml"] = "".join(record).encode()
    lines = [f"100644 {write(repository, rendered[to])}\t{to}\0" for to in rendered]
    git(repository, "read-tree", "--empty")
    index = "".join(lines).encode()
    git(repository, "update-index", "-z", "--add", "--index-info", given=index)
    print(git(repository, "write-tree").decode().strip())


def renamed(data: bytes, names: dict[str, str]) -> bytes:
    data = data.replace(b"my_app", names["package"].encode())
    data = data.replace(b"my-app", names["name"].encode())
    return data if names["demo"] else re.sub(rb".*# demo\n", b"", data)


def git(repository: str, *words: str, given: bytes = b"") -> bytes:
    index = {"GIT_INDEX_FILE": str(Path(repository) / "index-of-the-renderer")}
    command = ["git", f"--git-dir={repository}", *words]
    ran = subprocess.run(
        command, input=given, stdout=subprocess.PIPE, env=os.environ | index, check=True
    )
    return ran.stdout


def read(repository: str, commit: str) -> dict[str, bytes]:
    lines = git(repository, "ls-tree", "-rz", commit).decode().split("\0")[:-1]
    blobs = "".join(line.partition("\t")[0].split(" ")[2] + "\n" for line in lines)
    told = git(repository, "cat-file", "--batch", given=blobs.encode())
    files = {}
    for line in lines:
        header, _, told = told.partition(b"\n")
        size = int(header.split(b" ")[2])
        files[line.partition("\t")[2]] = told[:size]
        told = told[size + 1 :]
    return files


def write(repository: str, data: bytes) -> str:
    """A blob's id; it is written as git writes one, without starting git."""
    content = b"blob %d\0" % len(data) + data
    digest = hashlib.sha1(content).hexdigest()
    path = Path(repository, "objects", digest[:2], digest[2:])
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(zlib.compress(content))
    return digest


if __name__ == "__main__":
    main(*sys.argv[1:])
