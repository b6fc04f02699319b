"""When a connection is read from."""

from uvicorn.protocols.http.flow_control import FlowControl


class HeldFlow(FlowControl):
    """As Uvicorn's, which goes on reading as soon as a view waits for a body."""

    held = False

    def resume_reading(self) -> None:
        if not self.held:
            super().resume_reading()
