"""Pages in which one number changes: rendered now and then, and filled in meanwhile.

A page is rendered twice: with its number, and with marks in the place of the number. It
is filled in with other numbers, for a second, if that made two of them what they were.
So whatever else it shows, such as a style's current name, is a second old at most.
"""

from collections.abc import Hashable
from time import monotonic
from typing import Any

from quart import Quart, current_app, render_template, request

from quart_chassis.web import owner

# Characters that stand for those of the number (Unicode's Private Use Area).
PLAIN, WITH_COMMAS = "\ue000", "\ue001"
KEPT_SECONDS = 1.0
MOST_PAGES = 1024
# What may make a page its caller's own.
PERSONAL_HEADERS = {b"cookie", b"authorization"}

Scope = dict[str, Any]


class Marks:
    """What is written in the place of a number, in as many characters.

    Nothing else can be done with it: a page that asks more of its number than to be
    written cannot be filled in.
    """

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, number: int) -> None:
        self._number = number

    def __str__(self) -> str:
        return PLAIN * len(str(self._number))

    def __format__(self, form: str) -> str:
        if form not in {"", ","}:
            raise TypeError(form)
        return WITH_COMMAS * len(f"{self._number:,}") if form else str(self)

    def __eq__(self, other: object) -> bool:
        raise TypeError(other)

    def __bool__(self) -> bool:
        raise TypeError


class Page:
    """A page with marks, which may be filled in once two numbers have proved it."""

    def __init__(self, marked: str, number: int) -> None:
        self.marked = marked
        self.number = number
        self.made = monotonic()
        self.fits = False
        plain, commas = str(Marks(number)), f"{Marks(number):,}"
        # Text between the places of numbers with commas, and within it those without.
        self._texts = [each.split(plain) for each in marked.split(commas)]

    def filled(self, number: int) -> str:
        """The page with a number of as many digits."""
        plain = str(number)
        return f"{number:,}".join([plain.join(each) for each in self._texts])


def install(app: Quart) -> None:
    """Keep pages for `app`."""
    app.extensions["pages"] = {}


async def render(
    template: str, number: int, kind: Hashable = None, **context: object
) -> str:
    """The template's text for `number`, which it knows as `value`.

    `kind` is which `context` it is. How many digits there are, the host and the path
    prefix need not be told. A template that does more with the number than to write it,
    with or without commas, is rendered each time: have what it decides in `context`.
    Callers with a cookie or a token, and the owner, get a text of their own.
    """
    scope: Any = request.scope
    is_personal = any(name in PERSONAL_HEADERS for name, _ in scope["headers"])
    if is_personal or owner.is_owner():
        return await render_template(template, value=number, **context)
    app = current_app
    if text := find(app, scope, template, number, kind):
        return text
    text = await render_template(template, value=number, **context)
    try:
        marked = await render_template(template, value=Marks(number), **context)
    except TypeError:
        return text
    _keep(
        app.extensions["pages"],
        _key(scope, template, number, kind),
        number,
        text,
        marked,
    )
    return text


def find(
    app: Quart, scope: Scope, template: str, number: int, kind: Hashable = None
) -> str | None:
    """What `render` would give such a caller, unless it must be rendered.

    For a fast lane, whose callers have no cookie and no token.
    """
    page: Page | None = app.extensions["pages"].get(_key(scope, template, number, kind))
    if page is None or not page.fits or monotonic() - page.made > KEPT_SECONDS:
        return None
    return page.filled(number)


def _keep(
    pages: dict[Hashable, Page], key: Hashable, number: int, text: str, marked: str
) -> None:
    page, before = Page(marked, number), pages.get(key)
    if page.filled(number) == text and before and before.marked == marked:
        page.fits = before.fits or before.number != number
    if len(pages) >= MOST_PAGES:
        pages.clear()
    pages[key] = page


def _key(scope: Scope, template: str, number: int, kind: Hashable) -> Hashable:
    hosts = tuple(value for name, value in scope["headers"] if name == b"host")
    place = (scope["scheme"], scope.get("root_path", ""), hosts)
    return (template, len(str(number)), kind, place)
