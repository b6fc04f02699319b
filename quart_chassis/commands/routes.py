"""Show every route: its methods, its path, who may call it, and its endpoint."""

import argparse
from typing import Any

HEADINGS = ("METHODS", "PATH", "WHO MAY", "ENDPOINT")
# Quart answers these itself.
AUTOMATIC = {"HEAD", "OPTIONS"}


def run(arguments: argparse.Namespace) -> None:
    """Print them in the order of their paths; no database is needed."""
    app = arguments.project.create_app()
    rows = [HEADINGS, *sorted(_rows(app), key=lambda row: (row[1], row[0]))]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for *cells, endpoint in rows:
        padded = [f"{cell:{width}}" for cell, width in zip(cells, widths, strict=True)]
        print(*padded, endpoint, sep="  ")


def _rows(app: Any) -> list[tuple[str, str, str, str]]:
    from quart_chassis.web import policy_of

    return [
        (
            "WebSocket"
            if rule.websocket
            else ",".join(sorted((rule.methods or set()) - AUTOMATIC)),
            rule.rule,
            policy_of(app.view_functions[rule.endpoint]),
            rule.endpoint,
        )
        for rule in app.url_map.iter_rules()
    ]
