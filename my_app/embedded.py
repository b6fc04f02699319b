"""The development database: a PostgreSQL of this checkout's own.

Only `manage.py`'s commands start it. It keeps its data in `.postgres/` and runs as long
as somebody uses it: each user holds a lock on a file of its own, and who leaves last
stops the server. As root, the server runs as an unprivileged user; under a directory
that user may not enter, data and binaries lie in /var/lib, because opening the way
would loosen somebody's directories.
"""

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

from my_app import UserError
from my_app.locks import locked, try_lock
