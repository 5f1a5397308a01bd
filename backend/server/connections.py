"""Connections that come and say nothing: closed after a while, before they fill the house."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

from .limits import FIRST_REQUEST_SECONDS


class PunctualProtocol(H11Protocol):
    """uvicorn's HTTP, but a connection must have asked for something within some seconds.

    uvicorn (0.54) limits the time between requests, not the time to the first one.
    """

    first_request_seconds = FIRST_REQUEST_SECONDS

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to count."""
        super().connection_made(transport)
        self._too_late = self.loop.call_later(self.first_request_seconds, self._close_if_silent)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop counting."""
        self._too_late.cancel()
        super().connection_lost(exc)

    def _close_if_silent(self) -> None:
        if self.cycle is None:  # pyright: ignore[reportUnnecessaryComparison]  # uvicorn's annotation lies
            self.transport.abort()
