from pathlib import Path

import pytest

from quart_chassis.errors import UserError
from quart_chassis.settings.database_url import parse


def test_every_character_of_a_password_survives() -> None:
    url = parse("postgres://us%40er:p#w?%25:%2F+ä@host/db", "X")
    assert url.dsns == ("postgresql://us%40er:p%23w%3F%25%3A%2F%2B%C3%A4@host/db",)
    assert url.password == "p#w?%:/+ä"
    assert url.dsn_without_password == "postgresql://us%40er@host/db"
    assert "p#w" not in repr(url)


@pytest.mark.parametrize(
    ("line", "hosts"),
    [
        ("postgresql://h1:5432,h2:5433/db", "h1:5432,h2:5433"),
        ("postgres://[::1]:5432/db", "[::1]:5432"),
        ("postgresql://%2Frun%2Fpg/db", "/run/pg"),
        ("postgresql:///db?host=/run/pg", "/run/pg"),
        ("postgresql:///db", ""),
    ],
)
def test_hosts_are_told_to_people(line: str, hosts: str) -> None:
    assert parse(line, "X").hosts == hosts


def test_parameters_psql_knows_reach_asyncpg_with_plus_signs_kept() -> None:
    url = parse(
        "postgresql://h/db?target_session_attrs=read-write&sslmode=verify-full"
        "&application_name=a+b&channel_binding=prefer&connect_timeout=3",
        "X",
    )
    assert url.dsns == (
        "postgresql://h/db?target_session_attrs=read-write&sslmode=verify-full"
        "&application_name=a%2Bb",
    )
    assert url.connect_timeout_seconds == 3


def test_the_systems_certificates_are_used_where_they_are_asked_for() -> None:
    url = parse("postgresql://h/db?sslrootcert=system", "X")
    (arguments,) = url.asyncpg_arguments()
    assert arguments["dsn"] == "postgresql://h/db"
    assert "ssl" in arguments
    with pytest.raises(UserError, match="sslmode=verify-full"):
        parse("postgresql://h/db?sslrootcert=system&sslmode=require", "X")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("h/db", "must begin with postgresql://"),
        ("host=h dbname='a", "a value with spaces needs quotes"),
        ("postgresql://h/db?hostaddr=1.2.3.4", "hostaddr cannot be had; write the"),
        ("postgresql://h/db?require_auth=none", "require_auth cannot be had"),
        ("postgresql://h/db?gssencmode=require", "gssencmode must be one of"),
        ("postgresql://h/db?ssl=false", "ssl must be one of"),
        ("mysql://h/db", "must begin with postgresql://"),
        ("postgresql+asyncpg://h/db", "must begin with postgresql://"),
        ("postgresql://h/db?foo=1", "unknown parameter 'foo'"),
        ("postgresql://h/db?sslmode=maybe", "sslmode must be one of"),
        ("postgresql://h/db?channel_binding=require", "channel_binding must be one"),
        ("postgresql://h/db?target_session_attrs=x", "target_session_attrs must be"),
        ("postgresql://h/db?sslmode=", "sslmode has no value"),
        ("postgresql://h/db?connect_timeout=soon", "connect_timeout must be"),
        ("postgresql://h:99999/db", "a port, which must be"),
        ("postgresql://h:x/db", "a port, which must be"),
        ("postgresql://u:50%@h/db", "write %25"),
        ("postgresql://[::1/db", "a host is a name"),
        ("postgresql://h/db?port=abc", "port must be a number"),
        ("postgresql://u:s3@cret@h/db", "write %40"),
        ("postgresql://u:12/s3cret@h/db", "%2F for /"),
        ("postgresql://h/db?s3cret@x=1", "an unknown parameter; in a password write"),
        ("postgresql://u:p/x?s3cret&y@h/db", "an unknown parameter; in a password"),
        ("postgresql://u@h/db?password=p&s3cret=1", "an unknown parameter; in a"),
        ("host=h password=p s3cret=1", "an unknown parameter; .* and in words quote"),
        ("postgresql://u:p%00s3cret@h/db", "takes no %00"),
        ("postgresql://u:p%ffs3cret@h/db", "must be UTF-8"),
        (f"postgresql://h:{'1' * 5000}/db", "a port, which must be"),
        ("postgresql://h/db?connect_timeout=" + "1" * 5000, "connect_timeout must be"),
        ("postgresql://h/db?keepalives=x", "keepalives must be one of"),
        ("postgresql://h/db?tcp_user_timeout=x", "tcp_user_timeout must be a number"),
        ("postgresql://h,/db", "a host of the list is empty"),
        ("postgresql://,/db", "a host of the list is empty"),
        ("postgresql://h,:5433/db", "a host of the list is empty"),
        ("host=,127.0.0.1", "a host of the list is empty"),
        ("postgresql:///db?host=a,b,c&port=1,2", "port must be one for all hosts"),
        ("postgresql://h/db?port=1,", "port must be one for all hosts"),
        ("postgresql://h/db?sslrootcert=/none", "sslrootcert cannot be read: No such"),
        ("postgresql://h/db?sslcert=/none", "sslcert cannot be read: No such"),
        ("postgresql://h/db?sslcert=a%0Ab", "sslcert cannot be read: No such"),
        ("postgresql://h/db?ssl_min_protocol_version=TLSv9", "must be one of TLSv1"),
        ("postgresql://h/db?gsslib=foo", "gsslib must be one of"),
        ("postgresql://h/db?sslnegotiation=direct", "needs sslmode=require"),
    ],
)
def test_what_is_not_understood_is_named(line: str, told: str) -> None:
    with pytest.raises(UserError, match=told) as raised:
        parse(line, "DATABASE_URL")
    assert str(raised.value).startswith("DATABASE_URL")
    assert "cret" not in str(raised.value)


def test_a_password_among_the_parameters_stays_out_of_sight() -> None:
    url = parse("postgresql://u@h/db?password=p%26w&sslrootcert=system", "X")
    assert url.password == "p&w"
    assert url.dsns == ("postgresql://u:p%26w@h/db",)
    # Psql checks the certificate as asyncpg does.
    assert url.dsn_without_password == (
        "postgresql://u@h/db?sslrootcert=system&sslmode=verify-full"
    )


def test_no_secret_is_in_what_psql_is_started_with() -> None:
    url = parse("postgresql://u:p@h/db?sslpassword=geheim&application_name=a", "X")
    assert "geheim" in url.dsns[0]
    assert url.dsn_without_password == "postgresql://u@h/db?application_name=a"


def test_a_service_is_one_that_psql_finds_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    services = tmp_path / "services"
    services.write_text("[theirs]\nhost=h\n")
    monkeypatch.setenv("PGSERVICEFILE", str(services))
    assert parse("postgresql:///db?service=theirs", "X").hosts == ""
    with pytest.raises(UserError, match="its service is not in"):
        parse("postgresql:///db?service=none", "X")
    services.write_text("host=h\n")
    with pytest.raises(UserError, match="is no file of services"):
        parse("postgresql:///other?service=theirs", "X")


def test_a_stricter_sslmode_is_kept() -> None:
    url = parse("postgresql://h/db?sslmode=verify-full&ssl=true", "X")
    assert url.dsns == ("postgresql://h/db?sslmode=verify-full",)
