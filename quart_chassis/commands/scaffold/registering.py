"""The two lines of `application.py` that name a feature: its import, and FEATURES."""

import ast
import re
from collections.abc import Callable

from quart_chassis.errors import UserError

LINE_LENGTH = 88
FEATURES = r"FEATURES(?:: [^\n=]+)? = "
# As `ruff format` writes names in a row: on one line, or each on its own.
ONE_LINE = r"^({head})([(\[]?)([^()\[\]#\n]+?),?([)\]]?)([ \t]*(?:#.*)?)$"
LINES = r"^({head})([(\[])\n((?:[ \t]+.*\n)+)([)\]])(.*)$"
LINE = re.compile(r"[ \t]+([\w*.]+(?: as \w+)?)?,?[ \t]*(?:#.*)?\n")

# Gets the names in a row, and returns those that shall stand there.
Edit = Callable[[list[str]], list[str]]


def with_feature(source: str, package: str, name: str) -> str:
    """The source of `application.py` with the feature in it.

    The last feature stays the last: it may have a page at `/` only if no feature
    before it has one. UserError if it is not written as `ruff format` writes it.
    """

    def import_it(names: list[str]) -> list[str]:
        later = (i for i, each in enumerate(names) if _order(each) > _order(name))
        return _inserted(names, next(later, len(names)), name)

    def list_it(names: list[str]) -> list[str]:
        return _inserted(names, max(len(names) - 1, 0), name)

    edited = _edited(_plain(source), _from(package), package, import_it)
    edited = _edited(edited, FEATURES, package, list_it)
    return _as_before(source, _checked(edited, package, name, expected=True))


def without_feature(source: str, package: str, name: str) -> str:
    """The source of `application.py` without the feature.

    UserError if it is not written as `ruff format` writes it, or names the feature
    elsewhere, too.
    """

    def take_out(names: list[str]) -> list[str]:
        return [each for each in names if each != name]

    edited = _edited(_plain(source), _from(package), package, take_out)
    edited = _edited(edited, FEATURES, package, take_out)
    return _as_before(source, _checked(edited, package, name, expected=False))


def refusal(package: str) -> UserError:
    """What to do where the file is written in another way."""
    return UserError(
        f"{package}/application.py cannot be edited safely; write two lines of it as "
        f"`from {package} import one, two` and `FEATURES = (one, two)`, with the names "
        "of your features, and try again"
    )


def _plain(source: str) -> str:
    return source.replace("\r\n", "\n")


def _as_before(source: str, edited: str) -> str:
    """The edited text with the line ends of the source."""
    return edited.replace("\n", "\r\n") if "\r\n" in source else edited


def _inserted(names: list[str], place: int, name: str) -> list[str]:
    return [*names[:place], name, *names[place:]]


def _from(package: str) -> str:
    return rf"from (?:{package}|\.) import "


def _edited(source: str, head: str, package: str, edit: Edit) -> str:
    """The source with other names behind `head`."""
    if match := re.search(ONE_LINE.format(head=head), source, re.MULTILINE):
        names = [each.strip() for each in match[3].split(",")]
        edited = _on_one_line(match, edit(names))
    elif match := re.search(LINES.format(head=head), source, re.MULTILINE):
        edited = _on_lines(match, edit, package)
    else:
        raise refusal(package)
    # An import of nothing goes with its line end.
    return source[: match.start()] + edited + source[match.end() + (not edited) :]


def _on_one_line(match: re.Match[str], names: list[str]) -> str:
    """The names behind what was matched; each on its own line if they are too long."""
    head, opening, _, closing, rest = match.groups()
    if not names and not opening:
        return ""
    comma = "," if len(names) == 1 and opening == "(" and "import" not in head else ""
    line = f"{head}{opening}{', '.join(names)}{comma}{closing}{rest}"
    if len(line) <= LINE_LENGTH:
        return line
    lines = "".join(f"    {name},\n" for name in names)
    return f"{head}{opening or '('}\n{lines}{closing or ')'}{rest}"


def _on_lines(match: re.Match[str], edit: Edit, package: str) -> str:
    """What was matched, with a line more or less; a comment above a name is its own."""
    head, opening, block, closing, rest = match.groups()
    lines: dict[str, str] = {}
    above = ""
    for line in block.splitlines(keepends=True):
        named = LINE.fullmatch(line)
        if named is None or named[1] in lines:
            raise refusal(package)
        above += line
        if named[1]:
            lines[named[1]] = above
            above = ""
    names = edit(list(lines))
    if not above and "#" not in block and len(names) < min(2, len(lines)):
        if "import" in head:
            return f"{head}{names[0]}{rest}" if names else ""
        comma = "," if names and opening == "(" else ""
        return f"{head}{opening}{''.join(names)}{comma}{closing}{rest}"
    written = "".join(lines.get(name, f"    {name},\n") for name in names)
    return f"{head}{opening}\n{written}{above}{closing}{rest}"


def _order(name: str) -> list[tuple[str, int]]:
    """How ruff sorts imported names: what has a number, by that number."""
    return [
        (text, int(digits or 0)) for text, digits in re.findall(r"(\D*)(\d*)", name)
    ]


def _checked(source: str, package: str, name: str, *, expected: bool) -> str:
    """The source, if it names the feature in both lines, or nowhere."""
    try:
        body = ast.parse(source).body
    except SyntaxError:
        raise refusal(package) from None
    imported = listed = False
    for node in body:
        if isinstance(node, ast.ImportFrom):
            imported |= name in [each.asname or each.name for each in node.names]
        for each in ast.walk(node):
            if not isinstance(each, ast.Name) or each.id != name:
                continue
            if not re.match(FEATURES, ast.unparse(node)) or not expected:
                raise UserError(
                    f"{package}/application.py uses {name} elsewhere, too; take that "
                    "out first"
                )
            listed = True
    if (imported, listed) != (expected, expected):
        raise refusal(package)
    return source
