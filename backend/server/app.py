"""The HTTP interface: seven routes over the job queue, errors turned into text in one place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..errors import BadRequest, LikenessError
from ..protocol import MAX_PAYLOAD_BYTES, MAX_PHOTO_BYTES, ErrorBody, ErrorCode, Quality, to_json
from .jobs import JobQueue, Work
from .security import LOOPBACK_NAMES, Doorkeeper
from .studio import Studio

MAX_WAIT_SECONDS = 30.0
"""Longest long poll."""

MAX_NUMBER = 1_000_000_000
"""Of a query."""

RETRY_AFTER_SECONDS = 2

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
    jobs: JobQueue, studio: Studio, token: str, allowed_hosts: Sequence[str] = LOOPBACK_NAMES
) -> Starlette:
    """The ASGI application. ``token`` must come with every request, even for unknown routes."""
    routes = Routes(jobs, studio)
    return Starlette(
        routes=[
            Route("/v1/info", routes.info, methods=["GET"]),
            Route("/v1/jobs/reconstruct", routes.reconstruct, methods=["POST"]),
            Route("/v1/jobs/measure", routes.measure, methods=["POST"]),
            Route("/v1/jobs/refine", routes.refine, methods=["POST"]),
            Route("/v1/jobs/{id}", routes.status, methods=["GET"]),
            Route("/v1/jobs/{id}", routes.forget, methods=["DELETE"]),
            Route("/v1/jobs/{id}/result", routes.result, methods=["GET"]),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=list(allowed_hosts), www_redirect=False),
            Middleware(Doorkeeper, token=token, refuse=error_response),
        ],
        exception_handlers={LikenessError: _on_likeness_error, HTTPException: _on_http_exception},
    )


class Routes:
    """The handlers. None of them computes: they queue, wait and hand out."""

    def __init__(self, jobs: JobQueue, studio: Studio) -> None:
        self._jobs = jobs
        self._studio = studio

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
        self._jobs.check_room()
        data = await _body(request, MAX_PHOTO_BYTES)
        return _json(self._jobs.submit(kind, work(data, face, quality)))

    async def refine(self, request: Request) -> Response:
        """Queue a coarse render."""
        self._jobs.check_room()
        data = await _body(request, MAX_PAYLOAD_BYTES)
        return _json(self._jobs.submit("refine", self._studio.refine(data)))

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


def error_response(error: LikenessError) -> Response:
    """The one place where errors become HTTP."""
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if error.code is ErrorCode.QUEUE_FULL else None
    return _json(error.to_body(), HTTP_STATUS[error.code], headers)


async def _on_likeness_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, LikenessError)
    return error_response(error)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    """Unknown routes and methods; both sides of an older or newer protocol end here."""
    assert isinstance(error, HTTPException)
    body = ErrorBody(ErrorCode.NOT_FOUND, "The backend does not know this request.", "Update it.")
    return _json(body, error.status_code)


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(to_json(value), status, headers, "application/json")


async def _body(request: Request, limit: int) -> bytes:
    """The body, refused while it arrives if it grows beyond ``limit`` bytes.

    Starlette has a middleware for this, but its answer is plain text and no error of the protocol.
    """
    if not request.headers.get("content-type", "").startswith(BODY_TYPES):
        raise BadRequest("The backend takes pictures and payloads only.")
    too_large = BodyTooLarge(f"More than {limit // 2**20} MB were sent.", "Use a smaller picture.")
    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal() or int(announced) > limit:
        raise too_large
    chunks = bytearray()
    async for chunk in request.stream():
        chunks += chunk
        if len(chunks) > limit:
            raise too_large
    return bytes(chunks)


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
