"""Refuse a request that the door does not let in, in the application's words."""

from typing import Any, cast

from quart import Quart
from quart.utils import encode_headers
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException

from quart_chassis.door import path_of, send_response
from quart_chassis.web import errors


async def refuse(
    app: Quart, scope: dict[str, Any], send: Any, error: HTTPException
) -> None:
    """Answer with the application's problem or page; no route runs.

    The request's own headers are not looked at: its `Host` may be malformed.
    """
    asked = app.request_class(
        scope.get("method", "GET"),
        scope["scheme"],
        path_of(scope),
        b"",
        Headers(),
        scope.get("root_path", ""),
        scope.get("http_version", "1.1"),
        scope=cast(Any, scope),
        send_push_promise=cast(Any, None),
    )
    async with app.request_context(asked):
        response = await errors.answer_error(error)
        body = await response.get_data(as_text=False)
    given = encode_headers(response.headers)
    await send_response(scope, send, response.status_code, given, body)
