"""How fast one address may ask: a bucket of tokens for each, so that nobody keeps the server busy."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from ..errors import LikenessError
from ..protocol import ErrorCode
from .limits import PaceLimits


class TooFast(LikenessError):
    """More requests than an add-on ever sends."""

    code = ErrorCode.TOO_FAST


class Pace:
    """Token buckets by address. For one thread."""

    def __init__(
        self, limits: PaceLimits = PaceLimits(), clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """Tokens left and when they were counted."""

    def __len__(self) -> int:
        return len(self._buckets)

    def allows(self, address: str) -> bool:
        """Take a token of this address, if there is one."""
        limits, now = self._limits, self._clock()
        tokens, counted = self._buckets.pop(address, (limits.burst, now))
        tokens = min(limits.burst, tokens + (now - counted) * limits.per_second)
        allowed = tokens >= 1.0
        self._buckets[address] = (tokens - 1.0 if allowed else tokens, now)
        if len(self._buckets) > limits.max_addresses:
            self._buckets.popitem(last=False)
        return allowed


class PaceKeeper:
    """ASGI middleware that refuses whoever asks too fast; before the token is looked at."""

    def __init__(self, app: ASGIApp, pace: Pace, refuse: Callable[[LikenessError], ASGIApp]) -> None:
        self._app = app
        self._pace = pace
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it here."""
        if scope["type"] != "http" or self._pace.allows(peer(scope)):
            await self._app(scope, receive, send)
            return
        error = TooFast("Too many requests came from this computer.", "Wait a few seconds, then try again.")
        await self._refuse(error)(scope, receive, send)


def peer(scope: Scope) -> str:
    """The address that a request comes from; empty if the transport has none."""
    return scope["client"][0] if scope.get("client") else ""
