"""The results, as a document and as a picture."""

from collections.abc import Mapping, Sequence
from html import escape
from statistics import median
from typing import NamedTuple

from boilerplate.benchmarks.running import Choice, Measured


class Row(NamedTuple):
    """A contender's rounds under one condition, and how it was set."""

    name: str
    choice: Choice
    rounds: Sequence[Measured]

    @property
    def per_second(self) -> float:
        return median(each.result.per_second for each in self.rounds)


# By the condition, for example a commit's time.
Tables = Mapping[str, Sequence[Row]]
HEAD = (
    "| | requests/s | spread | p50 ms | p99 ms | MiB | lost | set to |\n"
    "|---|---|---|---|---|---|---|---|"
)
BAR, STEP, LEFT, WIDE = 14, 22, 230, 460


def head(machine: Sequence[str], how: str) -> list[str]:
    """What stands above the tables."""
    written = f"Written by `python3 manage.py bench`. {how}\n"
    return ["# Results\n", written, *(f"- {line}" for line in machine)]


def lines(tables: Tables) -> list[str]:
    """The tables in Markdown."""
    found: list[str] = []
    for condition, rows in tables.items():
        found += [f"\n## {condition}\n", HEAD, *map(_line, _sorted(rows))]
    return found


def _sorted(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: -row.per_second)


def _line(row: Row) -> str:
    results = [each.result for each in row.rounds]
    speeds = [each.per_second for each in results]
    lost = sum(each.lost for each in row.rounds)
    asked = sum(each.answered for each in row.rounds)
    cells = [
        row.name,
        f"{row.per_second:,.0f}",
        f"{min(speeds):,.0f} to {max(speeds):,.0f}",
        f"{median(each.p50 for each in results) * 1000:.1f}",
        f"{median(each.p99 for each in results) * 1000:.1f}",
        f"{median(each.memory for each in row.rounds) / 2**20:.0f}",
        f"{lost:,} of {asked:,}" if lost else "0",
        str(row.choice),
    ]
    return f"| {' | '.join(cells)} |"


def picture(tables: Tables) -> str:
    """A chart of bars for each condition, as SVG."""
    parts: list[str] = []
    top = 10
    for condition, rows in tables.items():
        parts.append(
            f'<text x="10" y="{top + 14}" class="t">{escape(condition)}</text>'
        )
        top += 24
        most = max(row.per_second for row in rows)
        for row in _sorted(rows):
            width = WIDE * row.per_second / most
            ours = " class='o'" if row.name.startswith("our") else ""
            middle = top + BAR - 3
            name, place = escape(row.name), f'x="{LEFT}" y="{top}" height="{BAR}"'
            parts += [
                f'<text x="{LEFT - 8}" y="{middle}" class="n">{name}</text>',
                f'<rect{ours} {place} width="{width:.0f}"/>',
                f'<text x="{LEFT + width + 6:.0f}" y="{middle}">'
                f"{row.per_second:,.0f}</text>",
            ]
            top += STEP
        top += 14
    style = (
        "text{font:12px sans-serif;fill:#222}.n{text-anchor:end}.t{font-weight:bold}"
        "rect{fill:#8a8f98}.o{fill:#0a5c2f}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="780" height="{top}" '
        f'role="img" aria-label="Requests per second"><style>{style}</style>'
        f'<rect width="780" height="{top}" style="fill:#fff"/>{"".join(parts)}</svg>\n'
    )
