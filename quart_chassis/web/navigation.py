"""The links that features add to the top of every page."""

from collections.abc import Iterable
from dataclasses import dataclass

from quart import Quart

from quart_chassis.claims import Claims
from quart_chassis.errors import UserError
from quart_chassis.web.asked import asked


@dataclass(frozen=True)
class Link:
    """A page's title in the navigation, and its endpoint, which takes no arguments."""

    title: str
    endpoint: str
    in_production: bool = True


def install(app: Quart, links: Iterable[tuple[str, Link]], production: bool) -> None:
    """Give templates `navigation()`: the title and the address of each link.

    `links` are pairs of a feature and its link. UserError if two links have one title,
    or if an endpoint has no address without arguments.
    """
    claims = Claims()
    shown: list[tuple[str, str]] = []
    for owner, link in links:
        claims.claim("navigation entry", link.title, owner)
        path = _path_of(app, link.endpoint)
        if path is None:
            raise UserError(
                f"{owner} links to the endpoint {link.endpoint}, which has no address "
                f"without arguments; correct the Link {link.title!r} in its navigation"
            )
        if link.in_production or not production:
            shown.append((link.title, path))

    def navigation() -> list[tuple[str, str]]:
        # Not by url_for, which takes three times as long, and every page has these.
        root = asked().root_path
        return [(title, root + path) for title, path in shown]

    app.jinja_env.globals["navigation"] = navigation
    # Also on the page for an error, which may have no endpoint.
    app.jinja_env.globals["start_page"] = lambda: f"{asked().root_path}/"


def _path_of(app: Quart, endpoint: str) -> str | None:
    for rule in app.url_map.iter_rules():
        if rule.endpoint == endpoint and not rule.arguments - set(rule.defaults or ()):
            return rule.rule
    return None
