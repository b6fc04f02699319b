"""Where settings come from, and what must be there before anything starts.

Keyword arguments of `create_app` rank above environment variables, and those above
`settings.toml`, which Dynaconf reads. Dynaconf's own environment loader is left out: it
interprets values, so that a password such as `true` or `@format {env[HOME]}` would not
arrive as it was written.
"""

import os
import secrets
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from my_app import UserError, database_url, sources
from my_app.sources import Given

LARGEST_VALUE = 2**63 - 1
DATABASE_PARTS = {"DB_HOST", "DB_PORT", "DB_USERNAME", "DB_PASSWORD", "DATABASE_NAME"}
FROM_FILES = ("SECRET_KEY", "DB_PASSWORD", "ADMIN_TOKEN")
SECRET = Meta(extra={"secret": True})


@dataclass(frozen=True, repr=False)
class Settings:
    """Every setting, checked; `settings.toml` says what each one means."""

    ENV_FOR_DYNACONF: str
    SECRET_KEY: Annotated[str, SECRET]
    SECRET_KEY_FALLBACKS: Annotated[tuple[str, ...], SECRET]
    DB_HOST: str
    DB_PORT: Annotated[int, Meta(ge=1, le=65535)]
    DB_USERNAME: str
    DB_PASSWORD: Annotated[str, SECRET]
    DATABASE_NAME: str
    DATABASE_URL: Annotated[str, SECRET]
    REPLICA_URL: Annotated[str, SECRET]
    DB_POOL_SIZE: Annotated[int, Meta(ge=1, le=100)]
    DB_POOLER: bool
    HOST: str
    PORT: Annotated[int, Meta(ge=0, le=65535)]
    WORKERS: Annotated[int, Meta(ge=1, le=64)]
    LOG_LEVEL: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
    LOG_FORMAT: Literal["", "console", "json"]
    ADMIN_TOKEN: Annotated[str, SECRET]
    COUNTER_NAMES: tuple[str, ...]
    MAX_AMOUNT: Annotated[int, Meta(ge=1, le=LARGEST_VALUE)]
    CORS_ORIGINS: tuple[str, ...]
    TRUSTED_HOSTS: tuple[str, ...]
    FORWARDED_ALLOW_IPS: tuple[str, ...]
    METRICS: bool
    QUEUE_LIMIT: Annotated[int, Meta(ge=1, le=1_000_000)]
    BATCH_LIMIT: Annotated[int, Meta(ge=1, le=10_000)]
    WAIT_SECONDS: Annotated[float, Meta(ge=1, le=6)]
    WATCHER_LIMIT: Annotated[int, Meta(ge=0, le=1_000_000)]

    def __repr__(self) -> str:
        shown = (
            f"{name}={'***' if value and is_secret(name) else repr(value)}"
            for name, value in vars(self).items()
        )
        return f"Settings({', '.join(shown)})"

    @property
    def production(self) -> bool:
        return self.ENV_FOR_DYNACONF == "production"

    @property
    def embedded(self) -> bool:
        return not self.DATABASE_URL and self.DB_HOST == "embedded"

    @property
    def database_host(self) -> str:
        """The host in use, for people to read; several are joined by commas."""
        if self.DATABASE_URL:
            parsed = database_url.parse(self.DATABASE_URL, "DATABASE_URL")
            return parsed.hosts or "libpq's default host"
        return self.DB_HOST

    @property
    def database_name(self) -> str:
        if self.DATABASE_URL:
            return database_url.parse(self.DATABASE_URL, "DATABASE_URL").database
        return self.DATABASE_NAME


TYPES = get_type_hints(Settings, include_extras=True)
NAMES = tuple(name for name in TYPES if name != "ENV_FOR_DYNACONF")


def is_secret(name: str) -> bool:
    """Whether the setting's value must never be shown."""
    return SECRET in get_args(TYPES[name])


def load(**overrides: object) -> Settings:
    """The settings in force; UserError names the first that is wrong and its remedy.

    `overrides` are settings by name, and `ENV_FOR_DYNACONF` to choose the section.
    """
    chosen = overrides.pop("ENV_FOR_DYNACONF", None)
    chosen = chosen or os.environ.get("ENV_FOR_DYNACONF") or "development"
    environment = str(chosen).lower()
    given = sources.from_file(sources.project_root() / "settings.toml", environment)
    _check_names(given)
    given |= sources.from_environment(NAMES, FROM_FILES)
    if overrides.keys() & DATABASE_PARTS:
        overrides.setdefault("DATABASE_URL", "")
    given |= {name: Given(value, "argument") for name, value in overrides.items()}
    _check_names(given)
    values: dict[str, Any] = {name: _converted(name, given[name]) for name in NAMES}
    if environment != "production" and not values["SECRET_KEY"]:
        values["SECRET_KEY"] = secrets.token_urlsafe()
    settings = Settings(ENV_FOR_DYNACONF=environment, **values)
    _check_together(settings)
    return settings


def _check_names(given: dict[str, Given]) -> None:
    if missing := [name for name in NAMES if name not in given]:
        raise UserError(f"settings.toml [default] lacks {missing[0]}; put it back")
    if unknown := [name for name in given if name not in NAMES]:
        raise UserError(
            f"{unknown[0]} ({given[unknown[0]].source}) is no setting; correct the "
            "name or declare it in my_app/settings.py"
        )


def _converted(name: str, given: Given) -> object:
    """The value as the setting's type; text is read as operators write it."""
    hint = TYPES[name]
    value = given.value
    if isinstance(value, str):
        if get_origin(_bare(hint)) is tuple:
            value = [word.strip() for word in value.split(",") if word.strip()]
        elif get_origin(hint) is Literal:
            value = value.upper() if name == "LOG_LEVEL" else value.lower()
        elif _bare(hint) is bool:
            value = value.lower()
    try:
        return msgspec.convert(value, hint, strict=False)
    except msgspec.ValidationError as error:
        shown = "" if is_secret(name) else f" = {given.value!r}"
        raise UserError(
            f"{name}{shown} ({given.source}) is not valid: "
            f"{str(error).replace('`', '').lower()}; correct it, or remove it to have "
            "the default"
        ) from None


def _bare(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _check_together(settings: Settings) -> None:
    """Raise UserError for what no single setting can tell."""
    section = f"[{settings.ENV_FOR_DYNACONF}]"
    if settings.production and not settings.SECRET_KEY:
        raise UserError(
            f"SECRET_KEY is not set, and {section} needs it: set the environment "
            "variable SECRET_KEY or SECRET_KEY_FILE to 32 random characters or more"
        )
    if settings.production and settings.embedded:
        raise UserError(
            f"no database is set, and {section} needs one: set DATABASE_URL, or "
            "DB_HOST, DB_USERNAME, DB_PASSWORD and DATABASE_NAME"
        )
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        if len(key) < 32:
            raise UserError(
                "SECRET_KEY and SECRET_KEY_FALLBACKS must have 32 characters or more; "
                "python3 -c 'import secrets; print(secrets.token_urlsafe())' makes one"
            )
    if settings.MAX_AMOUNT * settings.BATCH_LIMIT > LARGEST_VALUE:
        raise UserError(
            f"MAX_AMOUNT times BATCH_LIMIT passes {LARGEST_VALUE}; lower one of them"
        )
    for name in ("DATABASE_URL", "REPLICA_URL"):
        if url := getattr(settings, name):
            database_url.parse(url, name)
