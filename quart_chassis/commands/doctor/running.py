"""What stands in the way of `run` and `test` on this machine."""

import sys
from collections.abc import Iterable, Iterator
from importlib.util import find_spec

from quart_chassis.commands.doctor.database import database
from quart_chassis.commands.doctor.findings import Finding
from quart_chassis.database import revisions
from quart_chassis.errors import UserError
from quart_chassis.features import load_settings
from quart_chassis.installation import dependencies
from quart_chassis.project import Project
from quart_chassis.serve import listening


def installed(_project: Project) -> Iterator[Finding]:
    """Whether everything that is pinned is installed, and new enough."""
    missing = [f"{name} is missing" for name in dependencies.missing(tools=False)]
    for problem in [*missing, *dependencies.outdated(tools=False)]:
        yield Finding(
            f"in {sys.prefix} {problem}", "delete .venv, and type any command"
        )


def pinned(project: Project) -> Iterator[Finding]:
    """Whether requirements/ has what pyproject.toml asks for."""
    # It comes with the tools, which only `test` and `check` need.
    if find_spec("packaging"):
        from quart_chassis.commands import checks

        for problem in checks.requirements_problems(project.root):
            yield Finding(problem, "type python3 manage.py lock")


def application(project: Project) -> Iterable[Finding]:
    """Whether settings and features make an application."""
    load_settings(project)
    project.create_app()
    return ()


def joined(project: Project) -> Iterable[Finding]:
    """Whether the migrations have one head."""
    revisions.head(project)
    return ()


def port(project: Project) -> Iterable[Finding]:
    """Whether the port is free."""
    chosen = load_settings(project)
    try:
        listening.listen(chosen.HOST, chosen.PORT).close()
    except UserError as error:
        raise UserError(_with_holder(str(error), chosen.PORT)) from None
    return ()


def chassis(project: Project) -> Iterator[Finding]:
    """Which files of quart_chassis/ are not as they came."""
    from quart_chassis.updating.edited import edited

    for path in edited(project):
        yield Finding(
            f"{path} is not as it came with this version",
            "keep the change small, or undo it: an update merges it by git",
            stops=False,
        )


CHECKS = (installed, pinned, application, joined, port, database, chassis)


def _with_holder(told: str, port: int) -> str:
    """The words with the process that has the port, where that can be found out."""
    # It comes with the tools. Not every system lets a user see others' processes.
    if not find_spec("psutil"):
        return told
    import psutil

    try:
        for each in psutil.net_connections("tcp"):
            listens = each.status == psutil.CONN_LISTEN
            if listens and each.laddr and each.laddr.port == port:
                name = psutil.Process(each.pid).name() if each.pid else "another user"
                return told.replace("; ", f", by process {each.pid} ({name}); ", 1)
    except psutil.Error:
        pass
    return told
