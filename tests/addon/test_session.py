"""Jobs from the main thread's point of view, against a real backend process."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest
from likeness.addon.client import Client
from likeness.addon.connections import connection
from likeness.addon.errors import (
    BackendDied,
    BackendMissing,
    BackendUnreachable,
    Busy,
    FileUnusable,
    RequestRefused,
    ResultBroken,
)
from likeness.addon.head_data import HeadData, decode_head
from likeness.addon.installation import BackendChoice, BackendKind
from likeness.addon.jobs import Failed, Finished, Request, Stopped
from likeness.addon.messages import TEXTS
from likeness.addon.session import Session, read_photo
from likeness.addon.state import BackendState
from likeness.backend.protocol import ErrorCode, JobState


@pytest.fixture(scope="module")
def session():
    session = Session()
    yield session
    session.stop_backend(wait=True)


@pytest.fixture(scope="module")
def choice(tmp_path_factory):
    from fake_interpreter import write_fake_interpreter

    folder = tmp_path_factory.mktemp("session")
    return BackendChoice(BackendKind.INTERPRETER, folder, str(write_fake_interpreter(folder)))


def request(photo: bytes) -> Request[HeadData]:
    return Request("ann.jpg", lambda client: client.reconstruct(photo), lambda data: decode_head("ann", data))


def until_running(job):
    """Read events until the backend works on the job."""
    pause = threading.Event()
    while not (job.update() and job.progress.fraction > 0):
        assert job.ending is None
        pause.wait(0.005)


def test_a_photo_becomes_a_head(session, choice):
    assert session.state(choice) in (BackendState.STOPPED, BackendState.RUNNING)
    ending = session.start_job(request(b"a photo"), choice).wait()
    assert isinstance(ending, Finished)
    assert ending.result.name == "ann"
    assert session.state(choice) is BackendState.RUNNING


@pytest.mark.parametrize("code", [ErrorCode.NO_FACE, ErrorCode.QUEUE_FULL])
def test_a_refusal_is_explained(session, choice, code):
    job = session.start_job(request(b"fail:" + code.encode()), choice)
    ending = job.wait()
    assert isinstance(ending, Failed)
    assert isinstance(ending.error, RequestRefused)
    expected = "Words of the backend" if TEXTS[code].prefer_backend else TEXTS[code].message
    assert ending.error.message == expected
    assert job.state is JobState.FAILED


def test_a_damaged_result_is_refused(session, choice):
    ending = session.start_job(request(b"broken"), choice).wait()
    assert isinstance(ending, Failed)
    assert isinstance(ending.error, ResultBroken)


def test_a_backend_killed_in_mid_job_is_told_and_the_next_job_starts_it_anew(session, choice):
    ending = session.start_job(request(b"die"), choice).wait()
    assert isinstance(ending, Failed)
    assert isinstance(ending.error, BackendDied)
    assert "on purpose" in ending.error.text
    assert session.state(choice) is BackendState.FAILED
    assert isinstance(session.start_job(request(b"a photo"), choice).wait(), Finished)


def test_a_backend_that_went_to_rest_in_that_moment_is_started_again(choice, monkeypatch):
    session = Session()
    monkeypatch.setenv("LIKENESS_FAKE_START", "brief")
    first = session.ensure_process(choice)
    first.wait_ready(threading.Event())
    monkeypatch.delenv("LIKENESS_FAKE_START")
    try:
        assert isinstance(session.start_job(request(b"a photo"), choice).wait(), Finished)
        assert session.process is not first
        assert first.exit_code == 0
        assert session.info.version == "fake"
    finally:
        session.stop_backend(wait=True)


def test_a_connection_that_breaks_is_tried_again_while_the_job_goes_on(session, choice, monkeypatch):
    monkeypatch.setattr("likeness.addon.jobs.RECONNECT_PAUSE_S", 0.0)
    broken = iter([True, False, True, True])
    real = Client._call

    def call(self, method, path, *arguments, **options):
        if ("wait=" in path or path.endswith("/result")) and next(broken, False):
            raise BackendUnreachable("The cable is out", "Put it in")
        return real(self, method, path, *arguments, **options)

    monkeypatch.setattr(Client, "_call", call)
    assert isinstance(session.start_job(request(b"a photo"), choice).wait(), Finished)
    assert next(broken, None) is None


def test_a_connection_that_stays_broken_is_given_up(session, choice, monkeypatch):
    monkeypatch.setattr("likeness.addon.jobs.RECONNECT_S", 0.0)

    def poll(self, job, wait_s):
        raise BackendUnreachable("The cable is out", "Put it in")

    monkeypatch.setattr(Client, "poll", poll)
    ending = session.start_job(request(b"a photo"), choice).wait()
    assert isinstance(ending, Failed)
    assert ending.error.message == "The cable is out"


def test_one_backend_for_one_blender(choice):
    """However many threads ask at once."""
    session, found = Session(), []
    together = threading.Barrier(6)

    def ask():
        together.wait()
        found.append(session.ensure_process(choice))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    session.stop_backend(wait=True)
    assert len(found) == 6
    assert len(set(map(id, found))) == 1


def test_cancelling_ends_at_once_here_and_soon_there(session, choice):
    job = session.start_job(request(b"slow"), choice)
    until_running(job)
    job.cancel()
    assert job.ending == Stopped()
    assert job.state is JobState.CANCELLED
    job._thread.join(10)
    assert not job._thread.is_alive()
    client = Client(session.ensure_process(choice).wait_ready(threading.Event()))
    assert client.info().device == "0 jobs"


def test_a_second_job_is_refused_while_one_runs(session, choice):
    job = session.start_job(request(b"slow"), choice)
    with pytest.raises(Busy, match=r"ann\.jpg"):
        session.start_job(request(b"a photo"), choice)
    job.cancel()
    assert isinstance(session.start_job(request(b"a photo"), choice).wait(), Finished)


def test_the_main_thread_never_touches_the_network(session, choice, monkeypatch):
    """Why the interface cannot stall: every connection, read and decode happens in the job's thread."""
    callers = set()
    real = socket.create_connection
    monkeypatch.setattr(
        socket,
        "create_connection",
        lambda *a, **k: (callers.add(threading.current_thread().name), real(*a, **k))[1],
    )
    asked = Request(
        "ann.jpg",
        lambda client: client.reconstruct(b"a photo"),
        lambda data: (callers.add(threading.current_thread().name), decode_head("ann", data))[1],
    )
    job = session.start_job(asked, choice)
    while job.ending is None:
        job.update()
    assert isinstance(job.ending, Finished)
    assert callers == {"likeness-job"}


def test_a_fault_in_the_thread_ends_the_job(session, choice, monkeypatch):
    monkeypatch.setattr(threading, "excepthook", lambda args: None)
    job = session.start_job(Request("x", lambda client: 1 / 0, lambda data: data), choice)
    ending = job.wait()
    assert isinstance(ending, Failed)
    assert "fault of its own" in ending.error.text


def test_nothing_starts_without_an_environment(session, tmp_path):
    with pytest.raises(BackendMissing):
        session.start_job(request(b""), BackendChoice(BackendKind.INTERPRETER, tmp_path, ""))


def test_a_job_at_a_server(session, choice):
    address = session.ensure_process(choice).wait_ready(threading.Event())
    url = f"http://{address.host}:{address.port}"
    remote = BackendChoice(BackendKind.REMOTE, Path(), url=url, token=address.token)
    assert isinstance(Session().start_job(request(b"a photo"), remote).wait(), Finished)


def test_stopping_the_backend_stops_its_job(choice):
    session = Session()
    job = session.start_job(request(b"slow"), choice)
    until_running(job)
    session.stop_backend(wait=True)
    assert isinstance(job.ending, Stopped)
    assert session.state(choice) is BackendState.STOPPED


def test_a_job_that_was_given_up_starts_no_backend(choice):
    session = Session()
    give_up = threading.Event()
    give_up.set()
    with pytest.raises(BackendUnreachable):
        connection(session, choice).open(give_up)
    assert session.process is None


def test_photos_are_read_from_any_path(tmp_path):
    path = tmp_path / "Grüße aus Köln" / "ä b.jpg"
    path.parent.mkdir()
    path.write_bytes(b"photo")
    assert read_photo(path, 5) == b"photo"
    with pytest.raises(FileUnusable, match="larger"):
        read_photo(path, 4)
    with pytest.raises(FileUnusable, match="no photo at"):
        read_photo(path.parent, 4)
