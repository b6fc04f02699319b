"""The files under monitoring/ and what the application really tells."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from quart.typing import TestClientProtocol

from tests.servers import ROOT

MONITORING = ROOT / "monitoring"
FAMILY = re.compile(r"^# TYPE (\S+) (\w+)$", re.MULTILINE)
WORD = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b(?! *\()")


async def exposed(client: TestClientProtocol) -> str:
    await client.get("/")
    return await (await client.get("/metrics")).get_data(as_text=True)


def dashboard_expressions() -> list[str]:
    dashboard = json.loads((MONITORING / "dashboard.json").read_text("utf-8"))
    return [
        target["expr"] for panel in dashboard["panels"] for target in panel["targets"]
    ]


def rule_expressions() -> list[str]:
    rules = (MONITORING / "alerts.yml").read_text("utf-8")
    return re.findall(r"expr: (?:>\n)?(.*?)\n +(?:for|labels):", rules, re.DOTALL)


def names_in(expressions: list[str]) -> set[str]:
    # What stands in braces is labels, in brackets a time.
    plain = (re.sub(r"\{.*?\}|\[.*?\]", "", each) for each in expressions)
    return {word for each in plain for word in WORD.findall(each)}


async def test_dashboard_and_rules_name_what_is_told(
    client: TestClientProtocol,
) -> None:
    text = await exposed(client)
    told = set(re.findall(r"^([a-z_]+)", text, re.MULTILINE))
    assert len(dashboard_expressions()) >= 10
    assert len(rule_expressions()) == 9
    assert names_in(dashboard_expressions() + rule_expressions()) - told == set()


async def test_the_dashboard_shows_all_that_is_told(
    client: TestClientProtocol,
) -> None:
    shown = " ".join(dashboard_expressions())
    for family, kind in FAMILY.findall(await exposed(client)):
        assert family + ("_bucket" * (kind == "histogram")) in shown


def promtool(*words: str, text: str = "") -> None:
    if not shutil.which("promtool"):
        if os.environ.get("CI") == "true" and sys.platform == "linux":
            pytest.fail("no promtool on PATH; install Debian's prometheus")
        pytest.skip("no promtool on PATH")
    ran = subprocess.run(
        ["promtool", *words],
        cwd=ROOT,
        input=text,
        check=False,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_promtool_takes_the_files() -> None:
    promtool("check", "config", "monitoring/prometheus.yml")
    promtool("check", "rules", "monitoring/alerts.yml")


def test_alerts_fire_when_they_should() -> None:
    promtool("test", "rules", "tests/alerts.yml")


async def test_names_follow_the_conventions(client: TestClientProtocol) -> None:
    text = await exposed(client)
    await asyncio.to_thread(promtool, "check", "metrics", text=text)
