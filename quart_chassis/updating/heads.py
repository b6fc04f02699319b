"""Whether a merge left migrations that do not follow on each other."""

import ast
from collections import defaultdict
from collections.abc import Mapping


def problem(migrations: Mapping[str, str]) -> str | None:
    """What is wrong with migrations, by their paths, and what to type; None if well."""
    owners: dict[str, list[str]] = defaultdict(list)
    followed: set[str] = set()
    for path, source in sorted(migrations.items()):
        revision, before = _revisions(source)
        if revision:
            owners[revision].append(path)
            followed |= before
    twice = [paths for paths in owners.values() if len(paths) > 1]
    if twice:
        return (
            f"Two migrations have one revision: {' and '.join(twice[0])}; give yours "
            "another one, in it and in what follows on it, and type python3 manage.py "
            "mergemigrations"
        )
    heads = [each for each in owners if each not in followed]
    if len(heads) < 2:
        return None
    return (
        f"Migrations have {len(heads)} heads: {', '.join(heads)}; type "
        "python3 manage.py mergemigrations"
    )


def _revisions(source: str) -> tuple[str | None, set[str]]:
    """A migration's own revision, and those it follows."""
    found = {}
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return None, set()
    for line in body:
        match line:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.expr() as value):
                found[name] = _literal(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                found[name] = _literal(value)
    revision = found.get("revision")
    before = found.get("down_revision")
    several = before if isinstance(before, tuple | list) else (before,)
    return (
        revision if isinstance(revision, str) else None,
        {each for each in several if isinstance(each, str)},
    )


def _literal(value: ast.expr) -> object:
    try:
        return ast.literal_eval(value)
    except ValueError:
        return None
