"""Every statement this feature sends.

Statements find rows by counter name, or old keys by time, and lock rows in name order:
two transactions that lock the same rows in different orders would deadlock.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Text,
    and_,
    any_,
    bindparam,
    column,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from my_app.counter_app.settings import LARGEST_VALUE
from my_app.counter_app.tables import counters, idempotency_keys

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


class Counter(NamedTuple):
    """A row of `counters`."""

    name: str
    value: int
    created_at: datetime
    updated_at: datetime


async def claim_keys(
    connection: AsyncConnection, amounts: Mapping[Key, int]
) -> dict[Key, Claim]:
    """Claim each key for its amount, and return each key's row.

    The statement waits for a key that an open transaction has claimed. The update
    changes no value, but it lets the statement see the row, and makes the replay's
    COMMIT wait for standbys like any other.
    """
    found = await connection.execute(_CLAIM_KEYS, _numbers(amounts))
    return {Key(name, key): Claim(amount, value) for name, key, amount, value in found}


async def add(
    connection: AsyncConnection, amounts: Mapping[str, int]
) -> dict[str, int]:
    """Add to each counter, creating new ones, and return the new values.

    A counter that would pass LARGEST_VALUE stays as it is and is not returned, but its
    row is locked. PostgreSQL does the sum: reading a value and writing it back would
    lose every increment made in between.
    """
    parameters = {"names": list(amounts), "numbers": list(amounts.values())}
    found = await connection.execute(_ADD, parameters)
    return {row.name: row.value for row in found}


async def store_values(connection: AsyncConnection, values: Mapping[Key, int]) -> None:
    """Store each claimed key's value, which its replays get."""
    await connection.execute(_STORE_VALUES, _numbers(values))


async def release_keys(connection: AsyncConnection, keys: Collection[Key]) -> None:
    """Delete claimed keys whose increments were refused."""
    columns = idempotency_keys.c
    for name, key in sorted(keys):
        found = (columns.counter_name == name, columns.key == key)
        await connection.execute(delete(idempotency_keys).where(*found))


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


async def read(connection: AsyncConnection, name: str) -> Counter | None:
    """The counter, or None if it does not exist."""
    found = await connection.execute(select(counters).where(counters.c.name == name))
    row = found.one_or_none()
    return Counter(*row) if row else None


async def read_values(
    connection: AsyncConnection, names: Collection[str]
) -> dict[str, int]:
    """The value of each of these counters that exists."""
    statement = select(counters.c.name, counters.c.value).where(
        counters.c.name == any_(bindparam("names", type_=ARRAY(Text)))
    )
    found = await connection.execute(statement, {"names": list(names)})
    return {row.name: row.value for row in found}


async def read_page(
    connection: AsyncConnection, limit: int, after: str
) -> list[Counter]:
    """Up to `limit` counters with names past `after`, in name order."""
    statement = select(counters).where(counters.c.name > after)
    found = await connection.execute(statement.order_by(counters.c.name).limit(limit))
    return [Counter(*row) for row in found]


async def put(connection: AsyncConnection, name: str, value: int) -> Counter:
    """Set the counter, creating it if it is new, and return it."""
    row = insert(counters).values(name=name, value=value)
    new = row.excluded
    statement = row.on_conflict_do_update(
        index_elements=[counters.c.name],
        set_={"value": new.value, "updated_at": new.updated_at},
    ).returning(counters)
    return Counter(*(await connection.execute(statement)).one())


async def remove(connection: AsyncConnection, name: str) -> bool:
    """Delete the counter; False if it did not exist."""
    statement = delete(counters).where(counters.c.name == name)
    return (await connection.execute(statement)).rowcount > 0


def _numbers(by_key: Mapping[Key, int]) -> dict[str, list[Any]]:
    """The parameters of statements that take one number per key."""
    return {
        "counter_names": [key.counter_name for key in by_key],
        "keys": [key.key for key in by_key],
        "numbers": list(by_key.values()),
    }


def _rows(**types: type[Text | BigInteger]) -> Any:
    """Columns of these types, read from array parameters: NAME's array is NAMEs."""
    arrays = (bindparam(f"{name}s", type_=ARRAY(kind)) for name, kind in types.items())
    columns = (column(name, kind) for name, kind in types.items())
    return func.unnest(*arrays).table_valued(*columns).render_derived().c


def _make_claim_keys() -> Any:
    given = _rows(counter_name=Text, key=Text, number=BigInteger)
    ordered = select(*given).order_by(given.counter_name, given.key)
    own = idempotency_keys.c
    claims = insert(idempotency_keys).from_select(
        ["counter_name", "key", "amount"], ordered
    )
    return claims.on_conflict_do_update(
        index_elements=[own.counter_name, own.key], set_={"amount": own.amount}
    ).returning(own.counter_name, own.key, own.amount, own.value)


def _make_add() -> Any:
    given = _rows(name=Text, number=BigInteger)
    ordered = select(*given).order_by(given.name)
    added = insert(counters).from_select(["name", "value"], ordered)
    own, new = counters.c, added.excluded
    return added.on_conflict_do_update(
        index_elements=[own.name],
        set_={"value": own.value + new.value, "updated_at": new.updated_at},
        where=own.value <= LARGEST_VALUE - new.value,
    ).returning(own.name, own.value)


def _make_store_values() -> Any:
    given = _rows(counter_name=Text, key=Text, number=BigInteger)
    own = idempotency_keys.c
    return (
        update(idempotency_keys)
        .values(value=given.number)
        .where(own.counter_name == given.counter_name, own.key == given.key)
    )


_CLAIM_KEYS = _make_claim_keys()
_ADD = _make_add()
_STORE_VALUES = _make_store_values()
