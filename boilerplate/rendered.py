"""`python3 -S -m boilerplate.rendered REPOSITORY COMMIT NAMES` prints a tree's id.

The tree, in the git repository REPOSITORY, has what a project would have if COMMIT had
made it; NAMES is a JSON file with `package`, `name`, `title` and `demo`. A project's
`update` runs it in the newer version's folder.
"""

import json
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

from boilerplate import trees
from boilerplate.names import Names
from boilerplate.rendering import CHASSIS, File, render

RECORD = ".quart-chassis.toml"
SAYS = "# Where this project came from; `manage.py update` reads and writes it.\n"


def project_of(
    files: Mapping[str, File], commit: str, names: Names, *, demo: bool
) -> dict[str, File]:
    """The files of a project, and the record of where they came from."""
    rendered = render(files, names, demo=demo)
    return {**rendered, RECORD: _record(files, rendered, commit, names, demo)}


def version_of(files: Mapping[str, File]) -> str:
    """The boilerplate's version."""
    content = tomllib.loads(files["pyproject.toml"].data.decode())
    version: str = content["project"]["version"]
    return version


def _record(
    files: Mapping[str, File],
    rendered: Mapping[str, File],
    commit: str,
    names: Names,
    demo: bool,
) -> File:
    # JSON's strings are TOML's, too.
    said = {
        "version": version_of(files),
        "commit": commit,
        "package": names.package,
        "name": names.name,
        "title": names.title,
        "demo": demo,
    }
    lines = [
        f"{key} = {json.dumps(value, ensure_ascii=False)}\n"
        for key, value in said.items()
    ]
    chassis = [
        f'"{path}" = "{trees.blob_id(file.data)}"\n'
        for path, file in sorted(rendered.items())
        if path.startswith(CHASSIS)
    ]
    text = "".join([SAYS, *lines, "\n[chassis]\n", *chassis])
    return File("100644", text.encode())


def main(repository: str, commit: str, path: str) -> None:
    """Write the tree, and print its id."""
    given = json.loads(Path(path).read_text("utf-8"))
    names = Names(given["package"], given["name"], given["title"])
    files = trees.read(repository, commit)
    rendered = project_of(files, commit, names, demo=given["demo"])
    print(trees.write(repository, rendered))


if __name__ == "__main__":
    main(*sys.argv[1:])
