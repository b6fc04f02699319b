"""Our application as `run` serves it, without its fast lanes."""

import sys

from quart_chassis.commands import main
from quart_chassis.web import fast_lane


def leave_out(*arguments, **options):
    """Offer no lane."""


vars(fast_lane)["add"] = leave_out
sys.exit(main(sys.argv[1:]))
