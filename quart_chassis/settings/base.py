"""The chassis' own settings. A feature declares its own in the same way."""

import os
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal

from msgspec import Meta

from quart_chassis.errors import UserError
from quart_chassis.project import Project
from quart_chassis.settings import database_url, places
from quart_chassis.settings.secret_key import SHORTEST_KEY
from quart_chassis.settings.values import Secret, Secrets, check_each

# Under `run --reload`, so that a developer can step through a request with a debugger.
DEBUGGER_SECONDS = 3600
# Outside development, where it can be guessed by whoever reaches the server.
SHORTEST_TOKEN = 16
# In bytes: PostgreSQL manual, 4.1.1.
LONGEST_NAME = 63


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every setting of the chassis; `settings.toml` says what each one means."""

    project: Project
    ENV_FOR_DYNACONF: str
    SECRET_KEY: Secret
    SECRET_KEY_FALLBACKS: Secrets
    DB_HOST: str
    DB_PORT: Annotated[int, Meta(ge=1, le=65535)]
    DB_USERNAME: str
    DB_PASSWORD: Secret
    DATABASE_NAME: str
    DATABASE_URL: Secret
    REPLICA_URL: Secret
    REPLICA_LAG_SECONDS: Annotated[float, Meta(ge=1, le=3600)]
    DB_POOL_SIZE: Annotated[int, Meta(ge=1, le=100)]
    DB_POOLER: bool
    HOST: str
    PORT: Annotated[int, Meta(ge=0, le=65535)]
    WORKERS: Annotated[int, Meta(ge=1, le=64)]
    LOG_LEVEL: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
    LOG_FORMAT: Literal["", "console", "json"]
    ADMIN_TOKEN: Secret
    CORS_ORIGINS: tuple[str, ...]
    TRUSTED_HOSTS: tuple[str, ...]
    FORWARDED_ALLOW_IPS: tuple[str, ...]
    METRICS: bool
    BODY_LIMIT_BYTES: Annotated[int, Meta(ge=1024, le=1 << 30)]
    HEADER_LIMIT_BYTES: Annotated[int, Meta(ge=4096, le=1 << 20)]
    KEEPALIVE_SECONDS: Annotated[float, Meta(ge=1, le=3600)]
    IDLE_SECONDS: Annotated[float, Meta(ge=1, le=3600)]
    WAIT_SECONDS: Annotated[float, Meta(ge=1, le=6)]

    def __post_init__(self) -> None:
        """Raise UserError for errors that the types of settings do not exclude."""
        section = f"[{self.ENV_FOR_DYNACONF}]"
        if self.production and not self.SECRET_KEY:
            raise UserError(
                f"SECRET_KEY is not set, and {section} needs it: set the environment "
                "variable SECRET_KEY or SECRET_KEY_FILE to 32 random characters or more"
            )
        if self.production and self.embedded:
            raise UserError(
                f"no database is set, and {section} needs one: set DATABASE_URL, or "
                "DB_HOST, DB_USERNAME, DB_PASSWORD and DATABASE_NAME"
            )
        for key in (self.SECRET_KEY, *self.SECRET_KEY_FALLBACKS):
            if len(key.strip()) < SHORTEST_KEY:
                raise UserError(
                    "SECRET_KEY and SECRET_KEY_FALLBACKS must have 32 characters or "
                    "more; python3 -c 'import secrets; print(secrets.token_urlsafe())' "
                    "makes one"
                )
        is_short = len(self.ADMIN_TOKEN.strip()) < SHORTEST_TOKEN
        if self.ADMIN_TOKEN and is_short and self.ENV_FOR_DYNACONF != "development":
            raise UserError(
                f"ADMIN_TOKEN must have {SHORTEST_TOKEN} characters or more, but in "
                "development; python3 -c 'import secrets; "
                "print(secrets.token_urlsafe())' makes one"
            )
        if not 0 < len(self.DATABASE_NAME.encode()) <= LONGEST_NAME:
            raise UserError(
                f"DATABASE_NAME must have 1 to {LONGEST_NAME} bytes, as PostgreSQL's "
                "names have"
            )
        if not places.is_database_host(self.DB_HOST):
            # Whoever writes a URL here writes a password with it.
            raise UserError(
                "DB_HOST must be a host's name, an address, or a socket's folder; put "
                "a URL or several hosts into DATABASE_URL"
            )
        if self.DATABASE_URL:
            database_url.parse(self.DATABASE_URL, "DATABASE_URL")
        if self.REPLICA_URL:
            database_url.parse(self.REPLICA_URL, "REPLICA_URL")
        hosts = (each for each in self.TRUSTED_HOSTS if each != places.ANY)
        check_each("TRUSTED_HOSTS", hosts, places.trusted_host)
        check_each("CORS_ORIGINS", self.CORS_ORIGINS, places.origin)
        check_each("FORWARDED_ALLOW_IPS", self.FORWARDED_ALLOW_IPS, places.proxy)

    @property
    def production(self) -> bool:
        return self.ENV_FOR_DYNACONF == "production"

    @cached_property
    def reloading(self) -> bool:
        """Whether `run --reload` started this process; never in production."""
        told = os.environ.get(self.project.variable("RELOAD"))
        return told == "on" and not self.production

    @property
    def limit_seconds(self) -> float:
        """How long a request may wait for the database, and a transaction may last.

        WAIT_SECONDS, or an hour under `run --reload`.
        """
        return DEBUGGER_SECONDS if self.reloading else self.WAIT_SECONDS

    @property
    def embedded(self) -> bool:
        """Whether the database is the development database of this checkout."""
        return not self.DATABASE_URL and self.DB_HOST == "embedded"

    @property
    def database_host(self) -> str:
        """The host in use, for messages; several are joined by commas."""
        if self.DATABASE_URL:
            parsed = database_url.parse(self.DATABASE_URL, "DATABASE_URL")
            return parsed.hosts or "libpq's default host"
        return self.DB_HOST

    @property
    def database_name(self) -> str:
        if self.DATABASE_URL:
            return database_url.parse(self.DATABASE_URL, "DATABASE_URL").database
        return self.DATABASE_NAME
