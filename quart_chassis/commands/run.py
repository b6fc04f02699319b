"""Start the database, bring its schema up to date, and serve the application."""

import argparse
import asyncio
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quart_chassis.settings import Settings


def configure(parser: argparse.ArgumentParser) -> None:
    """Where to listen, and with how many processes."""
    parser.add_argument("--host", help="address to listen on")
    parser.add_argument("--port", help="port to listen on; 0 takes a free one")
    parser.add_argument("--workers", help="number of processes that serve")
    parser.add_argument(
        "--reload", action="store_true", help="restart when the code changes"
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal ends it; the status is 1 if no worker could start."""
    from quart_chassis.commands import context
    from quart_chassis.errors import UserError
    from quart_chassis.features import features_of, load_settings
    from quart_chassis.observe import logs
    from quart_chassis.serve import listening, server

    if arguments.reload:
        if (arguments.workers or "1") != "1":
            arguments.parser.error("--reload works with one worker only")
        arguments.workers = "1"
    names = {"host": "HOST", "port": "PORT", "workers": "WORKERS"}
    given = {names[each]: vars(arguments)[each] for each in names}
    project = arguments.project
    given = {name: value for name, value in given.items() if value}
    # Each process that serves reads the environment without what was typed.
    load_settings(project)
    if arguments.reload:
        # What each process that serves is started with.
        os.environ |= {**given, project.variable("RELOAD"): "on"}
    settings = load_settings(project, **given)
    if arguments.reload and settings.production:
        raise UserError(
            "--reload is for development, and ENV_FOR_DYNACONF is production; leave "
            "out one of them"
        )
    # Every worker signs with the same key, which stays the same after a reload.
    os.environ["SECRET_KEY"] = settings.SECRET_KEY
    os.environ.pop("SECRET_KEY_FILE", None)
    logs.configure(settings)
    if not arguments.reload:
        # An error in a feature is reported once. A worker that cannot start would be
        # restarted again and again; `--reload` waits for the corrected file.
        context.own_commands(features_of(project), project.root)
        project.create_app(**given)
    with (
        listening.listen(settings.HOST, settings.PORT) as listener,
        context.database(settings),
    ):
        _bring_up_to_date(settings)
        return server.serve(listener, settings, reload=arguments.reload)


def _bring_up_to_date(settings: "Settings") -> None:
    """Migrate, except in production, where migrating is a step of its own."""
    from quart_chassis.database import migrations
    from quart_chassis.errors import UserError
    from quart_chassis.observe.logs import log

    if not settings.production:
        asyncio.run(migrations.to_revision(settings))
        return
    try:
        asyncio.run(migrations.check_schema(settings))
    except UserError as error:
        log.warning("the database cannot serve this code", reason=str(error))
