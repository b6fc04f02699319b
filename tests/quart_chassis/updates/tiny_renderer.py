"""The renderer of the tiny boilerplate: `… REPOSITORY COMMIT NAMES` prints a tree."""

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

DEMO = "my_app/demo_app/"
OMITTED = ("boilerplate/", "CHANGELOG.md")


def git(repository: str, *words: str, given: bytes = b"") -> bytes:
    index = {"GIT_INDEX_FILE": str(Path(repository) / "index-of-the-renderer")}
    command = ["git", f"--git-dir={repository}", *words]
    ran = subprocess.run(
        command, input=given, stdout=subprocess.PIPE, env=os.environ | index, check=True
    )
    return ran.stdout


def main(repository: str, commit: str, path: str) -> None:
    names = json.loads(Path(path).read_text("utf-8"))
    lines, chassis = [], []
    for line in git(repository, "ls-tree", "-rz", commit).decode().split("\0")[:-1]:
        described, _, old = line.partition("\t")
        if old.startswith(OMITTED) or (old.startswith(DEMO) and not names["demo"]):
            continue
        mode, _, blob = described.split(" ")
        data = old_data = git(repository, "cat-file", "blob", blob)
        new = old.replace("my_app", names["package"])
        if not new.startswith("quart_chassis/"):
            data = data.replace(b"my_app", names["package"].encode())
            data = data.replace(b"my-app", names["name"].encode())
            if not names["demo"]:
                data = re.sub(rb".*# demo\n", b"", data)
        else:
            digest = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
            chassis.append(f'"{new}" = "{digest}"\n')
        lines.append(
            f"{mode} {blob}\t{new}\0"
            if data == old_data
            else entry(repository, mode, new, data)
        )
    pyproject = git(repository, "show", f"{commit}:pyproject.toml").decode()
    version = re.findall(r'version = "(.+)"', pyproject)[0]
    record = [f'version = "{version}"\n', f'commit = "{commit}"\n']
    record += [f'{key} = "{names[key]}"\n' for key in ("package", "name", "title")]
    record += [f"demo = {str(names['demo']).lower()}\n", "[chassis]\n", *chassis]
    data = "".join(record).encode()
    lines.append(entry(repository, "100644", ".quart-chassis.toml", data))
    git(repository, "read-tree", "--empty")
    index = "".join(lines).encode()
    git(repository, "update-index", "-z", "--add", "--index-info", given=index)
    print(git(repository, "write-tree").decode().strip())


def entry(repository: str, mode: str, path: str, data: bytes) -> str:
    blob = git(repository, "hash-object", "-w", "--stdin", given=data)
    return f"{mode} {blob.decode().strip()}\t{path}\0"


if __name__ == "__main__":
    main(*sys.argv[1:])
