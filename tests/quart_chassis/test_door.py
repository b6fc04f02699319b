"""What happens to every request before it reaches a view, and to every answer."""

import pytest
from quart import url_for
from quart.typing import TestClientProtocol
from werkzeug.datastructures import Headers

from quart_chassis.application import Application
from quart_chassis.project import Project

FROM_HERE = {"client": ("127.0.0.1", 1234)}
HTTPS = {"X-Forwarded-Proto": "https"}


@pytest.mark.parametrize(
    ("hosts", "host", "status"),
    [
        ("", "anything.example", 200),
        ("", "anything.example:5001", 200),
        ("", "[::1]:5001", 200),
        ("", "a<script>", 400),
        ("", "a b", 400),
        ("", "a..b", 400),
        ("", "a" * 64 + ".example", 400),
        ("*", "anything.example", 200),
        ("", "", 400),
        ("good.example", "good.example", 200),
        ("good.example", "good.example:8000", 200),
        ("good.example", "evil.example", 400),
        ("good.example", "good.example.evil.example", 400),
        (".good.example", "www.good.example", 200),
        (".good.example", "notgood.example", 400),
        (".good.example", "good.example", 200),
        ("*.good.example", "www.good.example", 200),
        ("*.good.example", "good.example", 400),
        ("Good.example", "gOOd.example.", 200),
        ("good.example:8000", "good.example:8000", 200),
        ("good.example:8000", "good.example", 400),
        ("good.example", "good.example:0", 400),
        ("good.example", "good.example:", 400),
        ("[::1]", "[::1]:5001", 200),
        ("[::1]", "[::2]", 400),
        ("my_app", "my_app:5001", 200),
        ("bücher.example", "xn--bcher-kva.example", 200),
    ],
)
async def test_only_trusted_hosts_are_answered(
    project: Project, database: str, hosts: str, host: str, status: int
) -> None:
    app = project.create_app(DATABASE_URL=database, TRUSTED_HOSTS=hosts)
    async with app.test_app() as serving:
        client = serving.test_client()
        page = await client.get("/drafts", headers={"Host": host})
        assert page.status_code == status
        # Who asks whether it lives knows only its address.
        assert (await client.get("/livez", headers={"Host": host})).status_code == 200
        assert (await client.get("/readyz", headers={"Host": host})).status_code == 200
        text = await page.get_data(as_text=True)
        assert "evil" not in text
        assert "<script>" not in text


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("my_app", "http://my_app/livez"),
        ("my_app:80", "http://my_app/livez"),
        ("my_app:5001", "http://my_app:5001/livez"),
        ("a.example", "http://a.example/livez"),
        ("[::1]:5001", "http://[::1]:5001/livez"),
    ],
)
async def test_a_whole_url_has_the_host_that_was_asked(
    app: Application, host: str, url: str
) -> None:
    async with app.test_request_context("/", headers={"Host": host}):
        assert url_for("probes.livez", _external=True) == url


@pytest.mark.parametrize(
    ("proxies", "believed"),
    [("10.0.0.1", False), ("127.0.0.1", True), ("127.0.0.0/8", True), ("*", True)],
)
async def test_forwarded_headers_are_believed_only_of_listed_proxies(
    project: Project, database: str, proxies: str, believed: bool
) -> None:
    app = project.create_app(
        DATABASE_URL=database,
        FORWARDED_ALLOW_IPS=proxies,
        ENV_FOR_DYNACONF="production",
        SECRET_KEY="k" * 32,
    )
    async with app.test_app() as serving:
        client = serving.test_client()
        response = await client.get("/livez", headers=HTTPS, scope_base=FROM_HERE)
        assert ("Strict-Transport-Security" in response.headers) is believed


@pytest.mark.parametrize("said", ["https", "HTTPS", "wss"])
async def test_a_proxy_says_in_its_own_words_that_a_request_is_secure(
    project: Project, database: str, said: str
) -> None:
    app = project.create_app(
        DATABASE_URL=database, ENV_FOR_DYNACONF="production", SECRET_KEY="k" * 32
    )
    async with app.test_app() as serving:
        client = serving.test_client()
        given = {"X-Forwarded-Proto": said}
        page = await client.get("/", headers=given, scope_base=FROM_HERE)
        assert page.status_code == 200
        assert "Strict-Transport-Security" in page.headers


async def test_cookies_are_closed_to_scripts_and_other_sites(
    project: Project, database: str
) -> None:
    app = project.create_app(
        DATABASE_URL=database, ENV_FOR_DYNACONF="production", SECRET_KEY="k" * 32
    )
    names = ("SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY")
    assert all(app.config[name] for name in names)
    assert app.config["SESSION_COOKIE_SAMESITE"] == "Lax"


async def test_a_refused_request_reaches_no_view(
    project: Project, database: str
) -> None:
    app = project.create_app(DATABASE_URL=database, TRUSTED_HOSTS="good.example")
    async with app.test_app() as serving:
        client = serving.test_client()
        evil = await client.post(
            "/api/notes", json={"text": "x"}, headers={"Host": "evil.example"}
        )
        assert evil.status_code == 400
        assert evil.content_type == "application/problem+json"
        listed = await client.get("/api/notes", headers={"Host": "good.example"})
        assert (await listed.get_json())["notes"] == []


@pytest.mark.parametrize(
    ("headers", "version", "status"),
    [
        ({"Transfer-Encoding": "chunked"}, "1.1", 405),
        ({"Transfer-Encoding": "Chunked"}, "1.1", 405),
        ({"Transfer-Encoding": "gzip, chunked"}, "1.1", 400),
        ({"Transfer-Encoding": "gzip"}, "1.1", 400),
        ({"Transfer-Encoding": "identity"}, "1.1", 400),
        ({"Transfer-Encoding": "chunked"}, "1.0", 400),
        ({"Content-Encoding": "identity"}, "1.1", 405),
        ({"Content-Encoding": "gzip"}, "1.1", 415),
        ({"Content-Encoding": "gzip, br"}, "1.1", 415),
    ],
)
async def test_a_body_in_a_coding_that_nobody_decodes_is_refused(
    app: Application, headers: dict[str, str], version: str, status: int
) -> None:
    async with app.test_app() as serving:
        answered = await serving.test_client().post(
            "/livez", headers=headers, http_version=version
        )
        assert answered.status_code == status


async def test_a_header_that_a_view_sets_stays(app: Application) -> None:
    @app.get("/mine")
    async def mine() -> tuple[str, dict[str, str]]:
        return "", {"Cache-Control": "max-age=60", "X-Frame-Options": "SAMEORIGIN"}

    async with app.test_app() as serving:
        response = await serving.test_client().get("/mine")
    assert response.headers.getlist("Cache-Control") == ["max-age=60"]
    assert response.headers.getlist("X-Frame-Options") == ["SAMEORIGIN"]
    assert response.headers["Referrer-Policy"] == "same-origin"


async def test_a_request_with_two_hosts_is_refused(
    project: Project, database: str
) -> None:
    """Seen to be answered where the last one alone was looked at."""
    app = project.create_app(DATABASE_URL=database, TRUSTED_HOSTS="good.example")
    async with app.test_app() as serving:
        client = serving.test_client()
        for hosts in (["evil.example", "good.example"], ["good.example"] * 2):
            given = Headers([("Host", host) for host in hosts])
            async with client.request("/drafts", headers=given) as connection:
                await connection.send_complete()
            assert (await connection.as_response()).status_code == 400


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/below/livez", 200, "application/json"),
        ("/below/api/nowhere", 400, "application/problem+json"),
        ("/below/drafts", 400, "text/html; charset=utf-8"),
    ],
)
async def test_the_door_knows_the_paths_below_a_root_path(
    project: Project, database: str, path: str, status: int, kind: str
) -> None:
    app = project.create_app(DATABASE_URL=database, TRUSTED_HOSTS="good.example")
    async with app.test_app() as serving:
        response = await serving.test_client().get(
            path, headers={"Host": "10.0.0.1"}, root_path="/below"
        )
    assert (response.status_code, response.content_type) == (status, kind)


@pytest.mark.parametrize(
    ("given", "path", "link"),
    [
        ("/some/where", "/drafts", "/some/where/drafts"),
        ("/some/where/", "/drafts", "/some/where/drafts"),
        ("/some/where", "/some/where/drafts", "/some/where/drafts"),
        # No path, or another host's name.
        ("//evil.example", "/drafts", "/drafts"),
        ("evil.example", "/drafts", "/drafts"),
        ("/a?b", "/drafts", "/drafts"),
        ("/", "/drafts", "/drafts"),
        # A browser would go up.
        ("/..", "/drafts", "/drafts"),
        ("/a/../b", "/drafts", "/drafts"),
        ("/./a", "/drafts", "/drafts"),
        ("/..a", "/drafts", "/..a/drafts"),
    ],
)
async def test_a_proxys_path_prefix_is_part_of_every_link(
    client: TestClientProtocol, given: str, path: str, link: str
) -> None:
    page = await client.get(
        path, headers={"X-Forwarded-Prefix": given}, scope_base=FROM_HERE
    )
    assert page.status_code == 200
    assert f'href="{link}"' in await page.get_data(as_text=True)


async def test_a_path_prefix_is_believed_of_listed_proxies_alone(
    client: TestClientProtocol,
) -> None:
    headers = {"X-Forwarded-Prefix": "/some/where"}
    page = await client.get("/drafts", headers=headers)
    assert 'href="/drafts"' in await page.get_data(as_text=True)
