"""What stands in the way of a deployment, or is good to know before one."""

import os
import subprocess
from collections.abc import Iterator

from quart_chassis.commands.doctor.findings import Finding
from quart_chassis.features import features_of, load_settings, settings_of
from quart_chassis.project import Project
from quart_chassis.settings import Settings, loading, sources
from quart_chassis.settings.base import SHORTEST_TOKEN
from quart_chassis.settings.secret_key import FILE, SHORTEST_KEY
from quart_chassis.settings.values import is_secret

# What production will be given, to look at the other settings before it is.
INSTEAD = {"SECRET_KEY": "x" * SHORTEST_KEY, "DATABASE_URL": "postgresql://db.example"}
# What a server of PostgreSQL has as it comes, without some for `migrate` and for you.
MOST_CONNECTIONS = 90


def needed(project: Project) -> Iterator[Finding]:
    """What production must be given, and is not given here."""
    lacking = _lacking(project)
    if "SECRET_KEY" in lacking:
        yield Finding(
            "production will need SECRET_KEY",
            "python3 -c 'import secrets; print(secrets.token_urlsafe())' makes one",
            stops=False,
        )
    if "DATABASE_URL" in lacking:
        yield Finding(
            "production will need DATABASE_URL",
            "docs/growing.md leads from the embedded database to a server's",
            stops=False,
        )


def settings(project: Project) -> Iterator[Finding]:
    """What is wrong with the settings, or bold, as production would have them."""
    chosen = _in_production(project)
    if not chosen.ADMIN_TOKEN:
        yield Finding(
            "ADMIN_TOKEN is empty, so there is no owner, whose pages are then 404",
            f"set {SHORTEST_TOKEN} random characters or more where the site has one",
            stops=False,
        )
    connections = chosen.WORKERS * chosen.DB_POOL_SIZE
    if connections > MOST_CONNECTIONS:
        yield Finding(
            f"WORKERS times DB_POOL_SIZE is {connections} connections, and a server "
            "usually has 100",
            "lower one of them, or put a pooler between (docs/growing.md)",
        )
    if not chosen.TRUSTED_HOSTS:
        yield Finding(
            "TRUSTED_HOSTS is empty, so every Host is answered",
            "name the hosts of the site, for example TRUSTED_HOSTS=example.org",
            stops=False,
        )
    if "*" in chosen.FORWARDED_ALLOW_IPS:
        yield Finding(
            "FORWARDED_ALLOW_IPS is *, so whoever reaches the port names its caller",
            "name the proxies, unless nobody else can reach the port",
            stops=False,
        )
    if "*" in chosen.CORS_ORIGINS:
        yield Finding(
            "CORS_ORIGINS is *, so scripts of every site may call the API",
            "name the sites that may",
            stops=False,
        )
    if chosen.METRICS:
        yield Finding(
            "METRICS is true, so /metrics is for everyone",
            "have the proxy keep it inside, or set METRICS=false",
            stops=False,
        )


def secrets_kept(project: Project) -> Iterator[Finding]:
    """Whether a secret is in the repository."""
    hints = loading.declared(settings_of(features_of(project)))
    given = sources.from_file(project.root / "settings.toml", "production")
    for name, hint in hints.items():
        if is_secret(hint) and name in given and given[name].value:
            yield Finding(
                f"{given[name].source} holds {name}, for everyone who sees the file",
                "take it out, make a new one, and set it as a variable",
            )


def tracked(project: Project) -> Iterator[Finding]:
    """Whether git tracks a file with secrets."""
    try:
        ran = subprocess.run(
            ["git", "ls-files", "-z", "--", FILE, ".env"],
            cwd=project.root,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        yield Finding(
            "git is not on PATH", "install it to have your work kept", stops=False
        )
        return
    if ran.returncode != 0:
        reason = os.fsdecode(ran.stderr).partition("\n")[0].removeprefix("fatal: ")
        yield Finding(
            f"git cannot be asked what it tracks ({reason})",
            "where this folder has no repository, git init makes one",
            stops=False,
        )
    for name in os.fsdecode(ran.stdout).split("\0")[:-1]:
        yield Finding(
            f"{name} holds secrets, and git tracks it",
            f"type git rm --cached {name}, and make new ones",
        )


CHECKS = (needed, settings, secrets_kept, tracked)


def _lacking(project: Project) -> set[str]:
    """What is neither in the environment nor in settings.toml, and must be."""
    hints = loading.declared({})
    given = sources.from_file(project.root / "settings.toml", "production")
    given |= sources.from_environment(hints, loading.files_for(hints))
    values = {name: each.value for name, each in given.items()}
    lacking = {name for name in INSTEAD if not values.get(name)}
    if values.get("DB_HOST") != "embedded":
        lacking.discard("DATABASE_URL")
    return lacking


def _in_production(project: Project) -> Settings:
    """The settings as production would have them, with what it will still be given."""
    instead = {name: INSTEAD[name] for name in _lacking(project)}
    return load_settings(project, ENV_FOR_DYNACONF="production", **instead)
