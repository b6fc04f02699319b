"""Run every feature's seeds: rows to develop with. Twice is as good as once."""

import argparse
from types import ModuleType

from quart_chassis.errors import UserError


def configure(parser: argparse.ArgumentParser) -> None:
    """Whether production is meant."""
    parser.add_argument(
        "--yes", action="store_true", help="also in production, without asking"
    )


async def run(arguments: argparse.Namespace) -> None:
    """Run them in the order of FEATURES, each in a transaction of its own."""
    from quart_chassis import settings
    from quart_chassis.features import features_of, name_of
    from quart_chassis.settings import Settings

    if settings.current(Settings).production and not arguments.yes:
        raise UserError(
            "seeds are rows to develop with, and this is production; type seed --yes "
            "if they are meant for it"
        )
    seeded = [each for each in features_of(arguments.project) if hasattr(each, "seeds")]
    for part in seeded:
        await _seed(part)
        print(f"{name_of(part)}: seeded")
    if not seeded:
        print("No feature has seeds")


async def _seed(part: ModuleType) -> None:
    from quart_chassis import settings
    from quart_chassis.database import migrations
    from quart_chassis.features import name_of
    from quart_chassis.settings import Settings

    try:
        # No request waits for seeds, which may be many rows.
        async with (
            migrations.patient_engine(settings.current(Settings)) as engine,
            engine.begin() as connection,
        ):
            await part.seeds(connection)
    except UserError as error:
        raise UserError(
            f"the seeds of {name_of(part)} failed, and none of them was kept: {error}"
        ) from None
