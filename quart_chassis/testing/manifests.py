"""The manifests in deploy/, read without kustomize, which may be absent."""

import re
from pathlib import Path
from typing import Any

import yaml

from quart_chassis.settings import sources
from quart_chassis.testing.servers import ROOT

DEPLOY = ROOT / "deploy"
APPLICATION = DEPLOY / "kubernetes"
DATABASE = DEPLOY / "cloudnative-pg"
FOLDERS = [folder for folder in (APPLICATION, DATABASE) if folder.exists()]

Manifest = dict[str, Any]


def kustomization(folder: Path) -> Manifest:
    (described,) = read(folder / "kustomization.yaml")
    return described


def generators(folder: Path, *, settings: bool) -> list[Manifest]:
    """The ConfigMaps that are made: the pods' settings, or values for replacements."""
    made: list[Manifest] = kustomization(folder).get("configMapGenerator", [])
    return [each for each in made if settings == ("options" not in each)]


def values_of(folder: Path, generator: Manifest) -> dict[str, str]:
    (file,) = generator["envs"]
    return sources.variables_of(folder / file)


def pods_settings() -> dict[str, str]:
    """What settings.env gives the pods."""
    (generator,) = generators(APPLICATION, settings=True)
    return values_of(APPLICATION, generator)


def manifests(folder: Path) -> list[Manifest]:
    """The folder's own resources."""
    named = kustomization(folder)["resources"]
    files = [folder / name for name in named if not name.startswith("../")]
    return [each for file in files for each in read(file)]


def patches(folder: Path) -> list[Manifest]:
    named = kustomization(folder).get("patches", [])
    return [each for patch in named for each in read(folder / patch["path"])]


def the(kind: str, folder: Path) -> Manifest:
    (found,) = [each for each in manifests(folder) if each["kind"] == kind]
    return found


def pod_of(workload: Manifest) -> Manifest:
    """The pod of a Deployment or a Job, or the part that a patch has of it."""
    pod: Manifest = workload["spec"]["template"]["spec"]
    return pod


def variables(workload: Manifest) -> dict[str, str]:
    """The variables of its container, with the value or the Secret's key."""
    (container,) = pod_of(workload)["containers"]
    return {
        each["name"]: each.get("value") or each["valueFrom"]["secretKeyRef"]["key"]
        for each in container.get("env", [])
    }


def field(manifest: Any, path: str) -> Any:
    """What is at a replacement's `fieldPath`."""
    for part in re.findall(r"\[[^\]]+\]|[^.\[\]]+", path):
        if part.startswith("["):
            name, _, value = part.strip("[]").partition("=")
            (manifest,) = [each for each in manifest if each[name] == value]
        else:
            manifest = manifest[int(part) if part.isdigit() else part]
    return manifest


def read(path: Path) -> list[Manifest]:
    return list(yaml.safe_load_all(path.read_text("utf-8")))
