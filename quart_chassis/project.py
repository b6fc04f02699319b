"""The application's folder, package and names, from its `pyproject.toml`.

Standard library only: `manage.py` reads this module before anything is installed. Two
projects can live in one process, as they do in the tests.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, Self

from quart_chassis.errors import UserError

HERE = (
    "here is no settings.toml beside a pyproject.toml; go to the project's folder and "
    "try again"
)

# What [tool.quart-chassis] may hold; `demo` is for the boilerplate's `new`.
KEYS = {"package", "title", "commands", "demo"}


@dataclass(frozen=True)
class Project:
    """An application's folder and names.

    `package` is what Python imports (my_shop), `name` the distribution (my-shop), and
    `title` what people read (My shop). `commands` are the modules of commands that the
    project itself has; they need no more than the standard library to be imported.
    """

    root: Path
    package: str
    name: str
    title: str
    version: str
    commands: tuple[str, ...] = ()

    @classmethod
    @cache
    def at(cls, root: Path) -> Self:
        """The project in the folder `root`; UserError if there is none."""
        path = root / "pyproject.toml"
        if not path.exists() or not (root / "settings.toml").exists():
            raise UserError(HERE)
        try:
            content = tomllib.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise UserError(f"{path} cannot be read: {error}") from None
        own = content.get("tool", {}).get("quart-chassis", {})
        if unknown := own.keys() - KEYS:
            raise UserError(
                f"{path} [tool.quart-chassis] has the unknown key {min(unknown)}; use "
                f"{', '.join(sorted(KEYS))}"
            )
        package = own.get("package")
        if not isinstance(package, str) or not package.isidentifier():
            raise UserError(
                f"{path} names no package; write the name of your application's folder "
                'into it: [tool.quart-chassis] package = "…"'
            )
        described = content.get("project", {})
        name = described.get("name") or package.replace("_", "-")
        title = own.get("title") or name.replace("-", " ").capitalize()
        version, commands = described.get("version", "0"), own.get("commands", ())
        return cls(root, package, name, title, version, tuple(commands))

    @classmethod
    def of(cls, package: str) -> Self:
        """The project whose application is `package`.

        Its folder is the one that holds the package, or the current folder if the
        package is installed elsewhere.
        """
        found = find_spec(package)
        origin = found.origin if found else None
        beside = Path(origin).resolve().parent.parent if origin else Path.cwd()
        return cls.at(beside if (beside / "settings.toml").exists() else Path.cwd())

    def variable(self, name: str) -> str:
        """The name of an environment variable of this project."""
        return f"{self.package.upper()}_{name}"

    def application(self) -> ModuleType:
        """The module that has FEATURES and create_app.

        UserError if there is no such module. An error inside it, or in a feature that
        it imports, is raised as it is.
        """
        name = f"{self.package}.application"
        try:
            return import_module(name)
        except ModuleNotFoundError as error:
            if error.name not in {self.package, name}:
                raise
            raise UserError(
                f"{self.root / 'pyproject.toml'} names the package {self.package}, but "
                f"{error.name} cannot be found; correct [tool.quart-chassis] package"
            ) from None

    def create_app(self, **overrides: object) -> Any:
        """A new application; see `quart_chassis.application.create`."""
        return self.application().create_app(**overrides)

    def metadata(self) -> Any:
        """SQLAlchemy's MetaData, with the tables of every feature."""
        self.application()
        return import_module(f"{self.package}.schema").metadata
