"""Who the owner is, how they sign in, and what nobody else gets."""

import time
from typing import Any
from urllib.parse import urlencode

import pytest
from quart.testing.connections import WebsocketResponseError
from quart.typing import TestClientProtocol
from quart_schema import document_response
from small_app.application import create_app

from quart_chassis.application import Application
from quart_chassis.web import owner_required
from quart_chassis.web.owner import SESSION_SECONDS
from quart_chassis.web.tries import TRIES_OF_ALL, TRIES_OF_HOST, Tries

TOKEN = "a-token-that-nobody-guesses"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
KEYS = {"SECRET_KEY": "k" * 32}
HERE = {"client": ("127.0.0.1", 1234)}
SECRET, CLEAR, API = "/shelves/secret", "/shelves/clear", "/api/owned"


def made(database: str, **settings: Any) -> Application:
    """An application with a token, and one more route of the owner's."""
    app = create_app(**({"DATABASE_URL": database, "ADMIN_TOKEN": TOKEN} | settings))

    @app.route(API, methods=["GET", "POST"])
    @document_response(str)
    @owner_required
    async def owned() -> tuple[str, dict[str, str]]:
        return "owned", {"Cache-Control": "max-age=60"}

    return app


async def sign_in(
    client: TestClientProtocol, token: str = TOKEN, address: str = "/sign-in"
) -> tuple[int, str | None]:
    """The status of signing in, and where it leads."""
    response = await client.post(address, form={"token": token})
    return response.status_code, response.headers.get("Location")


async def is_owner(client: TestClientProtocol) -> bool:
    """Whether the client gets the owner's page."""
    return (await client.get(SECRET)).status_code == 200


async def test_the_owner_signs_in_and_out(database: str) -> None:
    async with made(database).test_app() as serving:
        client = serving.test_client()
        asked = await client.get(f"{SECRET}?a=b%20c&d")
        assert asked.status_code == 303
        address = asked.headers["Location"]
        assert address == "/sign-in?next=/shelves/secret?a%3Db%2520c%26d"
        page = await (await client.get(address)).get_data(as_text=True)
        assert "Sign in" in page
        assert await sign_in(client, "wrong", address) == (422, None)
        assert not await is_owner(client)
        assert await sign_in(client, TOKEN, address) == (303, f"{SECRET}?a=b%20c&d")
        answered = await client.get(SECRET)
        assert await answered.get_data(as_text=True) == "secret"
        home = await (await client.get("/")).get_data(as_text=True)
        assert "You are signed in." in home
        assert "Sign out" in home
        assert (await client.post(CLEAR)).status_code == 303
        left = await client.post("/sign-out")
        assert (left.status_code, left.headers["Location"]) == (303, "/")
        assert not await is_owner(client)
        home = await (await client.get("/")).get_data(as_text=True)
        assert "You are signed out." in home
        assert "Sign out" not in home


async def test_the_session_is_closed_to_scripts_and_other_sites(database: str) -> None:
    app = made(database, ENV_FOR_DYNACONF="production", **KEYS)
    async with app.test_app() as serving:
        client = serving.test_client()
        response = await client.post("/sign-in", form={"token": TOKEN})
        cookie = response.headers["Set-Cookie"]
        for word in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/", "Expires="):
            assert word in cookie
        assert TOKEN not in cookie


async def test_others_are_told_what_is_missing(database: str) -> None:
    async with made(database).test_app() as serving:
        client = serving.test_client()
        for method, path in (("POST", CLEAR), ("GET", API), ("POST", API)):
            for bearer in ("", "Bearer", "Bearer wrong", "Basic YTpi", "Bearer \u00e4"):
                given = {"Authorization": bearer} if bearer else {}
                ask = client.get if method == "GET" else client.post
                answered = await ask(path, headers=given)
                assert answered.status_code == 401, (method, path, bearer)
                assert answered.headers["WWW-Authenticate"] == "Bearer"
        wrong = await client.get(SECRET, headers={"Authorization": "Bearer wrong"})
        assert wrong.status_code == 401
        assert (await client.get(SECRET, headers=BEARER)).status_code == 200
        assert (await client.post(API, headers=BEARER)).status_code == 200
        # A route of an admin's is for programs: no session opens it.
        await sign_in(client)
        assert (await client.delete("/api/notes/1")).status_code == 401
        owned = await client.get(API)
        assert owned.status_code == 200
        # Whatever the view says, nobody else may get it from a cache.
        assert owned.headers.getlist("Cache-Control") == ["no-store"]


ELSEWHERE = [
    *("https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil"),
    *("\\evil", "evil", "javascript:alert(1)", " /a", "/a\n", "/\r\n/evil", ""),
    *("/\u00e4", "///evil", "http:/a", "?a", "/a b"),
]


async def test_signing_in_leads_to_no_other_site(database: str) -> None:
    async with made(database).test_app() as serving:
        client = serving.test_client()
        for address in ELSEWHERE:
            query = urlencode({"next": address})
            assert await sign_in(client, TOKEN, f"/sign-in?{query}") == (303, "/")
        # Whoever is signed in already goes there at once.
        query = urlencode({"next": "//evil.example"})
        assert (await client.get(f"/sign-in?{query}")).headers["Location"] == "/"


async def test_below_a_prefix_everything_leads_below_it(database: str) -> None:
    async with made(database).test_app() as serving:
        client = serving.test_client()
        asked = await client.get(f"/below{SECRET}", root_path="/below")
        assert asked.headers["Location"] == f"/below/sign-in?next=/below{SECRET}"
        entered = await client.post(
            "/below/sign-in", root_path="/below", form={"token": TOKEN}
        )
        assert entered.headers["Location"] == "/below/"


async def test_a_session_ends_with_its_token_its_key_and_its_time(
    database: str,
) -> None:
    """Sessions are copied from one application to another, as a restart would."""
    other_key = {"SECRET_KEY": "j" * 32}

    async def holds(session: dict[str, Any], **settings: Any) -> bool:
        app = made(database, **(KEYS | settings))
        async with app.test_app() as serving:
            client = serving.test_client()
            async with client.session_transaction() as kept:
                kept.update(session)
            return await is_owner(client)

    app = made(database, **KEYS)
    async with app.test_app() as serving:
        client = serving.test_client()
        await sign_in(client)
        async with client.session_transaction() as kept:
            session = dict(kept)
    assert await holds(session)
    assert not await holds({})
    assert not await holds(session, ADMIN_TOKEN="another-token-of-another-owner")
    assert not await holds(session, ADMIN_TOKEN="")
    assert not await holds(session, **other_key)
    assert await holds(session, **other_key, SECRET_KEY_FALLBACKS="k" * 32)
    now = time.time()
    assert await holds(session | {"owner_since": now - SESSION_SECONDS + 60})
    assert not await holds(session | {"owner_since": now - SESSION_SECONDS})
    assert not await holds({"owner": session["owner"]})


async def test_a_session_is_no_use_to_other_origins(database: str) -> None:
    """A page of a sibling domain is sent with the cookie, and CORS lets it in."""
    async with made(database, CORS_ORIGINS="*").test_app() as serving:
        client = serving.test_client()
        await sign_in(client)
        sibling = {"Sec-Fetch-Site": "same-site", "Origin": "https://blog.localhost"}
        assert (await client.post(API)).status_code == 200
        for ask in (client.get, client.post):
            assert (await ask(API, headers=sibling)).status_code == 401
            assert (await ask(API, headers=sibling | BEARER)).status_code == 200
        # A link on another site leads to the page, and the session counts.
        link = {"Sec-Fetch-Site": "cross-site"}
        assert (await client.get(SECRET, headers=link)).status_code == 200


@pytest.mark.parametrize("environment", ["testing", "production", "docker"])
async def test_without_a_token_nothing_of_this_exists(
    database: str, environment: str
) -> None:
    app = made(database, ADMIN_TOKEN="", ENV_FOR_DYNACONF=environment, **KEYS)
    async with app.test_app() as serving:
        client = serving.test_client()
        for path in (SECRET, API, "/sign-in"):
            response = await client.get(path, headers=BEARER, scope_base=HERE)
            assert response.status_code == 404, path
        for path in (CLEAR, API, "/sign-in", "/sign-out"):
            response = await client.post(
                path, headers={"Authorization": "Bearer "}, scope_base=HERE
            )
            assert response.status_code == 404, path


# Addresses of callers, what they send, and whether that is from this machine.
CALLERS = [
    ("127.0.0.1", {"Host": "localhost:5001"}, 200),
    ("127.0.0.2", {"Host": "127.0.0.1:5001"}, 200),
    ("::1", {"Host": "[::1]:5001"}, 200),
    ("127.0.0.1", {"Host": "shop.localhost"}, 200),
    ("10.0.0.1", {"Host": "localhost:5001"}, 404),
    ("", {"Host": "localhost:5001"}, 404),
    # Whoever is behind a proxy, and a site that calls itself 127.0.0.1.
    ("127.0.0.1", {"X-Forwarded-For": "10.0.0.1"}, 404),
    ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 404),
    ("127.0.0.1", {"X-Forwarded-Host": "localhost"}, 404),
    ("127.0.0.1", {"Forwarded": "for=10.0.0.1"}, 404),
    ("127.0.0.1", {"Via": "1.1 tunnel"}, 404),
    ("127.0.0.1", {"Host": "evil.example:5001"}, 404),
    ("127.0.0.1", {"Host": "localhost.evil.example"}, 404),
    ("10.0.0.1", {"Remote-Addr": "127.0.0.1"}, 404),
]


async def test_in_development_everybody_on_this_machine_is_the_owner(
    database: str,
) -> None:
    app = made(database, ADMIN_TOKEN="", ENV_FOR_DYNACONF="development")
    async with app.test_app() as serving:
        client = serving.test_client()
        for address, headers, status in CALLERS:
            given: Any = {"headers": headers, "scope_base": {"client": (address, 1)}}
            answered = await client.get(SECRET, **given)
            assert answered.status_code == status, (address, headers)
            # There is no token to sign in with, and admins' routes are for nobody.
            assert (await client.get("/sign-in", **given)).status_code == 404
            assert (await client.delete("/api/notes/1", **given)).status_code == 404


async def test_who_guesses_must_wait(database: str) -> None:
    async with made(database).test_app() as serving:
        client = serving.test_client()
        for _ in range(TRIES_OF_HOST):
            assert (await sign_in(client, "wrong"))[0] == 422
        response = await client.post("/sign-in", form={"token": TOKEN})
        assert response.status_code == 429
        assert 0 < int(response.headers["Retry-After"]) <= 60
        page = await response.get_data(as_text=True)
        assert "Too many wrong tokens" in page
        # A program with the token is not held up.
        assert (await client.post(CLEAR, headers=BEARER)).status_code == 303


def test_wrong_tries_are_counted_by_host_and_forgotten() -> None:
    now = 1000.0
    tries = Tries(lambda: now)
    for number in range(TRIES_OF_HOST):
        assert tries.seconds_to_wait("10.0.0.1") == 0
        tries.note("10.0.0.1")
        tries.note(f"2001:db8::{number}")
    assert tries.seconds_to_wait("10.0.0.1") == 60
    # A host has many addresses in its network.
    assert tries.seconds_to_wait("2001:db8::ffff") == 60
    assert tries.seconds_to_wait("10.0.0.2") == 0
    assert tries.seconds_to_wait("2001:db8:0:1::1") == 0
    for number in range(TRIES_OF_ALL - 2 * TRIES_OF_HOST):
        tries.note(f"10.0.1.{number}")
    assert tries.seconds_to_wait("10.0.0.2") == 60
    now += 59.5
    assert tries.seconds_to_wait("10.0.0.1") == 1
    now += 0.5
    assert tries.seconds_to_wait("10.0.0.1") == 0
    assert tries.seconds_to_wait("10.0.0.2") == 0


async def test_what_is_nearly_the_token_is_wrong(database: str) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    async with made(database).test_app() as serving:
        client = serving.test_client()
        for token in ("", "\0", "\ud800", f"{TOKEN} ", TOKEN.upper()):
            body = b"token=" + token.encode("utf-8", "surrogatepass")
            response = await client.post("/sign-in", data=body, headers=headers)
            assert response.status_code == 422
            assert "This is not the token." in await response.get_data(as_text=True)
            assert not await is_owner(client)


async def test_a_token_of_any_characters_is_sent_in_utf_8(database: str) -> None:
    token = "pässwörd-of-the-ownér"
    async with made(database, ADMIN_TOKEN=token).test_app() as serving:
        client = serving.test_client()

        for sent, status in ((token, 200), (token.replace("é", "è"), 401)):
            bearer = {"Authorization": f"Bearer {sent}"}
            assert (await client.get(API, headers=bearer)).status_code == status
        signed_in = await client.post("/sign-in", form={"token": token})
        assert signed_in.status_code == 303
        assert await is_owner(client)


async def test_the_cookie_is_sent_below_the_path_prefix_alone(database: str) -> None:
    async with made(database).test_app() as serving:
        signed_in = await serving.test_client().post(
            "/below/sign-in", form={"token": TOKEN}, root_path="/below"
        )
    assert signed_in.headers["Location"] == "/below/"
    assert "Path=/below/;" in signed_in.headers["Set-Cookie"]


async def test_the_description_knows_the_owner(database: str) -> None:
    async with made(database).test_app() as serving:
        described = await (await serving.test_client().get("/openapi.json")).get_json()
    operation = described["paths"][API]["post"]
    assert operation["security"] == [{"admin": []}, {"session": []}]
    assert "401" in operation["responses"]
    schemes = described["components"]["securitySchemes"]
    assert schemes["session"] == {"type": "apiKey", "in": "cookie", "name": "session"}


async def test_a_refused_handshake_has_the_page_of_others(database: str) -> None:
    """Its page has the link to sign in, although there is no request."""
    async with made(database).test_app() as serving:
        with pytest.raises(WebsocketResponseError) as raised:
            async with serving.test_client().websocket("/nowhere") as connection:
                await connection.receive()
    assert raised.value.response.status_code == 404
