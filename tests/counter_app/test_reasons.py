"""What the log says when increments cannot be committed."""

import asyncpg
import pytest
from structlog.testing import capture_logs

from my_app.application import create_app
from quart_chassis.testing.one_database import needs_its_own

FULL_DISK = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER t BEFORE INSERT ON counters FOR EACH ROW EXECUTE FUNCTION full_disk()
"""


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("BEGIN; LOCK TABLE counters", "LockNotAvailableError: canceling statement"),
        ("ALTER TABLE counters ADD CHECK (value < 1)", "CheckViolationError: new row"),
        ("ALTER TABLE counters RENAME TO other", "UndefinedTableError: relation"),
        (FULL_DISK, "DiskFullError: could not extend file"),
    ],
)
async def test_the_reason_is_the_first_error(
    database: str, statement: str, reason: str
) -> None:
    needs_its_own()
    other = await asyncpg.connect(database)
    await other.execute(statement)
    app = create_app(DATABASE_URL=database, WAIT_SECONDS=1)
    async with app.test_app() as serving:
        with capture_logs() as logged:
            path = "/api/counters/a/increment"
            answered = await serving.test_client().post(path)
    await other.close()
    assert answered.status_code == 503
    reasons = [
        each["reason"]
        for each in logged
        if each["event"] == "increments were not committed"
    ]
    assert reasons
    assert all(each.startswith(reason) for each in reasons), reasons
