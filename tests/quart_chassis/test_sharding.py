"""What Citus would refuse is found without it."""

from typing import Any

import pytest
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Index,
    MetaData,
    Select,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    literal,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint, insert

from quart_chassis.testing.sharding import (
    problems_of_statement,
    problems_of_table,
    sharded_by,
)

SHARDED = sharded_by(
    "SELECT create_distributed_table('orders', 'shop');\n"
    "SELECT create_distributed_table('lines', 'shop', colocate_with => 'orders');"
)
metadata = MetaData()
orders = Table(
    "orders",
    metadata,
    Column("shop", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("total", BigInteger),
    Column("changed", DateTime, server_default=func.now()),
)
lines = Table(
    "lines",
    metadata,
    Column("shop", Text, primary_key=True),
    Column("line", BigInteger, primary_key=True),
    Column("total", BigInteger),
)
taxes = Table("taxes", metadata, Column("rate", BigInteger, primary_key=True))

given = func.unnest(bindparam("shops")).table_valued("shop").render_derived().c
ours = orders.c.shop == bindparam("of_shop")
row = insert(orders).values(shop="a", number=1, total=1)
KEY = [orders.c.shop, orders.c.number]


def upsert(**changes: Any) -> Any:
    return row.on_conflict_do_update(index_elements=KEY, set_=changes)


def from_select(source: Select[Any]) -> Any:
    return insert(lines).from_select(["shop", "line"], source)


FIT = (
    row,
    upsert(total=orders.c.total + row.excluded.total).returning(orders.c.total + 1),
    from_select(select(given.shop, literal(1)).order_by(given.shop)),
    from_select(select(orders.c.shop, func.now()).where(ours)),
    update(orders).values(total=given.shop).where(orders.c.shop == given.shop),
    delete(orders).where(orders.c.changed < func.now()),
    select(func.sum(orders.c.total)),
    select(orders).where(ours).with_for_update(),
    select(taxes).with_for_update(skip_locked=True),
    update(taxes).values(rate=func.random()),
)
DO_NOT_FIT = {
    "DO UPDATE calls": upsert(changed=func.now()),
    "RETURNING calls": row.returning(func.now()),
    "ON CONFLICT lacks shop": row.on_conflict_do_nothing(index_elements=["number"]),
    "it changes shop": upsert(shop="b"),
    "changes shop": update(orders).values(shop="b").where(ours),
    "does not give shop": insert(orders).values(number=1),
    "no column that shards": from_select(select(orders.c.total, literal(1))),
    "has a LIMIT": from_select(select(given.shop, literal(1)).limit(1)),
    "SET calls": update(orders).values(changed=func.now()),
    "for a column": delete(orders).where(func.age(orders.c.changed) > "1 day"),
    "subquery": delete(orders).where(orders.c.number.in_(select(taxes.c.rate))),
    "joins otherwise": update(orders)
    .values(total=given.shop)
    .where(orders.c.number == given.shop),
    "skips": select(orders).where(ours).with_for_update(skip_locked=True),
    "locks rows": select(orders).with_for_update(),
    "reads two": select(orders.c.total, lines.c.total),
    "WITH": select(select(orders).cte().c.total),
    "window": select(func.row_number().over(order_by=orders.c.total)),
    "ctid": select(orders.c.total, literal_column("ctid")),
    "is text": text("SELECT 1"),
    "has none": insert(taxes).from_select(["rate"], select(orders.c.total)),
    "no shards, by one": update(taxes).values(rate=orders.c.total),
}


@pytest.mark.parametrize("statement", FIT, ids=str)
def test_what_citus_does_is_no_problem(statement: Any) -> None:
    assert list(problems_of_statement(statement, SHARDED)) == []


@pytest.mark.parametrize("problem", DO_NOT_FIT)
def test_a_statement_that_citus_refuses_is_found(problem: str) -> None:
    found = list(problems_of_statement(DO_NOT_FIT[problem], SHARDED))
    assert [each for each in found if problem in each]


def test_keys_that_hold_in_a_shard_only_are_found() -> None:
    fitting = UniqueConstraint("shop", "total", name="per_shop")
    table = Table(
        "orders",
        MetaData(),
        *(Column(name, Text) for name in ("shop", "total")),
        Column("number", BigInteger, ForeignKey(taxes.c.rate), primary_key=True),
        UniqueConstraint("total", name="total"),
        ExcludeConstraint(("shop", "="), name="excluded"),
        Index("number_index", "number", unique=True),
        Index("plain", "total"),
        fitting,
    )
    found = sorted(problems_of_table(table, SHARDED))
    assert [each.split()[0] for each in found] == [
        "None",
        "a",
        "excluded",
        "number_index",
        "total",
    ]


def test_a_foreign_key_within_the_shard_fits() -> None:
    assert list(problems_of_table(orders, SHARDED)) == []
