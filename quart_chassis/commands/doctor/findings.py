"""What doctor finds."""

from dataclasses import dataclass

from quart_chassis.errors import UserError, places
from quart_chassis.project import Project


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, and what to do about it.

    `stops` is false for what is only good to know.
    """

    problem: str
    remedy: str
    stops: bool = True


def from_error(error: UserError, *, stops: bool = True) -> Finding:
    """What the user would be told, in two parts."""
    problem, _, remedy = str(error).rpartition("; ")
    return Finding(
        problem or remedy, remedy if problem else "correct it as it says", stops
    )


def from_crash(error: BaseException, check: str, project: Project) -> Finding:
    """What went wrong in the project's own code, and where; else in the check."""
    said = error.msg if isinstance(error, SyntaxError) else str(error)
    what = f"{type(error).__name__}: {said}".splitlines()[0].removesuffix(": ")
    for path, line in places(error):
        if not path.is_relative_to(project.root):
            continue
        folder, *inner = path.relative_to(project.root).parts
        if inner and folder in {project.package, "migrations"}:
            # A feature has a folder in the package.
            part = inner[0] if len(inner) > 1 and folder != "migrations" else folder
            where = f"{'/'.join([folder, *inner])}, line {line}"
            return Finding(
                f"{part} cannot be used: {what} ({where})", "correct it there"
            )
    return Finding(what, f"look at {check}, which cannot be checked")
