"""Why the development database cannot be used, in one line with what to do."""

import errno
import os
import re
from pathlib import Path

from quart_chassis.errors import UserError

# What the machine lacks, as PostgreSQL's output has it; the first that is found. Its
# words about shared memory and programs name another cause as well.
LACKS = {
    "File too large": "it may write no file so large; raise the limit (ulimit -f)",
    "could not .* shared memory segment": (
        "the machine gives it too little shared memory; raise the size of /dev/shm (a "
        "container's --shm-size) and kernel.shmmni"
    ),
    'program "postgres" is needed by': (
        "its programs cannot start each other; that takes /bin/sh, and memory"
    ),
    "No space left on device|Disk quota exceeded": (
        "its disk is full; free some space and try again"
    ),
    "insufficient file descriptors|Too many open files": (
        "it may open too few files; raise the limit (ulimit -n)"
    ),
    "Cannot allocate memory|out of memory": "the machine has too little memory for it",
    "could not fork": "it may start no more processes; raise the limit (ulimit -u)",
}
# Of the 1,024 bytes that PostgreSQL takes for a path (MAXPGPATH), less what it adds.
LONGEST_FOLDER = 900
LIMIT_REMEDIES = {
    errno.ENOSPC: "free some space on its disk",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "raise the machine's limit of open files",
    errno.EAGAIN: "raise the limit of processes (ulimit -u)",
    errno.ENOMEM: "free some memory",
    errno.ENAMETOOLONG: "give the project a shorter path",
}
if hasattr(errno, "EDQUOT"):
    LIMIT_REMEDIES[errno.EDQUOT] = LIMIT_REMEDIES[errno.ENOSPC]
UNTOLD = "it does not say why"
OUT_OF_PLACE = {
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EEXIST,
    errno.ENOTEMPTY,
    errno.ELOOP,
}


def of_output(folder: Path, what: str, output: str) -> UserError:
    """Why the cluster in `folder` cannot do `what`, from its programs' output."""
    for sign, reason in LACKS.items():
        if re.search(sign, output):
            return UserError(f"the database in {folder} cannot {what}: {reason}")
    telling = re.findall(r"(?:FATAL|PANIC|error):\s*(.+)", output)
    # The first of these is the cause of the others.
    telling = telling or re.findall("could not .+", output)[:1] or [UNTOLD]
    return of_state(folder, f"cannot {what}: {telling[-1]}")


def of_path(folder: Path) -> UserError | None:
    """Why PostgreSQL can keep no data at this path; None if it can."""
    if "\n" in str(folder) or len(os.fsencode(folder)) > LONGEST_FOLDER:
        return UserError(
            f"the database's folder {str(folder)!r} has a line break in its path or "
            f"more than {LONGEST_FOLDER} bytes; move the project"
        )
    return None


def of_state(folder: Path, what: str) -> UserError:
    """What is wrong with the cluster's files in `folder`, which stay as they are."""
    return UserError(
        f"the database in {folder} {what}; mend it (server.log there may say more), or "
        "move the folder away to start afresh"
    )


def of_file(folder: Path, error: OSError) -> UserError:
    """Why the operating system lets the database's `folder` not be used."""
    if error.errno in OUT_OF_PLACE and os.path.lexists(folder):
        remedy = "mend it, or move the folder away to start afresh"
    elif error.errno == errno.EPERM:
        remedy = "this account lacks a right here (root in a container?); use another"
    else:
        remedy = LIMIT_REMEDIES.get(
            error.errno or 0, "check its permissions and its disk"
        )
    return UserError(
        f"the database's folder {folder} cannot be used: {error.strerror or error} "
        f"({error.filename or folder}); {remedy}"
    )
