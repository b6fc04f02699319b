import threading
from pathlib import Path

import pytest

from quart_chassis.locks import locked, try_lock
from quart_chassis.testing.waiting import HANG_SECONDS


def test_one_at_a_time_holds_a_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    first = try_lock(path)
    assert first is not None
    assert try_lock(path) is None
    first.close()
    second = try_lock(path)
    assert second is not None
    second.close()


def test_a_file_that_cannot_be_locked_is_not_waited_for(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        try_lock(tmp_path / "absent" / "lock")
    with pytest.raises(IsADirectoryError):
        try_lock(tmp_path)


def test_who_waits_is_told_once_and_gets_its_turn(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    order: list[str] = []
    told = threading.Event()

    def wait() -> None:
        with locked(path, told.set):
            order.append("second")

    with locked(path, lambda: order.append("never")):
        thread = threading.Thread(target=wait)
        thread.start()
        assert told.wait(HANG_SECONDS)
        order.append("first")
    thread.join(HANG_SECONDS)
    assert order == ["first", "second"]
