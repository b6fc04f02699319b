import sys

import pytest

if sys.platform == "win32":
    # About other systems' networks and accounts.
    collect_ignore = ["test_failover.py", "test_machines.py"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Known where this folder is named on the command line."""
    parser.addoption(
        "--faults-minutes", type=float, default=0, help="mix faults for so long"
    )
    parser.addoption("--faults-seed", type=int, help="a run of mixed faults, once more")
