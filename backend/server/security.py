"""Who may speak to the server: only who knows the token, and never a web page.

Any page that a browser has open can send requests to loopback, and by DNS rebinding even read the
answers. Hence three checks before any route is looked at: the host by name, no browser's marks,
and the token on every request.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ..errors import LikenessError
from ..protocol import ErrorCode

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
"""What may stand in the ``Host`` header of a request to a server on loopback."""

BROWSER_SITES = ("none", "same-origin")
"""Values of ``Sec-Fetch-Site`` that no foreign page can cause."""

MIN_TOKEN_LENGTH = 32


class Unauthorized(LikenessError):
    """The token is missing or wrong, or a web page asks."""

    code = ErrorCode.UNAUTHORIZED


class Doorkeeper:
    """ASGI middleware that refuses browsers and whoever does not know the token."""

    def __init__(self, app: ASGIApp, token: str, refuse: Callable[[LikenessError], ASGIApp]) -> None:
        if len(token) < MIN_TOKEN_LENGTH:
            raise ValueError(f"the token needs {MIN_TOKEN_LENGTH} characters")
        self._app = app
        self._expected = f"Bearer {token}".encode()
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it here."""
        if scope["type"] != "http":  # lifespan; web sockets are switched off in the server
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if "origin" in headers or headers.get("sec-fetch-site", "none") not in BROWSER_SITES:
            error = Unauthorized("Web pages may not speak to the backend.")
        elif not hmac.compare_digest(headers.get("authorization", "").encode("latin-1"), self._expected):
            error = Unauthorized("The backend does not know you.", "Enter its token in the preferences.")
        else:
            await self._app(scope, receive, send)
            return
        await self._refuse(error)(scope, receive, send)
