"""Who hears that a caller has left."""

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class HeardDepartures(HttpToolsProtocol):
    """Uvicorn's connection, which tells each view that its caller is gone.

    Uvicorn tells the request that came last, and not the one before it that is still
    being answered.
    """

    # The request that is being answered, or was last.
    _answered: Any = None

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answered is not None:
            self.let_go(self._answered)
        super().connection_lost(exc)

    @staticmethod
    def let_go(cycle: Any) -> None:
        """Tell a request's view that its caller is gone."""
        cycle.disconnected = not cycle.response_complete
        cycle.message_event.set()
