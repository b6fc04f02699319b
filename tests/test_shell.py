import pytest

from my_app import UserError, settings, shell


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://localhost/app",
        "postgresql://127.0.0.1:5433/app",
        "postgresql://[::1]:5433/app",
        "postgresql:///app?host=/run/postgresql",
    ],
)
def test_a_database_on_this_machine_may_be_emptied(url: str) -> None:
    development = settings.load(ENV_FOR_DYNACONF="development", DATABASE_URL=url)
    shell.refuse_unless_development(development)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://db.example/app",
        "postgresql://10.0.0.1/app",
        "postgresql://localhost,db.example/app",
        "postgresql:///app",
        "postgresql:///app?service=theirs",
    ],
)
def test_a_database_elsewhere_may_not(url: str) -> None:
    development = settings.load(ENV_FOR_DYNACONF="development", DATABASE_URL=url)
    with pytest.raises(UserError, match="on this machine only"):
        shell.refuse_unless_development(development)


def test_what_has_no_name_is_not_emptied() -> None:
    url = "postgresql://localhost"
    development = settings.load(ENV_FOR_DYNACONF="development", DATABASE_URL=url)
    with pytest.raises(UserError, match="must know what it empties"):
        shell.refuse_unless_development(development)


def test_without_psql_it_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match="install PostgreSQL's client"):
        shell.run_psql(settings.load(DB_HOST="db.example"))
