"""Which files of a project change, while `run --reload` goes on."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

from quart_chassis.project import Project

# In the project's root; watched one by one, because the rest of it is large.
SETTINGS_FILES = (".env", "settings.toml", "pyproject.toml")
# What a browser shows without a restart of the server.
SHOWN_FOLDERS = {"static", "templates"}
TICK_MILLISECONDS = 200

Stamps = dict[Path, tuple[int, int, int]]


class Stop:
    """Whether a signal asked for the end.

    threading.Event has a lock, for which the handler of a second signal would wait for
    ever while the first one's holds it.
    """

    def __init__(self) -> None:
        self._asked = False

    def set(self, *_: object) -> None:
        """Ask for the end; a handler of signals."""
        self._asked = True

    def is_set(self) -> bool:
        return self._asked


def watch(project: Project, stop: Stop) -> Iterator[list[Path]]:
    """The files that changed since the last time, until `stop` is set.

    The list is empty five times a second, so that the caller can look after other
    things. Where watchfiles is not installed, every file is looked at instead.
    """
    chassis = Path(__file__).parents[1]
    folders = {project.root / project.package, chassis, project.root / "migrations"}
    present = [folder for folder in folders if folder.is_dir()]
    settings_files = [project.root / name for name in SETTINGS_FILES]
    if not find_spec("watchfiles"):
        yield from _looked_at(lambda: [*settings_files, *_files_in(present)], stop)
        return
    told = _told(present, stop)
    for changed in _looked_at(lambda: settings_files, stop, wait=False):
        yield changed + next(told, [])


def is_shown(path: Path) -> bool:
    """Whether a browser can show the change without a restart of the server."""
    return path.suffix != ".py" and bool(SHOWN_FOLDERS & {*path.parts[:-1]})


def _counts(path: Path) -> bool:
    """Whether a change of the file is a change of the application."""
    if (
        path.name.startswith(".")
        or path.name.endswith("~")
        or "__pycache__" in path.parts
    ):
        return False
    # A folder that was moved is told by its own name only. Vim tries whether it can
    # write with a file `4913`.
    folder = not path.suffix and path.name.isidentifier()
    return folder or path.suffix == ".py" or is_shown(path)


def _told(folders: list[Path], stop: Stop) -> Iterator[list[Path]]:
    """The files that the operating system says have changed."""
    import watchfiles  # noqa: PLC0415 - may be missing

    def counts(change: watchfiles.Change, path: str) -> bool:
        # Polling tells a folder, too, when something in it came or went.
        of_folder = change is watchfiles.Change.modified and Path(path).is_dir()
        return not of_folder and _counts(Path(path))

    found = watchfiles.watch(
        *folders,
        watch_filter=counts,
        stop_event=stop,
        rust_timeout=TICK_MILLISECONDS,
        yield_on_timeout=True,
        # The caller's signal handler sets `stop`.
        raise_interrupt=False,
        ignore_permission_denied=True,
    )
    for changes in found:
        # A file that came and went is how an editor saves another one.
        kinds = Counter(path for _change, path in changes)
        passing = {
            path for path in kinds if kinds[path] > 1 and not Path(path).exists()
        }
        yield sorted(Path(path) for path in kinds.keys() - passing)


def _looked_at(
    files: Callable[[], Iterable[Path]], stop: Stop, wait: bool = True
) -> Iterator[list[Path]]:
    """The files whose size or time of change is another one than before."""
    before = _stamps(files())
    while not stop.is_set():
        if wait:
            # No event loop runs here, and nothing tells of a change without watchfiles.
            time.sleep(TICK_MILLISECONDS / 1000)
        now = _stamps(files())
        yield sorted(path for path in before | now if before.get(path) != now.get(path))
        before = now


def _stamps(files: Iterable[Path]) -> Stamps:
    stamps: Stamps = {}
    for path in files:
        try:
            found = path.stat()
        except OSError:
            # Not there, or just deleted.
            continue
        stamps[path] = (found.st_mtime_ns, found.st_size, found.st_ino)
    return stamps


def _files_in(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        for place, inner, names in os.walk(folder):
            inner[:] = [name for name in inner if name != "__pycache__"]
            yield from filter(_counts, (Path(place, name) for name in names))
