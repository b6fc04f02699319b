"""Where the server listens, and what it says of it."""

import socket

import pytest

from quart_chassis.errors import UserError
from quart_chassis.serve import listening


def has_ipv6() -> bool:
    """Whether this machine has an address of IPv6; a container may have none."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


HAS_IPV6 = has_ipv6()
IPV6_ONLY = pytest.mark.skipif(not HAS_IPV6, reason="no IPv6 here")


def reaches(listener: socket.socket, family: socket.AddressFamily, host: str) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as caller:
        try:
            caller.connect((host, listener.getsockname()[1]))
        except OSError:
            return False
        return True


@pytest.mark.parametrize(
    ("host", "ipv4", "ipv6", "url"),
    [
        ("127.0.0.1", True, False, "http://127.0.0.1:"),
        ("0.0.0.0", True, False, "http://127.0.0.1:"),
        ("::", True, True, "http://127.0.0.1:"),
        ("[::]", True, True, "http://127.0.0.1:"),
        pytest.param("::1", False, True, "http://[::1]:", marks=IPV6_ONLY),
        pytest.param("[::1]", False, True, "http://[::1]:", marks=IPV6_ONLY),
    ],
)
def test_a_host_is_reached_by_its_kind_of_address(
    host: str, ipv4: bool, ipv6: bool, url: str
) -> None:
    with listening.listen(host, 0) as listener:
        assert reaches(listener, socket.AF_INET, "127.0.0.1") is ipv4
        assert reaches(listener, socket.AF_INET6, "::1") is (ipv6 and HAS_IPV6)
        assert listening.url_of(listener).startswith(url)


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "no.such.host.invalid"])
def test_a_host_that_a_shell_set_is_told_with_its_source(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("HOST", host)
    with pytest.raises(UserError) as caught:
        listening.listen(host, 0)
    assert f"cannot listen on {host} port 0" in str(caught.value)
    assert "the environment variable HOST says so" in str(caught.value)
    assert "--host 127.0.0.1" in str(caught.value)
