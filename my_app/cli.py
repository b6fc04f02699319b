"""The commands people type: `python3 manage.py COMMAND`, or `my-app COMMAND`.

Everything a command needs is imported when it runs, so that `--help` and a mistyped
command answer at once, before anything was installed.
"""

import argparse
import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from my_app import UserError, say

if TYPE_CHECKING:
    from my_app.settings import Settings

# Twice as many processes as cores: much of the tests' time is waiting for servers.
PARALLEL = ["-n", str(min(2 * (os.cpu_count() or 1), 16)), "--dist", "worksteal"]


def main(words: list[str], program: str = "manage.py") -> int:
    """Run the command in `words`; its exit status.

    1 is a failure the user can mend, told in one line; 2 is wrong usage.
    """
    arguments = parse(words, program)
    # So that what was started is stopped on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        # The terminal was closed; nohup has it ignored.
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
    try:
        return arguments.command(arguments) or 0
    except UserError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def console_script() -> int:
    """The command `my-app`, for environments the project is installed in."""
    return main(sys.argv[1:], "my-app")


def parse(words: list[str], program: str = "manage.py") -> argparse.Namespace:
    """The arguments: `command` is the function, `tools` whether it needs dev.txt.

    Wrong usage ends the process with status 2.
    """
    parser = _parser(program)
    arguments, rest = parser.parse_known_args(words)
    if rest and arguments.command is not test:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if arguments.command is run and arguments.reload:
        if (arguments.workers or "1") != "1":
            parser.error("--reload goes with one worker only")
        arguments.workers = "1"
    arguments.pytest = rest
    return arguments


def command_names() -> list[str]:
    """Every command's name, as it is typed."""
    (commands,) = (
        action
        for action in _parser("manage.py")._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    return list(commands.choices)


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=program, allow_abbrev=False)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(
        name: str, command: Callable[..., int | None], *, tools: bool = False
    ) -> argparse.ArgumentParser:
        summary = (command.__doc__ or "").split("\n", 1)[0]
        added = commands.add_parser(
            name, help=summary, description=summary, allow_abbrev=False
        )
        added.set_defaults(command=command, tools=tools)
        return added

    add_run = add("run", run)
    add_run.add_argument("--host", help="address to listen on")
    add_run.add_argument("--port", help="port to listen on; 0 takes a free one")
    add_run.add_argument("--workers", help="number of processes that serve")
    add_run.add_argument(
        "--reload", action="store_true", help="start anew when the code changes"
    )
    add_test = add("test", test, tools=True)
    add_test.usage = f"{program} test [-h] [--all] [PYTEST ARGS ...]"
    add_test.add_argument(
        "--all", action="store_true", help="also what needs containers or minutes"
    )
    add("check", check, tools=True)
    add_migrate = add("migrate", migrate)
    add_migrate.add_argument("revision", nargs="?", default="head")
    add("makemigration", makemigration).add_argument("message")
    add("dbshell", dbshell)
    add("resetdb", resetdb)
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Start the database, bring its schema up to date, and serve the application."""
    from my_app import logs, server

    given = {"HOST": arguments.host, "PORT": arguments.port}
    given["WORKERS"] = arguments.workers
    settings = _settings(**{name: value for name, value in given.items() if value})
    # Every worker signs with the same key, and a caller finds it after a reload.
    os.environ["SECRET_KEY"] = settings.SECRET_KEY
    os.environ.pop("SECRET_KEY_FILE", None)
    logs.configure(settings)
    with server.listen(settings.HOST, settings.PORT) as listener, _database(settings):
        _bring_up_to_date(settings)
        return server.serve(listener, settings, reload=arguments.reload)


def _bring_up_to_date(settings: "Settings") -> None:
    """Migrate, except in production, where deploying is a step of its own."""
    from my_app import migrate
    from my_app.logs import log

    if not settings.production:
        asyncio.run(migrate.to_revision(settings))
        return
    try:
        asyncio.run(migrate.check_schema(settings))
    except UserError as error:
        log.warning("the database is not as this code wants it", reason=str(error))


def test(arguments: argparse.Namespace) -> int:
    """Run the tests, on a PostgreSQL of their own."""
    _check_root()
    options = ["--all"] if arguments.all else []
    # Without a choice of tests: all of them, on every core.
    options += arguments.pytest or PARALLEL
    command = [sys.executable, "-m", "pytest", *options]
    return subprocess.run(command, check=False).returncode


def check(arguments: argparse.Namespace) -> int:
    """Check everything that CI checks besides the tests."""
    _check_root()
    return subprocess.run([sys.executable, "scripts/check.py"], check=False).returncode


def migrate(arguments: argparse.Namespace) -> None:
    """Bring the schema to head, or to REVISION; safe when many run at once."""
    from my_app import logs, migrate

    settings = _settings()
    logs.configure(settings)
    with _database(settings):
        asyncio.run(migrate.to_revision(settings, arguments.revision))


def makemigration(arguments: argparse.Namespace) -> None:
    """Write a migration from the difference between the tables and the schema."""
    from my_app import migrate

    settings = _settings()
    with _database(settings):
        path = asyncio.run(migrate.make_migration(settings, arguments.message))
    print(f"Wrote {path}; read it before you run it" if path else "Nothing differs")


def dbshell(arguments: argparse.Namespace) -> int:
    """Open psql on the configured database."""
    from my_app import shell

    settings = _settings()
    with _database(settings):
        return shell.run_psql(settings)


def resetdb(arguments: argparse.Namespace) -> None:
    """Empty the development database, after asking; never another one."""
    from my_app import migrate, shell

    settings = _settings()
    shell.refuse_unless_development(settings)
    name = settings.database_name
    print(f"Type {name} to delete all that is in that database: ", end="", flush=True)
    if sys.stdin.readline().strip() != name:
        raise UserError(f"that was not {name}; nothing was deleted")
    with _database(settings):
        asyncio.run(shell.empty(settings))
        asyncio.run(migrate.to_revision(settings))


def _settings(**overrides: object) -> "Settings":
    from my_app import settings

    _check_root()
    return settings.load(**overrides)


def _check_root() -> None:
    from my_app.sources import project_root

    if not (project_root() / "settings.toml").exists():
        raise UserError(
            "here is no settings.toml; go to the project's folder and try again"
        )
    os.chdir(project_root())


@contextmanager
def _database(settings: "Settings") -> Iterator[None]:
    """Have the database run, where it is ours to run."""
    from my_app import embedded
    from my_app.sources import project_root

    if not settings.embedded:
        yield
        return
    folder = embedded.folder_of(project_root())
    if folder.parent != project_root():
        say(f"The database is in {folder}")
    with embedded.serving(folder, settings.DATABASE_NAME, say):
        yield


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
