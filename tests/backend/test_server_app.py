"""The HTTP interface: the whole conversation, and every point of the security checklist."""

from __future__ import annotations

import asyncio
import io
import itertools
import json
import logging
import re
import sys
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest
from backend_fakes import FakeEngine, small_measure, small_reconstruction
from PIL import Image
from starlette.testclient import TestClient

import backend.server.app as app_module
from backend.errors import NoFaceFound
from backend.payload import open_reconstruction, pack
from backend.protocol import (
    PROTOCOL,
    BackendInfo,
    ErrorBody,
    ErrorCode,
    JobState,
    JobStatus,
    Quality,
    RefineHeader,
    from_json,
)
from backend.server.app import HTTP_STATUS, create_app
from backend.server.counters import TEXT_FORMAT
from backend.server.jobs import JobQueue
from backend.server.limits import JobLimits, PaceLimits
from backend.server.pace import Pace
from backend.server.studio import Studio
from backend.wire import RefineRequest, pack_refine_request, unpack_measure, unpack_still

TOKEN = "correct-horse-battery-staple-0123456789"
OTHER_TOKEN = "another-horse-another-staple-0123456789"
BINARY = {"Content-Type": "application/octet-stream"}
ROUTES = [
    ("GET", "/v1/info"),
    ("POST", "/v1/jobs/reconstruct"),
    ("POST", "/v1/jobs/measure"),
    ("POST", "/v1/jobs/refine"),
    ("GET", "/v1/jobs/some"),
    ("GET", "/v1/jobs/some/result"),
    ("DELETE", "/v1/jobs/some"),
    ("GET", "/"),
    ("GET", "/metrics"),
    ("GET", "/docs"),
    ("GET", "/openapi.json"),
    ("OPTIONS", "/v1/info"),
]


def photo_bytes() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.full((48, 64, 3), 128, np.uint8)).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def server(engine: FakeEngine) -> Iterator[SimpleNamespace]:
    """A client that knows the token, and the parts behind it."""
    studio = Studio(lambda: engine)
    jobs = JobQueue(JobLimits(max_waiting_per_client=2))
    app = create_app(jobs, studio, (TOKEN,))
    with TestClient(app, "http://127.0.0.1:5000", headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        yield SimpleNamespace(client=client, jobs=jobs, studio=studio, engine=engine)
    if engine.gate is not None:
        engine.gate.set()
    assert jobs.stop(10)


def submit(server: SimpleNamespace, query: str = "") -> JobStatus:
    answer = server.client.post(f"/v1/jobs/reconstruct{query}", content=photo_bytes(), headers=BINARY)
    assert answer.status_code == 200, answer.text
    return from_json(JobStatus, answer.content)


def follow(server: SimpleNamespace, job: JobStatus) -> JobStatus:
    while not job.state.in_terminal_state:
        answer = server.client.get(f"/v1/jobs/{job.id}?after={job.revision}&wait=10")
        job = from_json(JobStatus, answer.content)
    return job


def refused(answer, status: int, code: ErrorCode) -> ErrorBody:
    assert answer.status_code == status, answer.text
    body = from_json(ErrorBody, answer.content)
    assert body.code is code
    assert body.message
    return body


def test_a_photo_becomes_a_payload(server) -> None:
    job = follow(server, submit(server, "?face=2"))
    assert job.state is JobState.SUCCEEDED
    opened = open_reconstruction(server.client.get(f"/v1/jobs/{job.id}/result").content)
    assert list(opened.meshes) == [mesh.name for mesh in small_reconstruction().meshes]
    assert server.engine.calls == [((48, 64, 3), 2, Quality.FAST)]
    assert server.client.delete(f"/v1/jobs/{job.id}").status_code == 200
    refused(server.client.get(f"/v1/jobs/{job.id}/result"), 404, ErrorCode.NOT_FOUND)


def test_the_quality_reaches_the_engine(server) -> None:
    follow(server, submit(server, "?quality=best"))
    assert server.engine.calls == [((48, 64, 3), None, Quality.BEST)]


def test_a_photo_is_measured(server) -> None:
    answer = server.client.post("/v1/jobs/measure?face=3&quality=best", content=photo_bytes(), headers=BINARY)
    job = follow(server, from_json(JobStatus, answer.content))
    measure = unpack_measure(server.client.get(f"/v1/jobs/{job.id}/result").content)
    assert measure.expression == small_measure().expression
    assert server.engine.calls == [((48, 64, 3), 3, Quality.BEST)]


@pytest.mark.parametrize("route", ["reconstruct", "measure"])
def test_a_quality_that_is_none(server, route: str) -> None:
    answer = server.client.post(f"/v1/jobs/{route}?quality=perfect", content=photo_bytes(), headers=BINARY)
    refused(answer, 400, ErrorCode.BAD_REQUEST)


def test_a_coarse_render_becomes_a_still(server) -> None:
    plate = np.full((4, 6, 3), 7, np.uint8)
    layer = np.zeros((4, 6, 4), np.uint8)
    layer[0] = 200, 100, 50, 255
    known, place = np.zeros((4, 6), np.uint8), np.zeros((4, 6, 2), np.float32)
    request = RefineRequest(np.zeros((4, 6, 4), np.uint8), known, place, plate, surroundings=layer)
    answer = server.client.post("/v1/jobs/refine", content=pack_refine_request(request), headers=BINARY)
    job = follow(server, from_json(JobStatus, answer.content))
    still = unpack_still(server.client.get(f"/v1/jobs/{job.id}/result").content)
    assert (still.pixels[0] == (200, 100, 50)).all()
    np.testing.assert_array_equal(still.pixels[1:], plate[1:])


def test_info_answers_before_the_engine_is_there(server) -> None:
    info = from_json(BackendInfo, server.client.get("/v1/info").content)
    assert (info.protocol, info.device) == (PROTOCOL, "")
    follow(server, submit(server))
    info = from_json(BackendInfo, server.client.get("/v1/info").content)
    assert (info.device, info.interim) == ("test device", ("parse",))


def test_a_long_poll_tells_the_stages(server) -> None:
    server.engine.gate = threading.Event()
    job = submit(server)
    stages: list[str] = []
    while "Fitting head" not in stages:
        job = from_json(
            JobStatus, server.client.get(f"/v1/jobs/{job.id}?after={job.revision}&wait=10").content
        )
        assert not job.state.in_terminal_state
        stages.append(job.stage)
    server.engine.gate.set()
    assert follow(server, job).state is JobState.SUCCEEDED


def test_delete_cancels(server) -> None:
    server.engine.gate = threading.Event()
    job = submit(server)
    assert server.engine.started.wait(10)
    answer = from_json(JobStatus, server.client.delete(f"/v1/jobs/{job.id}").content)
    assert answer.state is JobState.CANCELLED


def test_a_result_that_is_not_ready(server) -> None:
    server.engine.gate = threading.Event()
    job = submit(server)
    refused(server.client.get(f"/v1/jobs/{job.id}/result"), 409, ErrorCode.NOT_READY)


def test_refusals_of_the_engine_arrive_in_words(server) -> None:
    server.engine.error = NoFaceFound("No face was found.", "Use a photo that shows a face.")
    job = follow(server, submit(server))
    assert job.state is JobState.FAILED
    assert job.error == ErrorBody(ErrorCode.NO_FACE, "No face was found.", "Use a photo that shows a face.")
    refused(server.client.get(f"/v1/jobs/{job.id}/result"), 422, ErrorCode.NO_FACE)


def test_bytes_that_are_no_photo(server) -> None:
    answer = server.client.post("/v1/jobs/reconstruct", content=b"hello", headers=BINARY)
    job = follow(server, from_json(JobStatus, answer.content))
    assert job.error is not None
    assert job.error.code is ErrorCode.PHOTO_UNREADABLE


@pytest.mark.parametrize("data", [b"", b"hello", pack(RefineHeader(4, 4), {})])
def test_a_refine_request_that_is_none(server, data: bytes) -> None:
    answer = server.client.post("/v1/jobs/refine", content=data, headers=BINARY)
    job = follow(server, from_json(JobStatus, answer.content))
    assert job.error is not None
    assert job.error.code is ErrorCode.BAD_REQUEST


def test_a_full_queue_says_when_to_come_back(server) -> None:
    server.engine.gate = threading.Event()
    submit(server)
    assert server.engine.started.wait(10)
    waiting = [submit(server), submit(server)]
    assert [job.ahead for job in waiting] == [1, 2]
    answer = server.client.post("/v1/jobs/reconstruct", content=photo_bytes(), headers=BINARY)
    refused(answer, 429, ErrorCode.QUEUE_FULL)
    assert int(answer.headers["Retry-After"]) > 0


def test_artists_take_turns_and_a_full_house_is_told_apart(engine) -> None:
    """Two tokens are two clients, whoever they are; the house is full for both, the queue only for one."""
    engine.gate = threading.Event()
    jobs = JobQueue(JobLimits(max_waiting=3, max_waiting_per_client=2))
    app = create_app(jobs, Studio(lambda: engine), (TOKEN, OTHER_TOKEN))
    with TestClient(app, "http://127.0.0.1:5000") as client:

        def post(token: str):
            headers = BINARY | {"Authorization": f"Bearer {token}"}
            return client.post("/v1/jobs/reconstruct", content=photo_bytes(), headers=headers)

        post(TOKEN)
        assert engine.started.wait(10)
        for _ in range(2):
            post(TOKEN)
        refused(post(TOKEN), 429, ErrorCode.QUEUE_FULL)
        other = from_json(JobStatus, post(OTHER_TOKEN).content)
        assert other.ahead == 2  # what runs and one of the first artist's two
        answer = post(OTHER_TOKEN)
        refused(answer, 503, ErrorCode.BUSY)
        assert int(answer.headers["Retry-After"]) > 0
    engine.gate.set()
    assert jobs.stop(10)


def test_what_waits_and_arrives_is_bounded_in_bytes(engine) -> None:
    size = len(photo_bytes())
    engine.gate = threading.Event()
    jobs = JobQueue(JobLimits(max_waiting_bytes=2 * size))
    app = create_app(jobs, Studio(lambda: engine), (TOKEN,))
    with TestClient(app, "http://127.0.0.1:5000", headers={"Authorization": f"Bearer {TOKEN}"}) as client:

        def post():
            return client.post("/v1/jobs/reconstruct", content=photo_bytes(), headers=BINARY)

        post()
        assert engine.started.wait(10)  # what runs no longer waits
        assert [post().status_code for _ in range(3)] == [200, 200, 503]
    engine.gate.set()
    assert jobs.stop(10)


def test_a_sender_that_falls_silent_is_not_waited_for(server, monkeypatch) -> None:
    monkeypatch.setattr(app_module, "BODY_PAUSE_SECONDS", 0.01)
    answers: list[dict] = []
    headers = {"authorization": f"Bearer {TOKEN}", "host": "127.0.0.1"} | BINARY
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/jobs/refine",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
    }

    async def receive() -> dict:
        return await asyncio.Event().wait()  # type: ignore[return-value]

    async def send(message: dict) -> None:
        answers.append(message)

    asyncio.run(server.client.app(scope, receive, send))
    assert answers[0]["status"] == 400
    assert from_json(ErrorBody, answers[1]["body"]).message == "The picture did not arrive."


def test_counters_tell_what_happened_and_only_who_knows_the_token(server) -> None:
    follow(server, submit(server))
    server.client.get("/v1/jobs/none")
    page = server.client.get("/metrics")
    assert page.headers["content-type"] == TEXT_FORMAT
    lines = page.text.splitlines()
    assert 'likeness_jobs_total{kind="reconstruct",state="succeeded"} 1' in lines
    assert 'likeness_answers_total{status="404"} 1' in lines
    assert "likeness_jobs_waiting 0" in lines
    assert all(
        re.fullmatch(r"# (HELP|TYPE) .*|[a-z_]+({[a-z_=\",0-9]+})? [0-9.e+-]+", line) for line in lines
    )


def test_whoever_asks_too_fast_is_told_to_wait(engine) -> None:
    """Also without the token: guessing it costs the guesser, not the studio."""
    jobs = JobQueue()
    pace = Pace(PaceLimits(per_second=0.01, burst=2))
    app = create_app(jobs, Studio(lambda: engine), (TOKEN,), pace=pace)
    with TestClient(app, "http://127.0.0.1:5000") as client:
        answers = [client.get("/v1/info", headers={"Authorization": "Bearer guess"}) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [401, 401, 429]
        refused(answers[2], 429, ErrorCode.TOO_FAST)
        assert int(answers[2].headers["Retry-After"]) > 0
    assert jobs.stop(10)


def test_a_photo_stays_in_memory(server) -> None:
    """Nothing of a job is written anywhere."""
    written: list[str] = []

    def hook(event: str, arguments: tuple) -> None:
        if event == "open" and watching and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
            written.append(str(arguments[0]))

    watching = [True]
    sys.addaudithook(hook)
    job = follow(server, submit(server))
    server.client.get(f"/v1/jobs/{job.id}/result")
    watching.clear()
    assert written == []


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize(
    "authorization",
    [None, "", TOKEN, f"bearer {TOKEN}", f"Bearer {TOKEN}x", "Bearer ", "Bearer ä", "Basic eDp5"],
)
def test_every_route_wants_the_token(server, method: str, path: str, authorization: str | None) -> None:
    del server.client.headers["Authorization"]
    headers = {} if authorization is None else {"Authorization": authorization.encode("latin-1")}
    refused(server.client.request(method, path, headers=headers), 401, ErrorCode.UNAUTHORIZED)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.com", 400),
        ("127.0.0.1.evil.com", 400),
        ("localhost.evil.com:5000", 400),
        ("", 400),
        ("0.0.0.0", 400),
        ("127.0.0.1", 200),
        ("127.0.0.1:5000", 200),
        ("localhost:5000", 200),
        ("[::1]:5000", 200),
    ],
)
def test_other_hosts_are_refused(server, host: str, status: int) -> None:
    assert server.client.get("/v1/info", headers={"Host": host}).status_code == status


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.com"},
        {"Origin": "null"},
    ],
)
def test_web_pages_are_refused_even_with_the_token(server, headers: dict[str, str]) -> None:
    refused(server.client.get("/v1/info", headers=headers), 401, ErrorCode.UNAUTHORIZED)


def test_nothing_invites_browsers(server) -> None:
    answer = server.client.get("/v1/info")
    assert not [name for name in answer.headers if name.startswith("access-control")]
    for path in ("/docs", "/redoc", "/openapi.json"):
        refused(server.client.get(path), 404, ErrorCode.NOT_FOUND)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_forms_of_web_pages_are_refused(server, kind: str) -> None:
    answer = server.client.post("/v1/jobs/reconstruct", content=b"x", headers={"Content-Type": kind})
    refused(answer, 400, ErrorCode.BAD_REQUEST)


def test_large_bodies_are_refused_by_their_announcement(server, monkeypatch) -> None:
    monkeypatch.setattr(app_module, "MAX_PHOTO_BYTES", 1000)
    answer = server.client.post("/v1/jobs/reconstruct", content=bytes(1001), headers=BINARY)
    refused(answer, 413, ErrorCode.TOO_LARGE)


def test_large_bodies_are_refused_while_they_arrive(server, monkeypatch) -> None:
    """Chunked, without a length, and endless: the answer comes all the same."""
    monkeypatch.setattr(app_module, "MAX_PAYLOAD_BYTES", 1000)
    chunks = itertools.repeat(bytes(300), 10)
    answer = server.client.post("/v1/jobs/refine", content=chunks, headers=BINARY)
    assert "content-length" not in answer.request.headers
    refused(answer, 413, ErrorCode.TOO_LARGE)


@pytest.mark.parametrize("job_id", ["..%2finfo", "..%2f..%2fetc%2fpasswd", "%00", "x" * 5000, "a/b/c"])
def test_job_names_are_names_and_no_paths(server, job_id: str) -> None:
    answer = server.client.get(f"/v1/jobs/{job_id}")
    refused(answer, 404, ErrorCode.NOT_FOUND)


@pytest.mark.parametrize("query", ["face=-1", "face=0", "face=x", "face=1.5", f"face={'9' * 5000}"])
def test_a_face_is_a_number(server, query: str) -> None:
    answer = server.client.post(f"/v1/jobs/reconstruct?{query}", content=photo_bytes(), headers=BINARY)
    refused(answer, 400, ErrorCode.BAD_REQUEST)


@pytest.mark.parametrize("query", ["wait=nan", "wait=-1", "wait=inf", "after=x", "after=-2"])
def test_a_wait_is_a_number(server, query: str) -> None:
    job = submit(server)
    refused(server.client.get(f"/v1/jobs/{job.id}?{query}"), 400, ErrorCode.BAD_REQUEST)


def test_logs_carry_neither_token_nor_photo(server, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    server.engine.error = RuntimeError("broken")
    follow(server, submit(server))
    server.client.get("/v1/info", headers={"Authorization": "Bearer guess"})
    assert "broken" in caplog.text
    assert TOKEN not in caplog.text
    assert "PNG" not in caplog.text
    assert "\\x89" not in caplog.text


def test_every_error_has_a_status() -> None:
    assert set(HTTP_STATUS) == set(ErrorCode)
    assert all(400 <= status < 600 for status in HTTP_STATUS.values())


def test_answers_are_json_objects(server) -> None:
    assert isinstance(json.loads(server.client.get("/v1/info").content), dict)


def test_a_short_token_is_refused() -> None:
    jobs = JobQueue()
    app = create_app(jobs, Studio(FakeEngine), ("short",))
    with pytest.raises(ValueError, match="token"), TestClient(app):
        pass
    assert jobs.stop(10)
