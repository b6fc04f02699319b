import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from small_app.notes_app import Settings as NotesSettings

from quart_chassis import settings
from quart_chassis.errors import UserError
from quart_chassis.features import load_settings
from quart_chassis.project import Project
from quart_chassis.settings import Secret, Settings
from tests.quart_chassis.small_project import SMALL

LONG_KEY = "k" * 32
PASSWORDS = [
    "%@/:#?&=+ ",
    "'single' \"double\" `back`",
    "pässwörd-密码",
    "0123456789",
    "1e5",
    "true",
    "2024-01-01",
    "@format {env[HOME]}",
    "@int x",
    " spaces around ",
    "$HOME \\n {}",
]


def load(**overrides: object) -> Settings:
    return load_settings(Project.at(SMALL), **overrides)


def load_notes(**overrides: object) -> NotesSettings:
    """The settings of the feature notes_app."""
    owners = {"notes_app": NotesSettings}
    loaded = settings.load(Project.at(SMALL), owners, **overrides)
    found: NotesSettings = loaded[NotesSettings]
    return found


def test_the_file_is_the_default() -> None:
    loaded = load()
    assert (loaded.PORT, loaded.HOST, loaded.WORKERS) == (5001, "127.0.0.1", 1)
    assert (loaded.DB_HOST, loaded.DB_USERNAME) == ("embedded", "app_user")
    assert loaded.ENV_FOR_DYNACONF == "testing"


def test_environment_ranks_above_file_and_arguments_above_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PORT", "6000")
    assert load().PORT == 6000
    assert load(PORT=7000).PORT == 7000


def test_a_section_overrides_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENV_FOR_DYNACONF", "DoCkEr")
    loaded = load()
    assert (loaded.ENV_FOR_DYNACONF, loaded.DB_HOST) == ("docker", "db")
    assert loaded.DATABASE_NAME == "app"


def test_development_is_what_runs_without_a_choice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("ENV_FOR_DYNACONF")
    assert load().ENV_FOR_DYNACONF == "development"


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "")
    monkeypatch.setenv("DB_HOST", "")
    assert (load().PORT, load().DB_HOST) == (5001, "embedded")


@pytest.mark.parametrize(
    ("word", "meant"), [("true", True), ("TRUE", True), ("0", False), ("1", True)]
)
def test_booleans_are_read_as_operators_write_them(
    monkeypatch: pytest.MonkeyPatch, word: str, meant: bool
) -> None:
    monkeypatch.setenv("DB_POOLER", word)
    assert load().DB_POOLER is meant


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUSTED_HOSTS", "a, [::1],,c ")
    assert load().TRUSTED_HOSTS == ("a", "[::1]", "c")
    assert load(TRUSTED_HOSTS=["x"]).TRUSTED_HOSTS == ("x",)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('["a", "b"]', ("a", "b")),
        ("[]", ()),
        ("[::1]", ("[::1]",)),
        ("[::1], a", ("[::1]", "a")),
    ],
)
def test_lists_may_be_written_as_in_the_file(
    monkeypatch: pytest.MonkeyPatch, written: str, read: tuple[str, ...]
) -> None:
    monkeypatch.setenv("TRUSTED_HOSTS", written)
    assert read == load().TRUSTED_HOSTS


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("CORS_ORIGINS", "https://a.example/", "browsers send https://a.example"),
        ("CORS_ORIGINS", "https://A.example", "browsers send https://a.example"),
        ("CORS_ORIGINS", "https://a.example:443", "browsers send https://a.example"),
        ("CORS_ORIGINS", "https://a.example/x", "browsers send https://a.example"),
        ("CORS_ORIGINS", "a.example", "an origin is such as https://example.org"),
        ("CORS_ORIGINS", "null", "an origin is such as https://example.org"),
        ("CORS_ORIGINS", "https://*.example", "an origin is such as"),
        ("CORS_ORIGINS", "https://a:x", "an origin is such as"),
        ("CORS_ORIGINS", "https://bücher.example", "https://xn--bcher-kva.example"),
        ("CORS_ORIGINS", "['https://a.example']", "an origin is such as"),
        ("CORS_ORIGINS", "https://a b", "an origin is such as"),
        ("CORS_ORIGINS", "https://a..example", "an origin is such as"),
        ("CORS_ORIGINS", "https://%61.example", "an origin is such as"),
        ("CORS_ORIGINS", "http://[0:0::1]", "browsers send http://[::1]"),
        ("CORS_ORIGINS", "http://0x7f.1", "such an address as 127.0.0.1"),
        ("CORS_ORIGINS", "http://2130706433", "such an address as 127.0.0.1"),
        ("TRUSTED_HOSTS", "https://a.example", "leave out the scheme and the path"),
        ("TRUSTED_HOSTS", "a.example/", "leave out the scheme and the path"),
        ("TRUSTED_HOSTS", "a.*.example", "* may stand alone, or in front"),
        ("TRUSTED_HOSTS", "*example", "* may stand alone, or in front"),
        ("TRUSTED_HOSTS", "::1", "write [::1]"),
        ("TRUSTED_HOSTS", "a b", "it is no host"),
        ("TRUSTED_HOSTS", "a:99999", "it is no host"),
        ("TRUSTED_HOSTS", '["a"', "it is no host"),
        ("TRUSTED_HOSTS", "[" * 3000, "it is no host"),
        ("FORWARDED_ALLOW_IPS", "localhost", "addresses are compared"),
        ("FORWARDED_ALLOW_IPS", "10.1.2.3/8", "the network is 10.0.0.0/8"),
        ("FORWARDED_ALLOW_IPS", "10.0.0.0/33", "addresses are compared"),
        ("FORWARDED_ALLOW_IPS", "[::1]", "addresses are compared"),
    ],
)
def test_an_item_that_could_never_match_is_refused_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UserError) as caught:
        load()
    assert str(caught.value).startswith(f"{name} has ")
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "http://localhost:3000,https://[::1]:8443"),
        ("TRUSTED_HOSTS", "*"),
        (
            "TRUSTED_HOSTS",
            "*.example.org,.example.com,a_b:8000,[::1]:80,1.2.3.4,Bücher.de",
        ),
        ("FORWARDED_ALLOW_IPS", "*"),
        ("FORWARDED_ALLOW_IPS", "127.0.0.1,10.0.0.0/8,::1,fd00::/8"),
    ],
)
def test_what_can_match_is_taken(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert getattr(load(), name) == tuple(value.split(","))


def test_a_short_token_is_for_development_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert load(ENV_FOR_DYNACONF="development", ADMIN_TOKEN="x").ADMIN_TOKEN == "x"
    with pytest.raises(UserError, match="ADMIN_TOKEN must have 16 characters"):
        load(ADMIN_TOKEN="t" * 15)
    assert load(ADMIN_TOKEN="t" * 16).ADMIN_TOKEN == "t" * 16


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SETTINGS_FILE_FOR_DYNACONF", "other.toml"),
        ("LOADERS_FOR_DYNACONF", '["dynaconf.loaders.env_loader"]'),
        ("CORE_LOADERS_FOR_DYNACONF", "[]"),
        ("ENVIRONMENTS_FOR_DYNACONF", "false"),
        ("FORCE_ENV_FOR_DYNACONF", "production"),
        ("ENVVAR_PREFIX_FOR_DYNACONF", "false"),
        ("INCLUDES_FOR_DYNACONF", '["other.toml"]'),
        ("PRELOAD_FOR_DYNACONF", '["other.toml"]'),
        ("ROOT_PATH_FOR_DYNACONF", "/nowhere"),
        ("ENCODING_FOR_DYNACONF", "utf-16"),
    ],
)
def test_dynaconfs_own_variables_change_nothing(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    monkeypatch.setenv("SECRET_KEY", LONG_KEY)
    loaded = load()
    monkeypatch.delenv(name)
    assert loaded == load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_HOST", "postgresql://u:s3cret@h/app"),
        ("DB_HOST", "u:s3cret@h"),
        ("DB_HOST", "a,s3cret"),
        ("DB_HOST", "s3cret:5432"),
        ("DB_HOST", "[::1]"),
        ("DATABASE_NAME", "é" * 32),
        ("SECRET_KEY", " " * 40),
        *(
            (name, "s3cret\udcff")
            for name in ("PORT", "METRICS", "LOG_LEVEL", "DB_USERNAME", "DATABASE_NAME")
        ),
        *((name, "s3cret\udcff") for name in ("DB_PASSWORD", "DATABASE_URL", "HOST")),
    ],
)
def test_what_a_setting_cannot_be_is_told_without_showing_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=f"^{name}.* must ") as raised:
        load()
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    "host", ["db", "db_1.internal", "10.0.0.1", "::1", "/run/postgresql"]
)
def test_a_database_may_be_on_each_kind_of_host(host: str) -> None:
    assert load(DB_HOST=host).database_host == host


@pytest.fixture
def copied(tmp_path: Path) -> Project:
    """A project with the small application's settings."""
    for name in ("pyproject.toml", "settings.toml"):
        shutil.copy(SMALL / name, tmp_path)
    return Project.at(tmp_path)


def test_a_mark_in_front_of_a_file_is_no_part_of_it(
    copied: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = copied.root / "settings.toml"
    text = path.read_text("utf-8")
    path.write_text(text, "utf-8-sig")
    secret = copied.root / "secret"
    secret.write_text("pässword\n", "utf-8-sig")
    monkeypatch.setenv("DB_PASSWORD_FILE", str(secret))
    loaded = load_copied(copied)
    assert (loaded.PORT, loaded.DB_PASSWORD) == (5001, "pässword")


def test_a_developers_file_ranks_below_the_environment(
    copied: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [
        "# Compose reads this, too.",
        "COMPOSE_PROJECT_NAME=x",
        "export PORT=6000",
        "DB_USERNAME='with spaces # and signs'",
        'LOG_LEVEL="debug"  # a comment',
        "DB_PASSWORD=$HOME-@format {env[HOME]}",
        "WORKERS=",
    ]
    (copied.root / ".env").write_text("\n".join(lines), "utf-8-sig")
    monkeypatch.setenv("ENV_FOR_DYNACONF", "development")
    monkeypatch.setenv("PORT", "7000")
    read = load_copied(copied)
    assert (read.PORT, read.WORKERS, read.LOG_LEVEL) == (7000, 1, "DEBUG")
    assert read.DB_USERNAME == "with spaces # and signs"
    assert read.DB_PASSWORD == "$HOME-@format {env[HOME]}"
    monkeypatch.delenv("PORT")
    assert load_copied(copied).PORT == 6000
    monkeypatch.setenv("ENV_FOR_DYNACONF", "testing")
    assert load_copied(copied).PORT == 5001


def test_a_wrong_value_in_a_developers_file_is_told_with_its_place(
    copied: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENV_FOR_DYNACONF", "development")
    (copied.root / ".env").write_text("PORT=x")
    with pytest.raises(UserError, match=r"PORT = 'x' \(\.env\) is not valid"):
        load_copied(copied)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("PORT=1\n\nDB_PASSWORD='s3cret", "line 3 cannot be read"),
        ('DB_PASSWORD="s3cret"x"', "line 1 cannot be read"),
        ("ENV_FOR_DYNACONF=production", "ENV_FOR_DYNACONF counts for nothing"),
        ("DB_PASSWORD=s3cret\nDB_PASSWORD_FILE=x", "are both set"),
        ("DB_PASSWORD_FILE=/none", "DB_PASSWORD_FILE=/none cannot be read"),
    ],
)
def test_what_nobody_can_read_in_a_developers_file_is_told(
    copied: Project, monkeypatch: pytest.MonkeyPatch, text: str, told: str
) -> None:
    monkeypatch.setenv("ENV_FOR_DYNACONF", "development")
    (copied.root / ".env").write_text(text)
    with pytest.raises(UserError, match=told) as raised:
        load_copied(copied)
    assert "s3cret" not in str(raised.value)


def test_a_developers_file_may_name_files_of_secrets(
    copied: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENV_FOR_DYNACONF", "development")
    secret = copied.root / "secret"
    secret.write_text("s3cret\n")
    (copied.root / ".env").write_text(f"DB_PASSWORD_FILE={secret}")
    assert load_copied(copied).DB_PASSWORD == "s3cret"
    monkeypatch.setenv("DB_PASSWORD", "mine")
    assert load_copied(copied).DB_PASSWORD == "mine"
    secret.write_text("\n")
    monkeypatch.delenv("DB_PASSWORD")
    with pytest.raises(UserError, match="is empty; write the value into it"):
        load_copied(copied)


def test_a_developers_file_that_is_none_is_told(
    copied: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENV_FOR_DYNACONF", "development")
    path = copied.root / ".env"
    path.mkdir()
    with pytest.raises(UserError, match=r"\.env cannot be read"):
        load_copied(copied)
    path.rmdir()
    for target in ("nowhere", ".env"):
        path.symlink_to(target)
        with pytest.raises(UserError, match=r"\.env cannot be read"):
            load_copied(copied)
        path.unlink()
    load_copied(copied)


def load_copied(project: Project) -> Settings:
    loaded = settings.load(project, {"notes_app": NotesSettings})
    found: Settings = loaded[Settings]
    return found


@pytest.mark.parametrize("password", PASSWORDS)
def test_a_password_arrives_as_it_was_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, password: str
) -> None:
    monkeypatch.setenv("DB_PASSWORD", password)
    assert password == load().DB_PASSWORD
    monkeypatch.delenv("DB_PASSWORD")
    (tmp_path / "secret").write_text(password + "\n", "utf-8")
    monkeypatch.setenv("DB_PASSWORD_FILE", str(tmp_path / "secret"))
    assert password == load().DB_PASSWORD


def test_each_load_makes_its_own_key() -> None:
    first, second = load().SECRET_KEY, load().SECRET_KEY
    assert first != second
    assert len(first) >= 32


def test_a_database_part_given_as_argument_wins_over_the_url(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://there/app")
    assert load().database_host == "there"
    assert load(DB_HOST="here").database_host == "here"
    both = load(DB_HOST="here", DATABASE_URL="postgresql://url/app")
    assert both.database_host == "url"


def test_the_databases_name_is_known_however_it_was_given() -> None:
    url = "postgresql://there/theirs"
    assert load(DATABASE_URL=url).database_name == "theirs"
    assert load(DATABASE_NAME="mine").database_name == "mine"


def test_secrets_do_not_show() -> None:
    secret = "s3cret-" * 6
    url = f"postgresql://u:{secret}@h/d"
    loaded = load(
        SECRET_KEY=secret,
        SECRET_KEY_FALLBACKS=[secret],
        DB_PASSWORD=secret,
        DATABASE_URL=url,
        ADMIN_TOKEN=secret,
    )
    for text in (repr(loaded), str(loaded), f"{loaded}"):
        assert "s3cret" not in text
        assert "PORT=5001" in text
    assert secret == loaded.DB_PASSWORD


def refused(monkeypatch: pytest.MonkeyPatch, **environment: str) -> str:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError) as raised:
        load()
    message = str(raised.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PORT", "http"),
        ("PORT", "1.5"),
        ("DB_PORT", "0"),
        ("WORKERS", "0"),
        ("DB_POOL_SIZE", "0"),
        ("DB_POOLER", "perhaps"),
        ("LOG_LEVEL", "LOUD"),
        ("LOG_FORMAT", "xml"),
        ("WAIT_SECONDS", "0.5"),
        ("WAIT_SECONDS", "7"),
        ("WAIT_SECONDS", "nan"),
        ("LONGEST_NOTE", "0"),
    ],
)
def test_a_wrong_value_is_refused_by_name_value_and_place(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    message = refused(monkeypatch, **{name: value})
    assert message.startswith(f"{name} = {value!r} (environment variable)")
    assert "correct it" in message


def test_a_wrong_argument_is_refused() -> None:
    with pytest.raises(UserError, match=r"PORT = 'x' \(argument\)"):
        load(PORT="x")
    with pytest.raises(UserError, match=r"CORS_ORIGINS = 5 \(argument\)"):
        load(CORS_ORIGINS=5)
    with pytest.raises(UserError, match=r"PROT \(argument\) is no setting"):
        load(PROT=1)


def test_a_wrong_secret_is_refused_without_showing_it() -> None:
    with pytest.raises(UserError) as raised:
        load(DB_PASSWORD=123456)
    assert "123456" not in str(raised.value)
    assert "DB_PASSWORD" in str(raised.value)


def test_an_unknown_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    message = refused(monkeypatch, ENV_FOR_DYNACONF="stagign")
    assert "ENV_FOR_DYNACONF='stagign'" in message
    assert "development, docker, production, testing" in message


def test_a_short_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "SECRET_KEY" in refused(monkeypatch, SECRET_KEY="short")
    monkeypatch.setenv("SECRET_KEY", LONG_KEY)
    assert "FALLBACKS" in refused(monkeypatch, SECRET_KEY_FALLBACKS="short")


def test_production_needs_a_key_and_a_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "SECRET_KEY" in refused(monkeypatch, ENV_FOR_DYNACONF="production")
    monkeypatch.setenv("SECRET_KEY", LONG_KEY)
    message = refused(monkeypatch)
    assert "DATABASE_URL" in message
    assert "[production]" in message
    monkeypatch.setenv("DB_HOST", "db.example")
    assert load().production


def test_a_value_and_its_file_exclude_each_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "absent"))
    assert "SECRET_KEY_FILE" in refused(monkeypatch)
    message = refused(monkeypatch, SECRET_KEY=LONG_KEY)
    assert "SECRET_KEY and SECRET_KEY_FILE are both set" in message


def test_a_url_nobody_understands_is_refused_at_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    message = refused(monkeypatch, DATABASE_URL="postgresql://u:p4ss@h/d?pool=9")
    assert "DATABASE_URL has the unknown parameter 'pool'" in message
    assert "p4ss" not in message


def test_a_url_of_standbys_is_checked_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    message = refused(monkeypatch, REPLICA_URL="postgresql://u:p4ss@h/d?pool=9")
    assert "REPLICA_URL has the unknown parameter 'pool'" in message
    assert "p4ss" not in repr(load(REPLICA_URL="postgresql://u:p4ss@h/d"))


def test_a_setting_without_a_default_is_missed(checkout: Path) -> None:
    file = checkout / "settings.toml"
    file.write_text(file.read_text().replace("\nPORT = 5001\n", "\n"))
    told = subprocess.run(
        [sys.executable, "manage.py", "migrate"],
        cwd=checkout,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert told.stderr == (
        "manage.py: settings.toml [default] lacks PORT; add it there, with its "
        "default and a comment above it\n"
    )


def test_create_app_refuses_what_load_refuses(project: Project) -> None:
    with pytest.raises(UserError, match="PORT"):
        project.create_app(PORT=99999)


def test_create_app_configures_quart(project: Project) -> None:
    app = project.create_app(SECRET_KEY=LONG_KEY, SECRET_KEY_FALLBACKS=["f" * 32])
    assert app.config["SECRET_KEY"] == LONG_KEY
    assert app.config["SECRET_KEY_FALLBACKS"] == ["f" * 32]
    assert "SECRET_KEY" not in os.environ


@dataclass(frozen=True, kw_only=True)
class OtherSettings:
    LONGEST_NOTE: int


@dataclass(frozen=True, kw_only=True)
class SettingsLikeOurs:
    PORT: int


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (OtherSettings, "notes_app and other_app both have the setting LONGEST_NOTE"),
        (SettingsLikeOurs, "quart_chassis and other_app both have the setting PORT"),
    ],
)
def test_two_who_declare_one_setting_are_both_named(
    project: Project, other: type, told: str
) -> None:
    owners = {"notes_app": NotesSettings, "other_app": other}
    with pytest.raises(UserError) as raised:
        settings.load(project, owners)
    assert str(raised.value).startswith(f"{told}; rename ")
    assert "\n" not in str(raised.value)


def test_a_features_settings_come_with_the_chassis(project: Project) -> None:
    app = project.create_app(LONGEST_NOTE=7)
    assert app.settings(NotesSettings).LONGEST_NOTE == 7
    assert app.settings(Settings).PORT == 5001
    with pytest.raises(UserError, match=r"LONGEST_NOTE = 0 \(argument\)"):
        project.create_app(LONGEST_NOTE=0)


def test_a_setting_that_nobody_declares_is_refused(project: Project) -> None:
    with pytest.raises(UserError, match=r"LONGEST_NOTE \(settings\.toml \[default\]\)"):
        settings.load(project)


def test_a_features_secret_does_not_show() -> None:
    loaded = load_notes(NOTES_KEY="s3cret")
    assert loaded.NOTES_KEY == "s3cret"
    for text in (repr(loaded), str(loaded), f"{loaded}"):
        assert "s3cret" not in text
        assert "LONGEST_NOTE=200" in text
    with pytest.raises(UserError) as raised:
        load_notes(NOTES_KEY=123456)
    assert str(raised.value).startswith("NOTES_KEY (argument) is not valid")
    assert "123456" not in str(raised.value)


def test_a_features_secret_may_come_from_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    monkeypatch.setenv("NOTES_KEY_FILE", str(tmp_path / "secret"))
    assert load_notes().NOTES_KEY == "s3cret"
    monkeypatch.setenv("NOTES_KEY", "another")
    with pytest.raises(UserError, match="NOTES_KEY and NOTES_KEY_FILE are both set"):
        load_notes()


def test_settings_that_are_no_dataclass_are_refused_by_name(project: Project) -> None:
    class PlainSettings:
        LONGEST_NOTE: int

    with pytest.raises(UserError, match=r"^notes_app\.Settings is no dataclass; write"):
        settings.load(project, {"notes_app": PlainSettings})


@dataclass(frozen=True, kw_only=True)
class HiddenNowhere:
    NOTES_KEY: Secret | None
    LONGEST_NOTE: int


def test_a_secret_that_nothing_would_hide_is_refused(project: Project) -> None:
    with pytest.raises(UserError, match=r"other\.Settings\.NOTES_KEY must be a Secret"):
        settings.load(project, {"other": HiddenNowhere})
