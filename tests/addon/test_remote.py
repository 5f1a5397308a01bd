"""A studio's server: the add-on's client, the real server process and a TLS socket between them."""

from __future__ import annotations

import io
import os
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from likeness.addon.client import Address, Client
from likeness.addon.errors import BackendUnreachable, FileUnusable, RequestRefused
from likeness.addon.installation import BackendChoice, BackendKind
from likeness.addon.jobs import Finished, Request
from likeness.addon.session import Session
from likeness.backend.protocol import TOKEN_VARIABLE, ReadyEvent, from_json

pytest.importorskip("uvicorn", reason="the server's libraries are in the backend's environment")

ROOT = Path(__file__).resolve().parents[2]
TOKENS = ("first-artist-first-artist-first-artist", "second-artist-second-artist-second-artist")


@pytest.fixture(scope="module")
def url(certificate, tmp_path_factory):
    """Address of ``likeness serve --allow-remote`` with a small engine, ended with the module."""
    tokens = tmp_path_factory.mktemp("studio") / "tokens"
    tokens.write_text("".join(f"{token} artist {number}\n" for number, token in enumerate(TOKENS)))
    tokens.chmod(0o600)
    options = [
        "--allow-remote",
        "--token-file",
        tokens,
        "--certificate",
        certificate[0],
        "--key",
        certificate[1],
    ]
    environment = {name: value for name, value in os.environ.items() if name != TOKEN_VARIABLE}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "serve_fake.py"), *map(str, options)],
        stdin=subprocess.DEVNULL,  # as a service of the system has it: nobody's end is its end
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    assert process.stdout is not None
    with process.stdout as lines:
        yield f"https://127.0.0.1:{from_json(ReadyEvent, lines.readline()).port}"
    assert process.poll() is None
    process.terminate()
    process.wait(30)


@pytest.fixture(scope="module")
def photo():
    from PIL import Image

    stream = io.BytesIO()
    Image.new("RGB", (64, 48), (128, 90, 70)).save(stream, "PNG")
    return stream.getvalue()


def client(url: str, certificate, token: str = TOKENS[0]) -> Client:
    return Client(Address.from_url(url, token, str(certificate[0])))


def test_a_photo_becomes_a_payload_over_tls(url, certificate, photo):
    studio = client(url, certificate)
    status = studio.reconstruct(photo)
    while not status.state.in_terminal_state:
        status = studio.poll(status, wait_s=5)
    assert studio.result(status).startswith(b"PK")


def test_the_same_by_the_preferences(url, certificate, photo):
    choice = BackendChoice(BackendKind.REMOTE, Path(), url=url, token=TOKENS[1], ca_file=str(certificate[0]))
    request: Request[bytes] = Request("Ann", lambda client: client.reconstruct(photo), bytes)
    session = Session()
    ending = session.start_job(request, choice).wait()
    assert isinstance(ending, Finished)
    assert ending.result.startswith(b"PK")
    assert session.info.device == "token visible: False"


def test_a_server_that_nobody_vouches_for_gets_neither_token_nor_photo(url):
    with pytest.raises(BackendUnreachable, match="cannot prove"):
        Client(Address.from_url(url, TOKENS[0])).info()


def test_a_certificate_for_another_name_is_refused(url, certificate):
    with pytest.raises(BackendUnreachable, match="cannot prove"):
        client(url.replace("127.0.0.1", "localhost"), certificate).info()


def test_a_file_without_certificates(url, tmp_path):
    nonsense = tmp_path / "nonsense.pem"
    for content in (b"nonsense", b""):
        nonsense.write_bytes(content)
        with pytest.raises(FileUnusable, match=r"nonsense\.pem is no file with certificates"):
            Client(Address.from_url(url, TOKENS[0], str(nonsense))).info()


def test_a_wrong_token_is_refused(url, certificate):
    with pytest.raises(RequestRefused, match="token"):
        client(url, certificate, "x" * 40).info()


def test_without_tls_nothing_is_answered(url, certificate):
    address = Address.from_url(url, TOKENS[0])
    with pytest.raises(BackendUnreachable):
        Client(Address(address.host, address.port, TOKENS[0])).info()


@pytest.mark.filterwarnings("ignore:.*TLSv1_1:DeprecationWarning")
def test_old_tls_is_refused(url, certificate):
    address = Address.from_url(url, "")
    context = ssl.create_default_context(cafile=str(certificate[0]))
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection((address.host, address.port), 10) as plain,
        pytest.raises(OSError, match=r"(?i)ssl|reset"),
    ):
        context.wrap_socket(plain, server_hostname=address.host)
