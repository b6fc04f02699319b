"""Which requests for a page or a badge are visits."""

from quart import Request

from my_app.counter_app.robots import is_robot

PREVIEWS = {"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"}
PREVIEW_WORDS = ("prefetch", "prerender", "preview")


def why_not(request: Request, count_robots: bool) -> str:
    """Why the request is no visit, as `X-Counted-Reason` says it; "" if it is one."""
    if request.method == "HEAD":
        return "head"
    # Looking for each of them takes longer: most requests have none.
    purposes = [value.lower() for name, value in request.headers if name in PREVIEWS]
    if any(word in each for each in purposes for word in PREVIEW_WORDS):
        return "prefetch"
    agents = request.headers.getlist("User-Agent")
    if not count_robots and any(map(is_robot, agents)):
        return "robot"
    return ""
