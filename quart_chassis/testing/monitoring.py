"""The monitoring files, and what the application really tells.

`monitoring/` is about any application; a feature may have a folder of that name, too.
"""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from quart.typing import TestClientProtocol

from quart_chassis.project import Project
from quart_chassis.testing.servers import ROOT

PROJECT = Project.at(ROOT)
FOLDERS = [
    ROOT / "monitoring",
    *sorted((ROOT / PROJECT.package).glob("*/monitoring")),
]
DASHBOARDS = [path for each in FOLDERS for path in each.glob("dashboard.json")]
# What `promtool test rules` plays against the alerts.
PLAYED = sorted((ROOT / "tests").rglob("alerts.yml"))
FAMILY = re.compile(r"^# TYPE (\S+) (\w+)$", re.MULTILINE)
WORD = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b(?! *\()")


async def exposed(client: TestClientProtocol) -> str:
    await client.get("/")
    return await (await client.get("/metrics")).get_data(as_text=True)


def dashboard_expressions() -> list[str]:
    dashboards = [json.loads(path.read_text("utf-8")) for path in DASHBOARDS]
    return [
        target["expr"]
        for dashboard in dashboards
        for panel in dashboard["panels"]
        for target in panel["targets"]
    ]


def rule_expressions() -> list[str]:
    rules = "".join((each / "alerts.yml").read_text("utf-8") for each in FOLDERS)
    found = re.findall(r"expr: (?:>\n)?(.*?)\n +(?:for|labels):", rules, re.DOTALL)
    assert len(found) == rules.count("- alert:")
    return found


def names_in(expressions: list[str]) -> set[str]:
    # What stands in braces is labels, in brackets a time.
    plain = (re.sub(r"\{.*?\}|\[.*?\]", "", each) for each in expressions)
    return {word for each in plain for word in WORD.findall(each)}


async def test_dashboards_and_rules_name_what_is_told(
    client: TestClientProtocol,
) -> None:
    text = await exposed(client)
    told = set(re.findall(r"^([a-z_]+)", text, re.MULTILINE))
    assert names_in(dashboard_expressions() + rule_expressions()) - told == set()


@pytest.mark.skipif(not DASHBOARDS, reason="no dashboard here")
async def test_the_dashboards_show_all_that_is_told(
    client: TestClientProtocol,
) -> None:
    shown = " ".join(dashboard_expressions())
    for family, kind in FAMILY.findall(await exposed(client)):
        assert family + ("_bucket" * (kind == "histogram")) in shown


def test_jobs_and_alerts_have_the_projects_name() -> None:
    texts = [path.read_text("utf-8") for each in FOLDERS for path in each.iterdir()]
    prefix = PROJECT.package.title().replace("_", "")
    alerts = re.findall(r"alert: (\w+)", "".join(texts))
    assert alerts
    assert all(alert.startswith(prefix) for alert in alerts)
    jobs = {job for text in texts for job in re.findall(r'job="([\w-]+)"', text)}
    scraped = re.findall(r"job_name: (\S+)", "".join(texts))
    assert jobs == {PROJECT.name}
    assert scraped == [PROJECT.name]


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
    promtool("check", "rules", *(str(each / "alerts.yml") for each in FOLDERS))


def test_alerts_fire_when_they_should() -> None:
    assert len(PLAYED) == len(FOLDERS)
    promtool("test", "rules", *map(str, PLAYED))


async def test_names_follow_the_conventions(client: TestClientProtocol) -> None:
    text = await exposed(client)
    await asyncio.to_thread(promtool, "check", "metrics", text=text)
