"""Who may speak to the server: only who knows the token, and never a web page.

Any page that a browser has open can send requests to loopback, and by DNS rebinding even read the
answers. Hence three checks before any route is looked at: the host by name, no browser's marks,
and the token on every request.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ..errors import LikenessError
from ..protocol import ErrorCode
from .pace import peer

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
"""What may stand in the ``Host`` header of a request to a server on loopback."""

BROWSER_SITES = ("none", "same-origin")
"""Values of ``Sec-Fetch-Site`` that no foreign page can cause."""

MIN_TOKEN_LENGTH = 32


class Unauthorized(LikenessError):
    """The token is missing or wrong, or a web page asks."""

    code = ErrorCode.UNAUTHORIZED


class Doorkeeper:
    """ASGI middleware that refuses browsers and whoever does not know a token.

    Each token belongs to a client, whose number it puts into the request's state as ``client``,
    together with the address: artists who share a token still take turns.
    """

    def __init__(
        self,
        app: ASGIApp,
        tokens: Sequence[str],
        refuse: Callable[[LikenessError], ASGIApp],
        heard: Callable[[], None],
    ) -> None:
        if not tokens or min(map(len, tokens)) < MIN_TOKEN_LENGTH:
            raise ValueError(f"a token needs {MIN_TOKEN_LENGTH} characters")
        self._app = app
        self._expected = [f"Bearer {token}".encode() for token in tokens]
        self._refuse = refuse
        self._heard = heard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it here."""
        if scope["type"] != "http":  # lifespan; web sockets are switched off in the server
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        known = self._number(headers.get("authorization", "").encode("latin-1"))
        if "origin" in headers or headers.get("sec-fetch-site", "none") not in BROWSER_SITES:
            error = Unauthorized("Web pages may not speak to the backend.")
        elif known is None:
            error = Unauthorized("The backend does not know you.", "Enter its token in the preferences.")
        else:
            self._heard()
            scope.setdefault("state", {})["client"] = f"{known}@{peer(scope)}"
            await self._app(scope, receive, send)
            return
        await self._refuse(error)(scope, receive, send)

    def _number(self, given: bytes) -> int | None:
        """Which token this is. All are compared, in constant time each, so that time tells nothing."""
        matches = [hmac.compare_digest(given, expected) for expected in self._expected]
        return matches.index(True) if any(matches) else None
