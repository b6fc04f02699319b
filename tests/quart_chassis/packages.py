"""Packages that are nowhere else, and an index that has them."""

import hashlib
import zipfile
from collections.abc import Iterable
from pathlib import Path


def make_wheel(
    folder: Path,
    name: str,
    version: str = "1.0",
    code: str = "",
    headers: Iterable[str] = (),
) -> Path:
    """A wheel that pip installs; its one module has the distribution's name."""
    module = name.replace("-", "_")
    path = folder / f"{module}-{version}-py3-none-any.whl"
    info = f"{module}-{version}.dist-info"
    described = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    files = {
        f"{module}.py": code,
        f"{info}/METADATA": "\n".join([*described, *headers]) + "\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\n"
        "Root-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = [f"{file},," for file in [*files, f"{info}/RECORD"]]
    files[f"{info}/RECORD"] = "\n".join(lines) + "\n"
    with zipfile.ZipFile(path, "w") as wheel:
        for file, content in files.items():
            wheel.writestr(file, content)
    return path


def make_index(folder: Path, wheels: Iterable[Path]) -> str:
    """The address of an index of the wheels, as PEP 503 describes it."""
    for wheel in wheels:
        page = folder / wheel.name.partition("-")[0].replace("_", "-") / "index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        with page.open("a") as file:
            file.write(f'<a href="{wheel.as_uri()}">{wheel.name}</a>\n')
    return folder.as_uri()


def pin(wheel: Path) -> str:
    """The line of a requirements file that pins it."""
    module, version, *_ = wheel.name.split("-")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"{module.replace('_', '-')}=={version} --hash=sha256:{digest}\n"
