"""Kustomize, where it is installed, puts what people edit where it belongs."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from quart_chassis.testing.manifests import (
    APPLICATION,
    DATABASE,
    DEPLOY,
    FOLDERS,
    Manifest,
    patches,
    pod_of,
    pods_settings,
    variables,
)

EDITED = {
    "kubernetes/deployment.env": {
        "IMAGE": "images.example/other:2",
        "REPLICAS": "7",
        "DOMAIN": "other.example",
        "TLS_SECRET": "other-tls",
    },
    "cloudnative-pg/database.env": {
        "POSTGRES_IMAGE": "images.example/postgresql:18.9",
        "MEMORY": "3Gi",
        "STORAGE": "77Gi",
        "BACKUP_PATH": "s3://other/place",
        "BACKUP_ENDPOINT": "",
        "BACKUP_RETENTION": "9w",
    },
}


@pytest.fixture
def kubectl() -> str:
    """The program. A test that asks for it is skipped without it, and without ours."""
    found = shutil.which("kubectl")
    if not found or not APPLICATION.exists():
        pytest.skip("no kubectl or no manifests here")
    version = output_of(found, "version", "--client", "--output=json")
    if not re.search(r'"kustomizeVersion": "v([5-9]|\d\d)', version):
        pytest.skip("this kubectl is older than kustomize 5")
    return found


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_kustomize_puts_each_value_where_it_belongs(
    kubectl: str, folder: Path, tmp_path: Path
) -> None:
    built = built_with(kubectl, folder, tmp_path, EDITED)
    for workload in (built["Deployment"], built["Job"]):
        (container,) = pod_of(workload)["containers"]
        assert container["image"] == "images.example/other:2"
        generated = container["envFrom"][0]["configMapRef"]["name"]
        assert generated == built["ConfigMap"]["metadata"]["name"]
    assert built["ConfigMap"]["data"] == pods_settings()
    assert built["Deployment"]["spec"]["replicas"] == 7
    ingress = built["Ingress"]["spec"]
    assert [rule["host"] for rule in ingress["rules"]] == ["other.example"]
    assert ingress["tls"] == [{"hosts": ["other.example"], "secretName": "other-tls"}]
    own = {patch["kind"]: variables(patch) for patch in patches(folder)}
    assert own == {kind: variables(built[kind]) for kind in own}


@pytest.mark.skipif(not DATABASE.exists(), reason="no database here")
def test_kustomize_puts_the_databases_values_there(
    kubectl: str, tmp_path: Path
) -> None:
    built = built_with(kubectl, DATABASE, tmp_path, EDITED)
    cluster, store = built["Cluster"]["spec"], built["ObjectStore"]["spec"]
    assert cluster["imageName"] == "images.example/postgresql:18.9"
    assert cluster["storage"] == {"size": "77Gi"}
    assert cluster["resources"]["requests"]["memory"] == "3Gi"
    assert cluster["resources"]["limits"]["memory"] == "3Gi"
    assert store["configuration"]["destinationPath"] == "s3://other/place"
    assert store["configuration"]["endpointURL"] == ""
    assert store["retentionPolicy"] == "9w"


def test_a_changed_setting_starts_new_pods(kubectl: str, tmp_path: Path) -> None:
    names = []
    for workers in ("1", "2", "2"):
        edits = {"kubernetes/settings.env": {"WORKERS": workers}}
        built = built_with(kubectl, APPLICATION, tmp_path, edits)
        names.append(built["ConfigMap"]["metadata"]["name"])
    assert names[0] != names[1] == names[2]


def built_with(
    kubectl: str, folder: Path, tmp_path: Path, edits: dict[str, dict[str, str]]
) -> dict[str, Manifest]:
    """What kustomize makes of it, by kind, after somebody edited the files."""
    shutil.copytree(DEPLOY, tmp_path, dirs_exist_ok=True)
    for file, values in edits.items():
        if (path := tmp_path / file).exists():
            lines = (f"{name}={value}\n" for name, value in values.items())
            path.write_text("".join(lines), "utf-8")
    built = output_of(kubectl, "kustomize", str(tmp_path / folder.name))
    return {each["kind"]: each for each in yaml.safe_load_all(built)}


def output_of(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
