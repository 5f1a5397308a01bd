"""The HTTP interface: a few routes over the job queue, errors turned into text in one place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import BadRequest, LikenessError
from ..protocol import MAX_PAYLOAD_BYTES, MAX_PHOTO_BYTES, ErrorBody, ErrorCode, Quality, to_json
from .counters import TEXT_FORMAT, Counters
from .jobs import JobQueue, Work
from .limits import BODY_PAUSE_SECONDS
from .pace import Pace, PaceKeeper
from .security import LOOPBACK_NAMES, Doorkeeper
from .studio import Studio

MAX_WAIT_SECONDS = 30.0
"""Longest long poll."""

MAX_NUMBER = 1_000_000_000
"""Of a query."""

RETRY_LATER = (ErrorCode.QUEUE_FULL, ErrorCode.BUSY, ErrorCode.TOO_FAST)
"""Refusals that pass by themselves: the answer says after how many seconds."""

BODY_TYPES = ("application/octet-stream", "image/")
"""None of them can be sent by a form of a web page."""

HTTP_STATUS = {
    ErrorCode.BAD_REQUEST: 400,
    ErrorCode.UNAUTHORIZED: 401,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.NOT_READY: 409,
    ErrorCode.CANCELLED: 409,
    ErrorCode.TOO_LARGE: 413,
    ErrorCode.PHOTO_TOO_LARGE: 422,
    ErrorCode.PHOTO_UNREADABLE: 422,
    ErrorCode.NO_FACE: 422,
    ErrorCode.FACE_UNUSABLE: 422,
    ErrorCode.QUEUE_FULL: 429,
    ErrorCode.TOO_FAST: 429,
    ErrorCode.BUSY: 503,
    ErrorCode.INTERNAL: 500,
    ErrorCode.ASSET_BROKEN: 500,
    ErrorCode.STORAGE_FAILED: 507,
    ErrorCode.TIMED_OUT: 504,
}


N = TypeVar("N", int, float)


class BodyTooLarge(LikenessError):
    """More bytes than the route takes."""

    code = ErrorCode.TOO_LARGE


def create_app(
    jobs: JobQueue,
    studio: Studio,
    tokens: Sequence[str],
    allowed_hosts: Sequence[str] = LOOPBACK_NAMES,
    pace: Pace | None = None,
) -> Starlette:
    """The ASGI application. One of ``tokens`` must come with every request, even for unknown routes.

    ``pace`` limits how fast one address may ask; without it everybody may ask as fast as they can.
    """
    routes = Routes(jobs, studio)

    def refuse(error: LikenessError) -> Response:
        return error_response(error, jobs.retry_after())

    async def on_likeness_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, LikenessError)
        return refuse(error)

    middleware = [
        Middleware(Tally, counters=jobs.counters),
        Middleware(TrustedHostMiddleware, allowed_hosts=list(allowed_hosts), www_redirect=False),
        Middleware(Doorkeeper, tokens=tokens, refuse=refuse, heard=jobs.counters.heard),
    ]
    if pace is not None:
        middleware.insert(1, Middleware(PaceKeeper, pace=pace, refuse=refuse))
    app = Starlette(
        routes=[
            Route("/v1/info", routes.info, methods=["GET"]),
            Route("/v1/jobs/reconstruct", routes.reconstruct, methods=["POST"]),
            Route("/v1/jobs/measure", routes.measure, methods=["POST"]),
            Route("/v1/jobs/refine", routes.refine, methods=["POST"]),
            Route("/v1/jobs/{id}", routes.status, methods=["GET"]),
            Route("/v1/jobs/{id}", routes.forget, methods=["DELETE"]),
            Route("/v1/jobs/{id}/result", routes.result, methods=["GET"]),
            Route("/metrics", routes.metrics, methods=["GET"]),
        ],
        middleware=middleware,
        exception_handlers={LikenessError: on_likeness_error, HTTPException: _on_http_exception},
    )
    app.router.redirect_slashes = False  # no add-on follows
    return app


class Tally:
    """ASGI middleware that counts the answers of all others."""

    def __init__(self, app: ASGIApp, counters: Counters) -> None:
        self._app = app
        self._counters = counters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Look at the status as it passes by."""

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._counters.answered(message["status"])
            await send(message)

        await self._app(scope, receive, counted)


class Routes:
    """The handlers. None of them computes: they queue, wait and hand out."""

    def __init__(self, jobs: JobQueue, studio: Studio) -> None:
        self._jobs = jobs
        self._studio = studio
        self._arriving = 0
        """Bytes of bodies that are being read; only the event loop changes it."""

    async def info(self, request: Request) -> Response:
        """Who answers."""
        return _json(self._studio.info())

    async def reconstruct(self, request: Request) -> Response:
        """Queue a photo that becomes a head."""
        return await self._photo(request, "reconstruct", self._studio.reconstruct)

    async def measure(self, request: Request) -> Response:
        """Queue a photo of which only pose and expression are wanted."""
        return await self._photo(request, "measure", self._studio.measure)

    async def _photo(
        self, request: Request, kind: str, work: Callable[[bytes, int | None, Quality], Work]
    ) -> Response:
        face, quality = _number(request, "face", int, 1), _quality(request)
        data = await self._body(request, MAX_PHOTO_BYTES)
        return self._submit(request, kind, work(data, face, quality), len(data))

    async def refine(self, request: Request) -> Response:
        """Queue a coarse render."""
        data = await self._body(request, MAX_PAYLOAD_BYTES)
        return self._submit(request, "refine", self._studio.refine(data), len(data))

    async def status(self, request: Request) -> Response:
        """Long poll: answers when something changed."""
        after = _number(request, "after", int, -1)
        seconds = min(_number(request, "wait", float, 0) or 0.0, MAX_WAIT_SECONDS)
        revision = -1 if after is None else after
        status = await run_in_threadpool(self._jobs.wait, request.path_params["id"], revision, seconds)
        return _json(status)

    async def result(self, request: Request) -> Response:
        """The payload."""
        return Response(self._jobs.result(request.path_params["id"]), media_type=BODY_TYPES[0])

    async def forget(self, request: Request) -> Response:
        """Cancel and drop."""
        return _json(self._jobs.forget(request.path_params["id"]))

    async def metrics(self, request: Request) -> Response:
        """Counters for a studio's monitoring."""
        return Response(self._jobs.metrics(), headers={"Content-Type": TEXT_FORMAT})

    def _submit(self, request: Request, kind: str, work: Work, size: int) -> Response:
        return _json(self._jobs.submit(kind, work, request.state.client, size))

    async def _body(self, request: Request, limit: int) -> bytes:
        """The body, refused before or while it arrives if it or the server's load grows too large.

        Starlette has a middleware for the size, but its answer is plain text and no error of the protocol.
        """
        if not request.headers.get("content-type", "").startswith(BODY_TYPES):
            raise BadRequest("The backend takes pictures and payloads only.")
        too_large = BodyTooLarge(f"More than {limit // 2**20} MB were sent.", "Use a smaller picture.")
        announced = request.headers.get("content-length", "0")
        if not announced.isdecimal() or int(announced) > limit:
            raise too_large
        client = request.state.client
        self._jobs.check_room(client, self._arriving + int(announced))
        chunks = bytearray()
        try:
            async for chunk in _in_time(request.stream()):
                chunks += chunk
                self._arriving += len(chunk)
                if len(chunks) > limit:
                    raise too_large
                self._jobs.check_room(client, self._arriving)
        finally:
            self._arriving -= len(chunks)
        return bytes(chunks)


def error_response(error: LikenessError, retry_after: int) -> Response:
    """The one place where errors become HTTP; ``retry_after`` in seconds."""
    headers = {"Retry-After": str(retry_after)} if error.code in RETRY_LATER else None
    return _json(error.to_body(), HTTP_STATUS[error.code], headers)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    """Unknown routes and methods; both sides of an older or newer protocol end here."""
    assert isinstance(error, HTTPException)
    body = ErrorBody(ErrorCode.NOT_FOUND, "The backend does not know this request.", "Update it.")
    return _json(body, error.status_code)


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(to_json(value), status, headers, "application/json")


async def _in_time(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same chunks; BadRequest if the sender falls silent."""
    try:
        while True:
            yield await asyncio.wait_for(anext(chunks), BODY_PAUSE_SECONDS)
    except StopAsyncIteration:
        return
    except (TimeoutError, ClientDisconnect) as error:
        raise BadRequest("The picture did not arrive.", "Check the connection, then try again.") from error


def _quality(request: Request) -> Quality:
    """The query's quality of the fit."""
    text = request.query_params.get("quality", Quality.FAST)
    try:
        return Quality(text)
    except ValueError as error:
        raise BadRequest(f"The backend does not understand quality={text[:20]!r}.") from error


def _number(request: Request, name: str, kind: type[N], low: float) -> N | None:
    """A number of the query, at least ``low``; None if it was left out."""
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        value = kind(text)
    except ValueError:
        value = kind(low - 1)
    if not low <= value <= MAX_NUMBER:  # also refuses nan
        raise BadRequest(f"The backend does not understand {name}={text[:20]!r}.")
    return value
