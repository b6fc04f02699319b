"""Every statement about Idempotency-Keys.

Statements find rows by counter name, or old keys by time, and lock them in the order of
names and keys.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Text,
    and_,
    bindparam,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from my_app.counter_app.tables import idempotency_keys, unnested
from quart_chassis.database import Statement, Succession

# 24 hours are promised; the extra hour covers queues, clocks and failover.
KEPT = timedelta(hours=25)
SLICE = timedelta(seconds=1)
# Any number will do, as long as no other program on this database uses it.
FORGETTING_LOCK = 7_310_571_002


class Key(NamedTuple):
    """An Idempotency-Key; each counter has its own."""

    counter_name: str
    key: str


class Claim(NamedTuple):
    """The row of a key; `value` is None if this transaction must count it."""

    amount: int
    value: int | None


async def claim_keys(
    connection: Succession, amounts: Mapping[Key, int]
) -> dict[Key, Claim]:
    """Claim each key for its amount, and return each key's row.

    The statement waits for a key that an open transaction has claimed. The update
    changes no value, but it lets the statement see the row, and makes the replay's
    COMMIT wait for standbys like any other.
    """
    found = await connection.fetch(_CLAIM_KEYS, **_numbers(amounts))
    return {Key(name, key): Claim(amount, value) for name, key, amount, value in found}


async def store_values(connection: Succession, values: Mapping[Key, int]) -> None:
    """Store each claimed key's value, which its replays get."""
    await connection.fetch(_STORE_VALUES, **_numbers(values))


async def release_keys(connection: Succession, keys: Collection[Key]) -> None:
    """Delete claimed keys whose increments were refused."""
    for name, key in sorted(keys):
        await connection.fetch(_RELEASE_KEY, name=name, key=key)


async def forget_keys(
    connection: AsyncConnection, after: datetime | None
) -> datetime | None:
    """Delete old keys that were claimed within one second; return where to go on.

    `after` is the previous call's result. The result is None when no old keys are left
    or another worker is deleting them. The statements find rows by time alone, which
    works on a sharded table too.
    """
    lock = select(func.pg_try_advisory_xact_lock(FORGETTING_LOCK))
    if not (await connection.execute(lock)).scalar_one():
        return None
    created_at = idempotency_keys.c.created_at
    too_old = created_at < func.now() - KEPT
    if after is not None:
        too_old = and_(too_old, created_at >= after)
    oldest: datetime | None = (
        await connection.execute(select(func.min(created_at)).where(too_old))
    ).scalar_one()
    if oldest is None:
        return None
    end = oldest + SLICE
    found = (created_at >= oldest, created_at < end, too_old)
    await connection.execute(delete(idempotency_keys).where(*found))
    return end


def _numbers(by_key: Mapping[Key, int]) -> dict[str, list[Any]]:
    """The parameters of statements that take one number per key."""
    return {
        "counter_names": [key.counter_name for key in by_key],
        "keys": [key.key for key in by_key],
        "numbers": list(by_key.values()),
    }


def _make_claim_keys() -> Any:
    given = unnested(counter_name=Text, key=Text, number=BigInteger)
    ordered = select(*given).order_by(given.counter_name, given.key)
    own = idempotency_keys.c
    claims = insert(idempotency_keys).from_select(
        ["counter_name", "key", "amount"], ordered
    )
    return claims.on_conflict_do_update(
        index_elements=[own.counter_name, own.key], set_={"amount": own.amount}
    ).returning(own.counter_name, own.key, own.amount, own.value)


def _make_store_values() -> Any:
    given = unnested(counter_name=Text, key=Text, number=BigInteger)
    own = idempotency_keys.c
    return (
        update(idempotency_keys)
        .values(value=given.number)
        .where(own.counter_name == given.counter_name, own.key == given.key)
    )


def _make_release_key() -> Any:
    own = idempotency_keys.c
    found = (own.counter_name == bindparam("name"), own.key == bindparam("key"))
    return delete(idempotency_keys).where(*found)


_CLAIM_KEYS = Statement(_make_claim_keys())
_STORE_VALUES = Statement(_make_store_values())
_RELEASE_KEY = Statement(_make_release_key())
