import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from quart import Quart
from quart.typing import TestClientProtocol
from werkzeug.datastructures import Headers

from my_app.application import create_app
from quart_chassis.testing.pooler import settings_for

pytestmark = pytest.mark.also_pooled

MOST = 2**63 - 1
TOKEN = "t" * 40
ADMIN = {"Authorization": f"Bearer {TOKEN}"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def admin(database: str) -> AsyncIterator[TestClientProtocol]:
    """A client of an application that has an ADMIN_TOKEN."""
    app = create_app(
        **settings_for(database), ADMIN_TOKEN=TOKEN, COUNTER_NAMES="a,full"
    )
    async with app.test_app() as serving:
        yield serving.test_client()


async def increment(
    client: TestClientProtocol, name: str = "a", body: Any = None, **headers: str
) -> tuple[int, dict[str, Any], dict[str, str]]:
    dashed = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {} if body is None else {"data": json.dumps(body)}
    response = await client.post(
        f"/api/counters/{name}/increment", headers=JSON | dashed, **sent
    )
    answer = json.loads(await response.get_data(as_text=True))
    lower = {name.lower(): value for name, value in response.headers.items()}
    return response.status_code, answer, lower


async def test_an_increment_answers_the_value(client: TestClientProtocol) -> None:
    assert (await increment(client))[:2] == (200, {"name": "a", "value": 1})
    assert (await increment(client, body={}))[1]["value"] == 2
    assert (await increment(client, body={"amount": 5.0}))[1]["value"] == 7
    assert (await increment(client, name="b"))[1]["value"] == 1


async def test_a_key_is_counted_once_and_answered_alike(
    client: TestClientProtocol,
) -> None:
    _, first, headers = await increment(client, Idempotency_Key="k")
    assert first == {"name": "a", "value": 1}
    assert "idempotency-replayed" not in headers
    await increment(client)
    _, again, headers = await increment(client, Idempotency_Key="k")
    assert again == first
    assert headers["idempotency-replayed"] == "true"
    assert (await increment(client))[1]["value"] == 3
    _, other, _ = await increment(client, name="b", Idempotency_Key="k")
    assert other == {"name": "b", "value": 1}


async def test_a_key_with_another_amount_is_refused(
    client: TestClientProtocol,
) -> None:
    await increment(client, Idempotency_Key="k")
    status, problem, _ = await increment(
        client, body={"amount": 2}, Idempotency_Key="k"
    )
    assert status == 422
    assert "Idempotency-Key" in problem["detail"]
    assert (await increment(client))[1]["value"] == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"amount": 1e300}, "amount"),
        ({"amount": 0}, "amount"),
        ({"amount": -1}, "amount"),
        ({"amount": 1.5}, "amount"),
        ({"amount": 10**9 + 1}, "amount"),
        ({"amount": 10**400}, "amount"),
        ({"amount": True}, "amount"),
        ({"amount": "1"}, "amount"),
        ({"amount": None}, "amount"),
        ({"amuont": 1}, "amuont"),
        ([], "object"),
        (7, "object"),
    ],
)
async def test_a_wrong_value_is_refused_by_the_fields_name(
    client: TestClientProtocol, body: Any, field: str
) -> None:
    status, problem, headers = await increment(client, body=body)
    assert status == 422
    assert headers["content-type"] == "application/problem+json"
    assert field in problem["detail"]
    assert (await client.get("/api/counters/a")).status_code == 404


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b'{"amount": 1, "amount": 1}',
        b'{"amount": NaN}',
        b"\xff\xfe{\x00}\x00",
        b"[" * 9000,
        b'{"amount": 01}',
    ],
)
async def test_what_is_no_json_is_refused(
    client: TestClientProtocol, content: bytes
) -> None:
    response = await client.post(
        "/api/counters/a/increment", data=content, headers=JSON
    )
    assert response.status_code == 400


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded"])
async def test_another_content_type_is_refused(
    client: TestClientProtocol, kind: str
) -> None:
    response = await client.post(
        "/api/counters/a/increment", data="{}", headers={"Content-Type": kind}
    )
    assert response.status_code == 415


async def test_a_large_body_is_refused(client: TestClientProtocol) -> None:
    response = await client.post(
        "/api/counters/a/increment", data=b" " * 16385 + b"{}", headers=JSON
    )
    assert response.status_code == 413
    assert response.content_type == "application/problem+json"


async def test_a_body_that_does_not_arrive_is_not_waited_for(app: Quart) -> None:
    app.config["BODY_TIMEOUT"] = 0.05
    async with app.test_app() as serving:
        sending = serving.test_client().request(
            "/api/counters/a/increment",
            method="POST",
            headers=Headers(JSON | {"Content-Length": "20"}),
        )
        async with sending as connection:
            await connection.send(b'{"amount":')
            answer = json.loads(await connection.receive())
    assert answer["status"] == 408


async def test_two_different_keys_are_refused_and_one_twice_is_one(
    client: TestClientProtocol,
) -> None:
    path = "/api/counters/a/increment"
    different = Headers([("Idempotency-Key", "a"), ("Idempotency-Key", "b")])
    refused = await client.post(path, headers=different)
    assert refused.status_code == 422
    assert "Idempotency-Key" in (await refused.get_json())["detail"]
    same = Headers([("Idempotency-Key", "a"), ("Idempotency-Key", "a")])
    for _ in range(2):
        counted = await client.post(path, headers=same)
        assert (await counted.get_json())["value"] == 1


@pytest.mark.parametrize("key", ["", "k" * 256, "ä", "a b"])
async def test_a_wrong_key_is_refused(client: TestClientProtocol, key: str) -> None:
    status, problem, _ = await increment(client, Idempotency_Key=key)
    assert status == 422
    assert "Idempotency-Key" in problem["detail"]


@pytest.mark.parametrize(
    "name", ["A", ".a", "-a", "a" * 10_000, "a%00", "ä", "a%20b", "a%252f"]
)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
async def test_a_wrong_name_is_refused(
    admin: TestClientProtocol, name: str, method: str
) -> None:
    path = f"/api/counters/{name}" + ("/increment" if method == "POST" else "")
    call = {"GET": admin.get, "PUT": admin.put, "DELETE": admin.delete}
    response = await call.get(method, admin.post)(path, headers=ADMIN)
    assert response.status_code == 422
    assert "name" in (await response.get_json(force=True))["detail"]


async def test_only_listed_names_are_counted(admin: TestClientProtocol) -> None:
    assert (await increment(admin, "a"))[0] == 200
    assert (await increment(admin, "home"))[0] == 200
    assert (await increment(admin, "b"))[0] == 404


async def test_a_counter_is_shown_without_counting(
    client: TestClientProtocol,
) -> None:
    assert (await client.get("/api/counters/a")).status_code == 404
    await increment(client)
    shown = await (await client.get("/api/counters/a")).get_json()
    assert (shown["name"], shown["value"]) == ("a", 1)
    assert shown["created_at"] == shown["updated_at"]
    assert shown["created_at"].endswith("Z") or "+" in shown["created_at"]
    await increment(client)
    later = await (await client.get("/api/counters/a")).get_json()
    assert later["value"] == 2
    assert later["created_at"] == shown["created_at"] < later["updated_at"]


async def test_counters_are_listed_a_page_at_a_time(
    client: TestClientProtocol,
) -> None:
    for name in ("c", "a", "b"):
        await increment(client, name)

    async def page(query: str) -> tuple[list[str], str | None]:
        listed = await (await client.get(f"/api/counters?{query}")).get_json()
        return [each["name"] for each in listed["counters"]], listed["next"]

    assert await page("") == (["a", "b", "c"], None)
    assert await page("limit=2") == (["a", "b"], "b")
    assert await page("limit=2&after=b") == (["c"], None)
    assert await page("after=c") == ([], None)


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "after=A"])
async def test_a_wrong_page_is_refused(client: TestClientProtocol, query: str) -> None:
    response = await client.get(f"/api/counters?{query}")
    assert response.status_code == 422
    detail = (await response.get_json(force=True))["detail"]
    assert query.partition("=")[0] in detail


async def test_an_admin_sets_and_deletes(admin: TestClientProtocol) -> None:
    async def put(value: object) -> int:
        response = await admin.put(
            "/api/counters/b", data=json.dumps({"value": value}), headers=ADMIN | JSON
        )
        return response.status_code

    assert await put(41) == 200
    shown = await (await admin.get("/api/counters/b")).get_json()
    assert shown["value"] == 41
    assert await put(0) == 200
    assert await put(MOST) == 200
    assert [await put(bad) for bad in (-1, MOST + 1, 1.5, None)] == [422] * 4
    empty = await admin.put("/api/counters/b", headers=ADMIN)
    assert empty.status_code == 422
    deleted = await admin.delete("/api/counters/b", headers=ADMIN)
    assert deleted.status_code == 204
    again = await admin.delete("/api/counters/b", headers=ADMIN)
    assert again.status_code == 404


@pytest.mark.parametrize(
    "header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}]
)
async def test_without_the_token_nothing_is_set(
    admin: TestClientProtocol, header: dict[str, str]
) -> None:
    for method in (admin.put, admin.delete):
        response = await method("/api/counters/a", headers=header)
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"].lower().startswith("bearer")


async def test_without_an_admin_token_there_are_no_such_calls(database: str) -> None:
    async with create_app(**settings_for(database)).test_app() as serving:
        client = serving.test_client()
        for method in (client.put, client.delete):
            assert (await method("/api/counters/a", headers=ADMIN)).status_code == 404


async def test_keys_outlive_what_an_admin_does(admin: TestClientProtocol) -> None:
    _, first, _ = await increment(admin, Idempotency_Key="k")
    await admin.delete("/api/counters/a", headers=ADMIN)
    _, again, headers = await increment(admin, Idempotency_Key="k")
    assert again == first
    assert headers["idempotency-replayed"] == "true"


async def test_a_full_counter_refuses_and_changes_nothing(
    admin: TestClientProtocol,
) -> None:
    await admin.put(
        "/api/counters/full", data=f'{{"value": {MOST}}}', headers=ADMIN | JSON
    )
    status, problem, _ = await increment(admin, "full", Idempotency_Key="k")
    assert (status, problem["status"]) == (409, 409)
    await admin.put("/api/counters/full", data='{"value": 5}', headers=ADMIN | JSON)
    status, answer, headers = await increment(admin, "full", Idempotency_Key="k")
    assert (status, answer["value"]) == (200, 6)
    assert "idempotency-replayed" not in headers


async def test_without_a_database_an_increment_says_that_it_did_not_count() -> None:
    nowhere = "postgresql://u:s3cret@127.0.0.1:1/app"
    app = create_app(DATABASE_URL=nowhere, WAIT_SECONDS=1)
    async with app.test_app() as serving:
        client = serving.test_client()
        status, problem, headers = await increment(client, Idempotency_Key="k")
    assert (status, problem["outcome"]) == (503, "not-counted")
    assert int(headers["retry-after"]) >= 1


async def test_the_api_is_described(client: TestClientProtocol) -> None:
    described = await (await client.get("/openapi.json")).get_json()
    own = {
        path: set(operations)
        for path, operations in described["paths"].items()
        if path.startswith("/api/counters")
    }
    assert own == {
        "/api/counters": {"get"},
        "/api/counters/{name}": {"get", "put", "delete"},
        "/api/counters/{name}/days": {"get"},
        "/api/counters/{name}/events": {"get"},
        "/api/counters/{name}/increment": {"post"},
    }
    referred = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(described)))
    assert referred <= set(described["components"]["schemas"])
