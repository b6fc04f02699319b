"""Say what stands in the way of running the project, and of deploying it."""

import argparse
from collections.abc import Callable, Iterable

from quart_chassis.commands.doctor.findings import Finding, from_crash, from_error
from quart_chassis.errors import UserError
from quart_chassis.project import Project

Check = Callable[[Project], Iterable[Finding]]


def run(arguments: argparse.Namespace) -> int:
    """Print each finding with its remedy; 1 if anything stands in the way."""
    from quart_chassis.commands.doctor import deploying, running

    project: Project = arguments.project
    stands = False
    for heading, checks in (("run", running.CHECKS), ("deploy", deploying.CHECKS)):
        findings = [each for check in checks for each in _found(check, project)]
        stops = any(each.stops for each in findings)
        print(
            f"To {heading}: {'something stands in the way' if stops else 'all is well'}"
        )
        # Several checks may fail for one reason.
        for finding in dict.fromkeys(findings):
            print(f"  {'!' if finding.stops else '-'} {finding.problem}")
            print(f"    {finding.remedy}")
        stands |= stops
    return int(stands)


def _found(check: Check, project: Project) -> list[Finding]:
    """What a check finds; one that fails is a finding, too."""
    try:
        return list(check(project))
    except UserError as error:
        return [from_error(error)]
    except (Exception, SystemExit) as error:
        return [from_crash(error, check.__name__, project)]
