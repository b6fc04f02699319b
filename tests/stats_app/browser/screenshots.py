"""Pictures of the pages for docs/stats_app; give the address of a running server."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.counter_app.browser.screenshots import main

PICTURES = {
    "docs/stats_app/counter": "/counters/home",
    "docs/stats_app/list": "/counters?order=count",
}

if __name__ == "__main__":
    main(PICTURES)
