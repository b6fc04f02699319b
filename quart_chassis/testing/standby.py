"""A standby that follows a test's own PostgreSQL."""

from typing import Self

import psutil

from quart_chassis.testing.postgres import OwnPostgres


class Standby(OwnPostgres):
    """A copy of another server, which it follows; the passwords are the same."""

    def __init__(self, primary: OwnPostgres) -> None:
        super().__init__()
        self.password = primary.password
        self._primary = primary

    def __enter__(self) -> Self:
        source = self._primary.url("postgres")
        options = ("--write-recovery-conf", "--checkpoint=fast", "--no-sync")
        self.run("pg_basebackup", "-D", "data", "-d", source, *options)
        self.start()
        return self

    def sql(self, statement: str) -> None:
        """Run a statement on it, such as one that holds its replay up."""
        self.run("psql", "-qXc", statement, self.url("postgres"))

    def processes(self) -> list[psutil.Process]:
        postmaster = psutil.Process(self.pid())
        return [postmaster, *postmaster.children(recursive=True)]
