"""The settings of counting."""

import pytest

from my_app.counter_app.settings import CounterSettings
from quart_chassis.errors import UserError
from quart_chassis.project import Project


def load(project: Project, **overrides: object) -> CounterSettings:
    found: CounterSettings = project.create_app(**overrides).settings(CounterSettings)
    return found


def test_names_are_separated_by_commas(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load(project).COUNTER_NAMES == ()
    monkeypatch.setenv("COUNTER_NAMES", "a, b,,c ")
    assert load(project).COUNTER_NAMES == ("a", "b", "c")
    assert load(project, COUNTER_NAMES=["x"]).COUNTER_NAMES == ("x",)
    with pytest.raises(UserError, match=r"COUNTER_NAMES = 5 \(argument\)"):
        load(project, COUNTER_NAMES=5)


@pytest.mark.parametrize("name", ["Home", "a b", "-a", "a" * 65, "é"])
def test_a_name_that_no_counter_can_have_is_refused(
    project: Project, name: str
) -> None:
    with pytest.raises(
        UserError, match=r"COUNTER_NAMES has .*: a name must start with"
    ):
        load(project, COUNTER_NAMES=["a", name])


@pytest.mark.parametrize("name", ["MAX_AMOUNT", "BATCH_LIMIT", "QUEUE_LIMIT"])
def test_a_wrong_value_is_refused_by_name_value_and_place(
    project: Project, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "0")
    with pytest.raises(UserError) as raised:
        load(project)
    message = str(raised.value)
    assert message.startswith(f"{name} = '0' (environment variable)")
    assert "correct it" in message
    assert "\n" not in message


def test_amounts_that_could_overflow_in_one_commit_are_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_AMOUNT", str(2**63 - 1))
    with pytest.raises(UserError, match="MAX_AMOUNT times BATCH_LIMIT") as raised:
        load(project)
    assert "\n" not in str(raised.value)
