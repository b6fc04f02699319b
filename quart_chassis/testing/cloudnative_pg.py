"""The database in deploy/cloudnative-pg keeps what it acknowledges; pods find it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from quart_chassis.settings import database_url
from quart_chassis.testing.manifests import (
    DATABASE,
    manifests,
    patches,
    pod_of,
    pods_settings,
    the,
    variables,
)
from quart_chassis.testing.servers import ROOT

with_database = pytest.mark.skipif(not DATABASE.exists(), reason="no database here")


@with_database
def test_nothing_that_was_acknowledged_is_lost() -> None:
    cluster = the("Cluster", DATABASE)["spec"]
    assert cluster["instances"] >= 3
    assert cluster["affinity"] == {"podAntiAffinityType": "required"}
    assert cluster["postgresql"]["synchronous"] == {
        "method": "any",
        "number": 1,
        "dataDurability": "required",
        "failoverQuorum": True,
    }


@with_database
def test_the_databases_parts_belong_together() -> None:
    cluster = the("Cluster", DATABASE)
    backup = the("ScheduledBackup", DATABASE)["spec"]
    name = {"name": cluster["metadata"]["name"]}
    assert the("Pooler", DATABASE)["spec"]["cluster"] == backup["cluster"] == name
    (plugin,) = cluster["spec"]["plugins"]
    store = the("ObjectStore", DATABASE)["metadata"]["name"]
    assert plugin["parameters"] == {"barmanObjectName": store}
    assert plugin["isWALArchiver"] is True
    assert backup["method"] == "plugin"
    assert backup["pluginConfiguration"] == {"name": plugin["name"]}
    budget = the("PodDisruptionBudget", DATABASE)["spec"]
    pooler = the("Pooler", DATABASE)["metadata"]["name"]
    assert budget["selector"]["matchLabels"] == {"cnpg.io/poolerName": pooler}


@with_database
def test_the_database_is_told_from_what_needs_it() -> None:
    """`kubectl apply -l` begins with it, by this label."""
    label = "app.kubernetes.io/component=database"
    assert f"-l {label}" in (ROOT / "docs" / "deploy.md").read_text("utf-8")
    name, value = label.split("=")
    labels = [each["metadata"]["labels"][name] for each in manifests(DATABASE)]
    assert set(labels) == {value}


@with_database
def test_pods_ask_for_the_database_by_names_in_its_certificate(tmp_path: Path) -> None:
    cluster, pooler = the("Cluster", DATABASE), the("Pooler", DATABASE)
    name, front = cluster["metadata"]["name"], pooler["metadata"]["name"]
    assert cluster["spec"]["certificates"] == {"serverAltDNSNames": [front]}
    web, migrate = (variables(patch) for patch in patches(DATABASE))
    asked = [
        (front, web["DATABASE_URL"]),
        (f"{name}-ro", web["REPLICA_URL"]),
        # The primary itself.
        (f"{name}-rw", migrate["DATABASE_URL"]),
    ]
    for host, url in asked:
        parsed = database_url.parse(expanded(url, tmp_path), "DATABASE_URL")
        assert parsed.hosts == host
        assert (parsed.password, parsed.database) == ("DB_PASSWORD", "DATABASE_NAME")
        assert all("sslmode=verify-full" in dsn for dsn in parsed.dsns)
    assert web["DB_POOLER"] == "true"
    assert pooler["spec"]["type"] == "rw"
    assert pooler["spec"]["pgbouncer"]["poolMode"] == "transaction"


@with_database
def test_pods_have_the_authoritys_certificate_and_not_its_key() -> None:
    name = the("Cluster", DATABASE)["metadata"]["name"]
    for patch in patches(DATABASE):
        (mount,) = pod_of(patch)["containers"][0]["volumeMounts"]
        (volume,) = pod_of(patch)["volumes"]
        assert volume["name"] == mount["name"]
        assert volume["secret"] == {
            "secretName": f"{name}-ca",
            "items": [{"key": "ca.crt", "path": "ca.crt"}],
        }
        urls = " ".join(variables(patch).values())
        named = re.findall(r"sslrootcert=(\S+)", urls)
        assert set(named) == {f"{mount['mountPath']}/ca.crt"}


@with_database
def test_pods_sign_in_as_the_operator_made_it() -> None:
    name = the("Cluster", DATABASE)["metadata"]["name"]
    for patch in patches(DATABASE):
        references = {
            each["name"]: each["valueFrom"]["secretKeyRef"]
            for each in pod_of(patch)["containers"][0]["env"]
            if "valueFrom" in each
        }
        assert references == {
            "DB_USERNAME": {"name": f"{name}-app", "key": "username"},
            "DB_PASSWORD": {"name": f"{name}-app", "key": "password"},
            "DATABASE_NAME": {"name": f"{name}-app", "key": "dbname"},
        }
        # A variable is known only to those that come after it.
        order = list(variables(patch))
        assert order.index("DATABASE_URL") == len(references)


@with_database
def test_the_application_takes_what_the_pods_have(tmp_path: Path) -> None:
    for patch in patches(DATABASE):
        own = variables(patch).items()
        ran = subprocess.run(
            [sys.executable, "manage.py", "routes"],
            cwd=ROOT,
            env={
                **os.environ,
                **pods_settings(),
                **{name: expanded(value, tmp_path) for name, value in own},
                "ENV_FOR_DYNACONF": "production",
                "SECRET_KEY": "k" * 32,
            },
            check=False,
            capture_output=True,
            text=True,
        )
        assert ran.returncode == 0, ran.stderr


def expanded(value: str, tmp_path: Path) -> str:
    """As Kubernetes expands it, with each variable's name as its value."""
    authority = tmp_path / "ca.crt"
    authority.touch()
    # A function, because paths of Windows look like escapes.
    value = re.sub(r"(?<=sslrootcert=)[^&]+", lambda _: str(authority), value)
    return re.sub(r"\$\((\w+)\)", r"\1", value)
