"""What one connection may send, keep and wait for, at a server that really runs."""

import asyncio
import re
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psutil
import pytest
from wsproto.events import CloseConnection, TextMessage

from quart_chassis.serve.websockets import LARGEST_MESSAGE_BYTES
from quart_chassis.testing.servers import RunningServer, running
from quart_chassis.testing.waiting import HANG_SECONDS, until
from tests.quart_chassis.handshakes import connected
from tests.quart_chassis.small_project import PATHS, SMALL, command, serving

LIMIT = 8192
MEGABYTE = 1_000_000
GET = b"GET /livez HTTP/1.1\r\nHost: a\r\n"
CLOSE = b"Connection: close\r\n\r\n"
POST = b"POST /api/notes HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


BOUNDS: dict[str, Any] = {
    "HEADER_LIMIT_BYTES": str(LIMIT),
    "TRUSTED_HOSTS": "a,good.example,[::1]",
}


@pytest.fixture(scope="module")
def bounded(module_database: str) -> Iterator[RunningServer]:
    with serving(DATABASE_URL=module_database, **BOUNDS) as server:
        yield server


@pytest.fixture(scope="module")
def hasty(module_database: str) -> Iterator[RunningServer]:
    """A server that waits for a second only."""
    bounds = BOUNDS | {"IDLE_SECONDS": "1", "KEEPALIVE_SECONDS": "1"}
    with serving(DATABASE_URL=module_database, **bounds) as server:
        yield server


def connect(server: RunningServer) -> socket.socket:
    port = int(server.url.rpartition(":")[2])
    return socket.create_connection(("127.0.0.1", port), HANG_SECONDS)


def answer(server: RunningServer, *sent: bytes) -> bytes:
    """All that comes until the server closes, however much of `sent` it takes."""
    with connect(server) as caller:
        try:
            for each in sent:
                caller.sendall(each)
        except ConnectionError:
            # Refused before all of it was sent.
            pass
        return rest_of(caller)


def rest_of(caller: socket.socket) -> bytes:
    received = b""
    try:
        while more := caller.recv(65536):
            received += more
    except ConnectionError:
        # What was not read when it closed.
        pass
    return received


def statuses(received: bytes) -> list[int]:
    return [int(each) for each in re.findall(rb"HTTP/1\.1 (\d+) ", received)]


def head_of(length: int) -> bytes:
    """A head whose URL and header lines are so long together."""
    padding = length - len(b"/livez") - len(b"Host: a\r\n") - len(b"X: \r\n")
    padding -= len(b"Connection: close\r\n")
    return GET + b"Connection: close\r\nX: " + b"a" * padding + b"\r\n\r\n"


def memory_of(server: RunningServer) -> int:
    return psutil.Process(server.process.pid).memory_info().rss


@pytest.mark.parametrize(("length", "status"), [(LIMIT, 200), (LIMIT + 1, 431)])
def test_the_bound_of_a_head_is_exact(
    bounded: RunningServer, length: int, status: int
) -> None:
    assert statuses(answer(bounded, head_of(length))) == [status]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ([b"GET /", b"a" * MEGABYTE], 414),
        ([b"GET /", b"a" * (LIMIT + 1), b" HTTP/1.1\r\nHost: a\r\n\r\n"], 414),
        ([GET, b"X: ", b"a" * MEGABYTE], 431),
        ([GET, b"x" * MEGABYTE], 431),
        ([GET, *([b"X: " + b"a" * 1000 + b"\r\n"] * 1000)], 431),
        ([GET, b"X: a\r\n" * 200, b"\r\n"], 431),
        ([CHUNKED, b"1;", b"a" * MEGABYTE], 431),
        (
            [CHUNKED, b"0\r\n"] + [b"X: " + b"a" * 1000 + b"\r\n"] * 1000,
            431,
        ),
        ([b"\x16\x03\x01\x02\x00\x01"], 400),
        ([b"A" * MEGABYTE], 400),
    ],
)
def test_what_is_too_long_is_refused_before_it_is_kept(
    bounded: RunningServer, sent: list[bytes], status: int
) -> None:
    before = memory_of(bounded)
    for _ in range(20):
        assert statuses(answer(bounded, *sent))[-1:] in ([status], [])
    assert (
        statuses(answer(bounded, *(each[: 2 * LIMIT] for each in sent)))[-1] == status
    )
    assert memory_of(bounded) - before < 8 * MEGABYTE
    assert statuses(answer(bounded, GET, b"Connection: close\r\n\r\n")) == [200]


@pytest.mark.parametrize(
    "body",
    [
        b"0x2\r\n{}\r\n0\r\n\r\n",
        b"2\r\n{}0\r\n\r\n",
        b"ffffffffffffffffff\r\n{}",
        b"1;\0\r\n{",
        b"0\r\n" + b"X: a\r\n" * 200 + b"\r\n",
    ],
)
def test_a_broken_body_has_one_answer_at_once(
    bounded: RunningServer, body: bytes
) -> None:
    """Seen to be answered twice, by the view after five seconds as well."""
    received = answer(bounded, CHUNKED, body, GET, CLOSE)
    status = 431 if body.startswith(b"0\r\n") else 400
    assert statuses(received) == [status]
    assert b"connection: close" in received
    # A view that reads no body has answered; the next request is not believed.
    chunked = b"POST /livez HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert len(statuses(answer(bounded, chunked, body, GET, CLOSE))) <= 1


@pytest.mark.parametrize("offered", [b"h2c", b"foo", b"TLS/1.2"])
def test_a_body_is_no_request_where_another_protocol_is_offered(
    bounded: RunningServer, offered: bytes
) -> None:
    """As curl --http2 offers it; seen to be served, and so to smuggle requests."""
    smuggled = b"GET /drafts HTTP/1.1\r\nHost: a\r\n\r\n"
    offer = b"Connection: Upgrade\r\nUpgrade: %s\r\n" % offered
    length = b"Content-Length: %d\r\n\r\n" % len(smuggled)
    post = b"POST /livez HTTP/1.1\r\nHost: a\r\n"
    sent = [post, offer, length, smuggled, GET, offer, b"\r\n", GET, CLOSE]
    assert statuses(answer(bounded, *sent)) == [405, 200, 200]
    note = b'{"text": "x"}'
    length = b"Content-Length: %d\r\n\r\n" % len(note)
    received = answer(bounded, POST, offer, length, note, GET, CLOSE)
    assert statuses(received) == [200, 200]


def test_a_tunnel_is_refused(bounded: RunningServer) -> None:
    sent = b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"
    assert statuses(answer(bounded, sent)) == [400]


def test_headers_behind_a_body_are_none(bounded: RunningServer) -> None:
    chunked = b"POST /nowhere HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    sent = [chunked, b"0\r\nAuthorization: Bearer x\r\n\r\n"]
    assert statuses(answer(bounded, *sent, GET, b"Connection: close\r\n\r\n")) == [
        404,
        200,
    ]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"", []),
        (b"\r\n", []),
        (b"GET /li", [408]),
        (b"GET /livez HTTP/1.1\r\nHo", [408]),
        (GET, [408]),
        # Kept for the next request, which does not come.
        (GET + b"\r\n", [200]),
        (GET + b"\r\nGET", [200, 408]),
        # A body that nobody reads, and that never comes.
        (b"POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n", [405]),
    ],
)
def test_who_sends_no_more_is_let_go(
    hasty: RunningServer, sent: bytes, expected: list[int]
) -> None:
    assert statuses(answer(hasty, sent)) == expected


@pytest.mark.parametrize(
    "begun",
    [
        b"GET /",
        GET + b"X: ",
        b"\r\n",
        GET + b"\r\n\r\n",
        b"POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 999\r\n\r\n",
    ],
)
async def test_who_sends_ever_so_slowly_is_let_go(
    hasty: RunningServer, begun: bytes
) -> None:
    """A byte now and then, until the server closes."""
    port = int(hasty.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(begun)
    drip = b"\r\n" if begun.endswith(b"\r\n\r\n\r\n") or begun == b"\r\n" else b"a"
    ended = asyncio.ensure_future(reader.read())
    while not ended.done():
        writer.write(drip)
        await asyncio.wait([ended], timeout=0.1)
    writer.close()
    assert await ended is not None


@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        (b"http://good.example/livez", b"good.example", 200),
        (b"http://good.example/openapi.json", b"evil.example", 200),
        (b"http://evil.example/openapi.json", b"good.example", 400),
        (b"http://good.example:80/openapi.json?a=1", b"evil.example", 200),
        (b"http://[::1]:80/openapi.json", b"evil.example", 200),
        (b"http://[::2]/openapi.json", b"good.example", 400),
        (b"http://good.example", b"evil.example", 200),
        (b"http://good.example?a=1", b"evil.example", 200),
        (b"/openapi.json", b"[::1", 400),
        (b"/openapi.json", b"[g::]", 400),
        (b"/openapi.json", b"good.example\r\nHost: good.example", 400),
        (b"http://a:b@good.example/livez", b"good.example", 400),
        (b"http://@good.example/livez", b"good.example", 400),
        (b"http://good.example/livez", b"a\r\nHost: a", 400),
        (b"http://good.example:0/openapi.json", b"a", 400),
        (b"http://good_example/openapi.json", b"a", 400),
    ],
)
def test_a_whole_url_names_the_host(
    bounded: RunningServer, target: bytes, host: bytes, status: int
) -> None:
    sent = b"GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % (target, host)
    assert statuses(answer(bounded, sent)) == [status]


def test_requests_whose_answers_nobody_reads_do_not_pile_up(
    bounded: RunningServer,
) -> None:
    before = memory_of(bounded)
    callers = [connect(bounded) for _ in range(30)]
    for caller in callers:
        caller.setblocking(False)
        caller.send((GET + b"\r\n") * 8000)
    with connect(bounded) as other:
        other.sendall(GET + b"Connection: close\r\n\r\n")
        assert statuses(rest_of(other)) == [200]
    assert memory_of(bounded) - before < 15 * MEGABYTE
    for caller in callers:
        caller.close()


def test_requests_sent_at_once_are_answered_in_their_order(
    bounded: RunningServer,
) -> None:
    paths = [b"/livez", b"/nowhere", b"/readyz"] * 9
    sent = b"".join(b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % path for path in paths)
    body = (
        b"POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n\r\n\r\n\r\n\r\n"
    )
    end = GET + b"Connection: close\r\n\r\n"
    received = answer(bounded, sent + body + end)
    assert statuses(received) == [200, 404, 200] * 9 + [405, 200]


def test_who_sends_too_much_ahead_is_answered_and_asked_to_come_again(
    bounded: RunningServer,
) -> None:
    received = answer(bounded, (GET + b"\r\n") * 2000)
    assert set(statuses(received)) == {200}
    assert 0 < len(statuses(received)) < 2000
    assert b"connection: close" in received.rpartition(b"HTTP/1.1")[2]


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit on Windows")
def test_idle_callers_keep_nobody_out(module_database: str) -> None:
    started = ["sh", "-c", 'ulimit -n 128; exec "$0" "$@"', *command("run")]
    with running(
        [*started, "--port", "0"], SMALL, False, DATABASE_URL=module_database, **PATHS
    ) as server:
        callers = [connect(server) for _ in range(200)]
        received = answer(server, GET, b"Connection: close\r\n\r\n")
        assert statuses(received) == [200]
        told = "connections were closed to make room for others"
        until(lambda: any(told in line for line in server.lines))
        for caller in callers:
            caller.close()


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit on Windows")
def test_who_reads_no_file_keeps_nobody_from_one(module_database: str) -> None:
    """Each that is sent a file holds it open; seen to end in 500 for want of files."""
    started = ["sh", "-c", 'ulimit -n 128; exec "$0" "$@"', *command("run")]
    large = b"GET /static/swagger-ui/swagger-ui-bundle.js HTTP/1.1\r\nHost: a\r\n\r\n"
    with running(
        [*started, "--port", "0"], SMALL, False, DATABASE_URL=module_database, **PATHS
    ) as server:
        port = int(server.url.rpartition(":")[2])
        callers = [socket.socket() for _ in range(100)]
        for caller in callers:
            # So that the file does not fit into what the kernel keeps.
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            caller.connect(("127.0.0.1", port))
            with suppress(ConnectionError):
                caller.sendall(large)
        for _ in range(20):
            assert statuses(answer(server, GET, CLOSE)) in ([200], [])
        for caller in callers:
            caller.close()
        until(lambda: statuses(answer(server, GET, CLOSE)) == [200])
        assert not any("Too many open files" in line for line in server.lines)


async def test_a_websocket_keeps_no_more_than_it_may(bounded: RunningServer) -> None:
    """Seen to keep what it answers to pings, and what a compressed message becomes."""
    before = memory_of(bounded)
    handshake = b"GET /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
    handshake += b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    handshake += b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    ping = b"\x89\xfd" + b"\0" * 4 + b"a" * 125
    with connect(bounded) as caller:
        caller.sendall(handshake + b"\r\n")
        assert b" 101 " in caller.recv(4096)
        caller.settimeout(1)
        with suppress(TimeoutError):
            for _ in range(30):
                caller.sendall(ping * 8000)
        assert memory_of(bounded) - before < 15 * MEGABYTE
    offer = (
        b"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=x\r\n"
    )
    with connect(bounded) as caller:
        caller.sendall(handshake + offer + b"\r\n")
        accepted = caller.recv(4096)
        assert b" 101 " in accepted
        assert b"permessage-deflate" not in accepted
    odd = b"Sec-WebSocket-Protocol: \xff\r\n\r\n"
    assert statuses(answer(bounded, handshake, odd)) == [400]
    async with connected(bounded.url, host="a") as there:
        there.send(TextMessage(data="a" * (LARGEST_MESSAGE_BYTES + 1)))
        closed = await there.next()
        assert isinstance(closed, CloseConnection)
        assert closed.code == 1009
        there.status = 0
    assert not any('"exception"' in line for line in bounded.lines)


async def test_a_websocket_may_be_silent_for_longer(hasty: RunningServer) -> None:
    async with connected(hasty.url, host="a") as quiet:
        # Until the server has let go of a connection that was opened later.
        assert await asyncio.to_thread(answer, hasty, b"") == b""
        assert await quiet.say("still here") == "still here"
