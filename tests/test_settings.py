import os
import subprocess
import sys
from pathlib import Path

import pytest

from my_app import UserError, settings
from my_app.application import create_app

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


def test_the_file_is_the_default() -> None:
    loaded = settings.load()
    assert (loaded.PORT, loaded.HOST, loaded.WORKERS) == (5001, "127.0.0.1", 1)
    assert (loaded.DB_HOST, loaded.DB_USERNAME) == ("embedded", "app_user")
    assert loaded.ENV_FOR_DYNACONF == "testing"


def test_environment_ranks_above_file_and_arguments_above_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PORT", "6000")
    assert settings.load().PORT == 6000
    assert settings.load(PORT=7000).PORT == 7000


def test_a_section_overrides_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENV_FOR_DYNACONF", "DoCkEr")
    loaded = settings.load()
    assert (loaded.ENV_FOR_DYNACONF, loaded.DB_HOST) == ("docker", "db")
    assert loaded.DATABASE_NAME == "app"


def test_development_is_what_runs_without_a_choice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("ENV_FOR_DYNACONF")
    assert settings.load().ENV_FOR_DYNACONF == "development"


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "")
    monkeypatch.setenv("DB_HOST", "")
    assert (settings.load().PORT, settings.load().DB_HOST) == (5001, "embedded")


@pytest.mark.parametrize(
    ("word", "meant"), [("true", True), ("TRUE", True), ("0", False), ("1", True)]
)
def test_booleans_are_read_as_operators_write_them(
    monkeypatch: pytest.MonkeyPatch, word: str, meant: bool
) -> None:
    monkeypatch.setenv("DB_POOLER", word)
    assert settings.load().DB_POOLER is meant


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTER_NAMES", "a, b,,c ")
    assert settings.load().COUNTER_NAMES == ("a", "b", "c")
    assert settings.load(COUNTER_NAMES=["x"]).COUNTER_NAMES == ("x",)


@pytest.mark.parametrize("password", PASSWORDS)
def test_a_password_arrives_as_it_was_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, password: str
) -> None:
    monkeypatch.setenv("DB_PASSWORD", password)
    assert password == settings.load().DB_PASSWORD
    monkeypatch.delenv("DB_PASSWORD")
    (tmp_path / "secret").write_text(password + "\n", "utf-8")
    monkeypatch.setenv("DB_PASSWORD_FILE", str(tmp_path / "secret"))
    assert password == settings.load().DB_PASSWORD


def test_each_load_makes_its_own_key() -> None:
    first, second = settings.load().SECRET_KEY, settings.load().SECRET_KEY
    assert first != second
    assert len(first) >= 32


def test_a_database_part_given_as_argument_wins_over_the_url(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://there/app")
    assert settings.load().database_host == "there"
    assert settings.load(DB_HOST="here").database_host == "here"
    both = settings.load(DB_HOST="here", DATABASE_URL="postgresql://url/app")
    assert both.database_host == "url"


def test_the_databases_name_is_known_however_it_was_given() -> None:
    url = "postgresql://there/theirs"
    assert settings.load(DATABASE_URL=url).database_name == "theirs"
    assert settings.load(DATABASE_NAME="mine").database_name == "mine"


def test_secrets_do_not_show() -> None:
    secret = "s3cret-" * 6
    url = f"postgresql://u:{secret}@h/d"
    loaded = settings.load(
        SECRET_KEY=secret,
        SECRET_KEY_FALLBACKS=[secret],
        DB_PASSWORD=secret,
        DATABASE_URL=url,
        REPLICA_URL=url,
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
        settings.load()
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
        ("MAX_AMOUNT", "0"),
        ("BATCH_LIMIT", "0"),
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
        settings.load(PORT="x")
    with pytest.raises(UserError, match=r"COUNTER_NAMES = 5 \(argument\)"):
        settings.load(COUNTER_NAMES=5)
    with pytest.raises(UserError, match=r"PROT \(argument\) is no setting"):
        settings.load(PROT=1)


def test_a_wrong_secret_is_refused_without_showing_it() -> None:
    with pytest.raises(UserError) as raised:
        settings.load(DB_PASSWORD=123456)
    assert "123456" not in str(raised.value)
    assert "DB_PASSWORD" in str(raised.value)


def test_an_unknown_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    message = refused(monkeypatch, ENV_FOR_DYNACONF="stagign")
    assert "ENV_FOR_DYNACONF=stagign" in message
    assert "development, docker, production, testing" in message


def test_a_short_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "SECRET_KEY" in refused(monkeypatch, SECRET_KEY="short")
    monkeypatch.setenv("SECRET_KEY", LONG_KEY)
    assert "FALLBACKS" in refused(monkeypatch, SECRET_KEY_FALLBACKS="short")


def test_amounts_that_could_overflow_in_one_commit_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    message = refused(monkeypatch, MAX_AMOUNT=str(2**63 - 1))
    assert "MAX_AMOUNT times BATCH_LIMIT" in message


def test_production_needs_a_key_and_a_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "SECRET_KEY" in refused(monkeypatch, ENV_FOR_DYNACONF="production")
    monkeypatch.setenv("SECRET_KEY", LONG_KEY)
    message = refused(monkeypatch)
    assert "DATABASE_URL" in message
    assert "[production]" in message
    monkeypatch.setenv("DB_HOST", "db.example")
    assert settings.load().production


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
    assert told.stderr == "manage.py: settings.toml [default] lacks PORT; put it back\n"


def test_create_app_refuses_what_load_refuses() -> None:
    with pytest.raises(UserError, match="PORT"):
        create_app(PORT=99999)


def test_create_app_configures_quart() -> None:
    app = create_app(SECRET_KEY=LONG_KEY, SECRET_KEY_FALLBACKS=["f" * 32])
    assert app.config["SECRET_KEY"] == LONG_KEY
    assert app.config["SECRET_KEY_FALLBACKS"] == ["f" * 32]
    assert "SECRET_KEY" not in os.environ
