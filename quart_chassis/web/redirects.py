"""Send a browser to another page of this application."""

import re

from quart import redirect
from werkzeug import Response

# A path as it is sent, without "//", "/\" and what browsers ignore inside an address:
# each of these can lead to another site (URL Standard, 4.4).
LOCAL = re.compile(r"/(?!/)[!-\[\]-~]*")


def see_other(address: str) -> Response:
    """303: the browser gets `address` next, and reloading that page posts nothing."""
    return redirect(address, 303)


def is_local(address: str) -> bool:
    """Whether the address is a path of this site, so that it leads to no other one."""
    return LOCAL.fullmatch(address) is not None
