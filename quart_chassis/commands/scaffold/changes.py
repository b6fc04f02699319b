"""Changes of a project's files, all of which are taken back if one of them fails."""

import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path


class Changes:
    """What is changed in a project's folder; `changing` makes it.

    `undo` has what takes the changes back; a caller may add to it.
    """

    def __init__(self, kept: Path) -> None:
        self._kept = kept
        self.undo = ExitStack()

    def write(self, path: Path, content: bytes) -> None:
        """Write a file, with the folders above it."""
        if path.exists():
            self.undo.callback(path.write_bytes, path.read_bytes())
        missing = [each for each in (path, *path.parents) if not each.exists()]
        if missing:
            self.undo.callback(_delete, missing[-1])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def take_out(self, path: Path) -> None:
        """Take a folder out of the project."""
        kept = self._kept / str(len(list(self._kept.iterdir())))
        self.undo.callback(_put_back, kept, path)
        path.rename(kept)

    def watch(self, folder: Path) -> Callable[[], list[Path]]:
        """List the files that come into `folder`; they are changes, too."""
        before = set(folder.iterdir())

        def written() -> list[Path]:
            found = (path for path in folder.iterdir() if path not in before)
            return sorted(path for path in found if path.is_file())

        def delete() -> None:
            for path in written():
                _delete(path)

        self.undo.callback(delete)
        return written


@contextmanager
def changing(root: Path) -> Iterator[Changes]:
    """Changes that are taken back if the block fails, or is interrupted."""
    with tempfile.TemporaryDirectory(prefix=".taken-out-", dir=root) as kept:
        changes = Changes(Path(kept))
        try:
            yield changes
        except BaseException:
            with _uninterrupted():
                changes.undo.close()
            raise
        changes.undo.pop_all()


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """A second Ctrl-C does not end what takes the changes back."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _put_back(kept: Path, path: Path) -> None:
    if kept.exists():
        kept.rename(path)
