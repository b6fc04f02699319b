"""The host of a request in whole URLs: `url_for(..., _external=True)`, redirects."""

from quart import Request
from werkzeug.utils import cached_property

OWN_PORTS = {"http": ":80", "https": ":443"}


class HostedRequest(Request):
    """A request whose host is what the door let in.

    Werkzeug takes a name with an underscore, as containers have them, for none, and
    would build http:///path.
    """

    # Quart has it from Werkzeug, as a property that is computed once.
    @cached_property
    def host(self) -> str:
        """The host, with the port unless it is the scheme's own."""
        if host := super().host:
            return host
        given: str = self.headers.get("Host", "")
        return given.removesuffix(OWN_PORTS.get(self.scheme, ""))
