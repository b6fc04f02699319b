"""What stands in the way of a deployment, or is good to know before one."""

import os
import subprocess
import tomllib
from collections.abc import Iterator

from quart_chassis.commands.doctor.findings import Finding
from quart_chassis.features import load_settings
from quart_chassis.project import Project
from quart_chassis.settings import Settings
from quart_chassis.settings.secret_key import FILE, SHORTEST_KEY

SECRETS = ("SECRET_KEY", "DB_PASSWORD", "ADMIN_TOKEN", "DATABASE_URL")
# What a server of PostgreSQL has as it comes, without some for `migrate` and for you.
MOST_CONNECTIONS = 90
SHORTEST_TOKEN = 16


def needed(_project: Project) -> Iterator[Finding]:
    """What production must be given, and is not given here."""
    if not _is_given("SECRET_KEY"):
        yield Finding(
            "production will need SECRET_KEY",
            "python3 -c 'import secrets; print(secrets.token_urlsafe())' makes one",
            stops=False,
        )
    if not _is_given("DATABASE_URL") and not _is_given("DB_HOST"):
        yield Finding(
            "production will need DATABASE_URL",
            "docs/growing.md leads from the embedded database to a server's",
            stops=False,
        )


def settings(project: Project) -> Iterator[Finding]:
    """What is wrong with the settings, or bold, as production would have them."""
    chosen = _in_production(project)
    if 0 < len(chosen.ADMIN_TOKEN) < SHORTEST_TOKEN:
        yield Finding(
            f"ADMIN_TOKEN has {len(chosen.ADMIN_TOKEN)} characters and can be guessed",
            f"take {SHORTEST_TOKEN} random ones or more",
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
    content = tomllib.loads((project.root / "settings.toml").read_text("utf-8"))
    for section in ("default", "production"):
        for name in SECRETS:
            if content.get(section, {}).get(name):
                yield Finding(
                    f"settings.toml [{section}] holds {name}, for everyone who sees it",
                    "take it out, make a new one, and set it as a variable",
                )
    for name in _tracked(project):
        yield Finding(
            f"{name} holds secrets, and git tracks it",
            f"type git rm --cached {name}, and make new ones",
        )


CHECKS = (needed, settings, secrets_kept)


def _is_given(name: str) -> bool:
    return bool(os.environ.get(name) or os.environ.get(f"{name}_FILE"))


def _in_production(project: Project) -> Settings:
    """The settings as production would have them, with what it will still be given."""
    given: dict[str, str] = {"ENV_FOR_DYNACONF": "production"}
    if not _is_given("SECRET_KEY"):
        given["SECRET_KEY"] = "x" * SHORTEST_KEY
    if not _is_given("DATABASE_URL") and not _is_given("DB_HOST"):
        given["DATABASE_URL"] = "postgresql://db.example/app"
    return load_settings(project, **given)


def _tracked(project: Project) -> list[str]:
    """The files with secrets that git tracks; none without git."""
    try:
        ran = subprocess.run(
            ["git", "ls-files", "-z", "--", FILE, ".env"],
            cwd=project.root,
            capture_output=True,
            check=True,
        )
    except (FileNotFoundError, subprocess.CalledProcessError):
        return []
    return os.fsdecode(ran.stdout).split("\0")[:-1]
