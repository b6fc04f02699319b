"""Manifests for Kubernetes name what there is, and what people edit reaches them."""

import re
from pathlib import Path

import pytest

from quart_chassis import features
from quart_chassis.application import Application
from quart_chassis.project import Project
from quart_chassis.settings import loading
from quart_chassis.testing.deployment import STOP_SECONDS
from quart_chassis.testing.manifests import (
    APPLICATION,
    FOLDERS,
    field,
    generators,
    kustomization,
    manifests,
    patches,
    pod_of,
    pods_settings,
    the,
    values_of,
    variables,
)
from quart_chassis.testing.servers import ROOT

COMPONENT = "app.kubernetes.io/component"

kubernetes = pytest.mark.skipif(not FOLDERS, reason="no deploy/kubernetes here")
each_folder = pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)


@each_folder
def test_a_kustomization_names_all_that_is_in_its_folder(folder: Path) -> None:
    described = kustomization(folder)
    named = {*described["resources"]}
    named |= {each["path"] for each in described.get("patches", [])}
    named |= {name for each in described["configMapGenerator"] for name in each["envs"]}
    assert all((folder / name).exists() for name in named)
    there = {path.name for path in folder.iterdir()} - {"kustomization.yaml"}
    assert there == {name for name in named if not name.startswith("../")}


@each_folder
def test_each_value_is_put_somewhere(folder: Path) -> None:
    (values,) = generators(folder, settings=False)
    annotations = values["options"]["annotations"]
    assert annotations == {"config.kubernetes.io/local-config": "true"}
    sources = [each["source"] for each in kustomization(folder)["replacements"]]
    assert {each["name"] for each in sources} == {values["name"]}
    put = sorted(each["fieldPath"] for each in sources)
    assert put == sorted(f"data.{name}" for name in values_of(folder, values))


@each_folder
def test_each_replacement_finds_its_fields(folder: Path) -> None:
    for replacement in kustomization(folder)["replacements"]:
        for target in replacement["targets"]:
            chosen = the(target["select"]["kind"], folder)
            assert target["select"]["name"] == chosen["metadata"]["name"]
            for path in target["fieldPaths"]:
                assert isinstance(field(chosen, path), str | int), path


@kubernetes
def test_each_patch_changes_something_that_is_there() -> None:
    known = {
        (each["kind"], each["metadata"]["name"]) for each in manifests(APPLICATION)
    }
    for folder in FOLDERS:
        for patch in patches(folder):
            assert (patch["kind"], patch["metadata"]["name"]) in known
            (container,) = pod_of(the(patch["kind"], APPLICATION))["containers"]
            assert pod_of(patch)["containers"][0]["name"] == container["name"]


@kubernetes
def test_pods_have_only_settings_as_variables() -> None:
    owners = features.settings_of(features.features_of(Project.at(ROOT)))
    named = {*pods_settings()}
    for patch in (patch for folder in FOLDERS for patch in patches(folder)):
        named |= variables(patch).keys()
    for kind in ("Deployment", "Job"):
        named |= variables(the(kind, APPLICATION)).keys()
        (container,) = pod_of(the(kind, APPLICATION))["containers"]
        (generator,) = generators(APPLICATION, settings=True)
        assert container["envFrom"] == [
            {"configMapRef": {"name": generator["name"]}},
            {"secretRef": {"name": Project.at(ROOT).name}},
        ]
    assert named
    assert named - loading.declared(owners).keys() == set()


@kubernetes
def test_probes_are_routes(app: Application) -> None:
    (web,) = pod_of(the("Deployment", APPLICATION))["containers"]
    probes = ("startupProbe", "livenessProbe", "readinessProbe")
    probed = [web[probe]["httpGet"]["path"] for probe in probes]
    assert probed == ["/livez", "/livez", "/readyz"]
    assert set(probed) <= {rule.rule for rule in app.url_map.iter_rules()}


@kubernetes
@pytest.mark.parametrize("kind", ["Deployment", "Job"])
def test_pods_may_do_only_what_they_must(kind: str) -> None:
    pod = pod_of(the(kind, APPLICATION))
    # A Service named db would set DB_PORT, which is a setting.
    assert pod["enableServiceLinks"] is False
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert [each["securityContext"] for each in pod["containers"]] == [
        {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
    ]


@kubernetes
def test_whoever_stops_a_pod_waits_for_it() -> None:
    pod = pod_of(the("Deployment", APPLICATION))
    (web,) = pod["containers"]
    sleep, seconds = web["lifecycle"]["preStop"]["exec"]["command"]
    assert sleep == "sleep"
    assert pod["terminationGracePeriodSeconds"] > STOP_SECONDS + int(seconds)


@kubernetes
def test_what_comes_before_the_web_is_told_from_it() -> None:
    """`kubectl apply -l` takes a release apart by this label."""
    first = f"-l '{COMPONENT}!=web'"
    assert first in (ROOT / "docs" / "deploy.md").read_text("utf-8")
    components = {
        each["kind"]: each["metadata"]["labels"][COMPONENT]
        for each in manifests(APPLICATION)
    }
    assert components.pop("Job") == "migrate"
    assert set(components.values()) == {"web"}


@kubernetes
def test_manifests_have_the_projects_name() -> None:
    name = Project.at(ROOT).name
    for folder in FOLDERS:
        for each in (*manifests(folder), *patches(folder)):
            assert re.fullmatch(rf"{name}(-[a-z]+)?", each["metadata"]["name"])
    for kind in ("Deployment", "Job"):
        (container,) = pod_of(the(kind, APPLICATION))["containers"]
        assert re.fullmatch(rf"\S+/{name}:\S+", container["image"])
