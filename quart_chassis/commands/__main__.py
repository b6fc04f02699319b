"""`python -m quart_chassis.commands`: for the project in the current folder."""

import sys

from quart_chassis.commands import main

sys.exit(main(sys.argv[1:]))
