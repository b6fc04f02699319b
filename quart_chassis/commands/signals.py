"""What ends a command: SIGTERM, and a closed terminal."""

import atexit
import signal
import sys

from quart_chassis import streams


def end_in_order() -> None:
    """Have them raise SystemExit, so that started servers are stopped on the way out.

    While Python ends, it gives signals their defaults back, and one more of them would
    change the status of a command that has done its work: it is ignored by then.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    atexit.register(signal.signal, signal.SIGTERM, signal.SIG_IGN)
    if sys.platform != "win32" and not streams.ignores_hangup():
        # A closed terminal ends the command; under nohup it does not.
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
