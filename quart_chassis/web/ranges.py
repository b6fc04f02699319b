"""A part of a file, for who asks for one (RFC 9110, 14).

Quart answers a range that it does not know with 416, or with 500 if it counts from the
end. A server may ignore a range, and must if it does not know its unit.
"""

from quart import Quart, Request, Response
from werkzeug.datastructures import Range


def install(app: Quart) -> None:
    """Have each response of `app` answer ranges as the standard has it."""
    app.response_class = RangeResponse


class RangeResponse(Response):
    """A response that is sent whole unless one range is asked for that it has."""

    async def make_conditional(
        self,
        request: Request,
        accept_ranges: bool | str = False,
        complete_length: int | None = None,
    ) -> Response:
        """As Quart's; 416 only for a range that begins behind the end."""
        request.range = _from_the_beginning(request.range, complete_length or 0)
        if not self._may_be_a_part(request):
            request.range = None
        if request.range is None:
            # Quart takes that for a file without parts.
            complete_length = None
        return await super().make_conditional(request, accept_ranges, complete_length)

    def _may_be_a_part(self, request: Request) -> bool:
        """Whether nothing else in the request speaks for the whole, or for none of it.

        Only the same entity tag tells that a part fits what the caller has (RFC 9110,
        13.1.5); whether it has all of it already is asked first (13.2.2).
        """
        tag = self.headers.get("ETag")
        return (
            request.method == "GET"
            and "If-None-Match" not in request.headers
            and request.headers.get("If-Range", tag) == tag
        )


def _from_the_beginning(asked: Range | None, length: int) -> Range | None:
    """One range of bytes, counted from the beginning; None for anything else."""
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1:
        return None
    begin, end = asked.ranges[0]
    return Range("bytes", [(max(0, length + begin) if begin < 0 else begin, end)])
