"""When a connection is read from."""

from uvicorn.protocols.http.flow_control import FlowControl


class HeldFlow(FlowControl):
    """As Uvicorn's, which goes on reading as soon as a view waits for a body."""

    held = False

    def pause_reading(self) -> None:
        # Of a closed one, the event loop says so with an error.
        if not self._transport.is_closing():
            super().pause_reading()

    def resume_reading(self) -> None:
        if not self.held and not self._transport.is_closing():
            super().resume_reading()
