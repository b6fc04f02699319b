"""The links that features bring for the top of every page."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from quart import Quart, url_for

from quart_chassis.claims import Claims
from quart_chassis.errors import UserError


@dataclass(frozen=True)
class Link:
    """A page's title in the navigation, and its endpoint."""

    title: str
    endpoint: str
    in_production: bool = True


def install(app: Quart, links: Iterable[tuple[str, Link]], production: bool) -> None:
    """Hand every template `navigation`: a title and an address for each link.

    `links` come with the features that bring them. UserError if two have one title, or
    if one's endpoint does not exist.
    """
    claims = Claims()
    shown = []
    for owner, link in links:
        claims.claim("navigation entry", link.title, owner)
        if link.endpoint not in app.view_functions:
            raise UserError(
                f"{owner} links to the endpoint {link.endpoint}, which does not exist; "
                f"correct the Link {link.title!r} in its navigation"
            )
        if link.in_production or not production:
            shown.append(link)

    def navigation() -> Iterator[tuple[str, str]]:
        return ((link.title, url_for(link.endpoint)) for link in shown)

    app.jinja_env.globals["navigation"] = navigation
