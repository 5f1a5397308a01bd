"""The backend's HTTP interface as typed calls. Runs in worker threads, never in Blender's main one."""

from __future__ import annotations

import functools
import http.client
import json
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

from ..backend import protocol
from ..backend.protocol import BackendInfo, ErrorBody, ErrorCode, JobStatus, Quality
from .errors import BackendUnreachable, FileUnusable, ProtocolMismatch
from .messages import explain

REQUEST_TIMEOUT_S = 30.0
"""Longest silence of a healthy backend besides the wait of a long poll."""

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")

T = TypeVar("T")


@dataclass(frozen=True)
class Address:
    """Where a backend listens, and the token that it wants to see."""

    host: str
    port: int
    token: str
    secure: bool = False
    ca_file: str = ""
    """Certificates to trust besides those of the system (PEM), or empty."""

    @staticmethod
    def from_url(url: str, token: str, ca_file: str = "") -> Address:
        """Read ``https://host:port``, or ``http://`` for this computer; BackendUnreachable otherwise."""
        try:
            parts = urlsplit(url.strip())
            port = parts.port
        except ValueError as error:
            raise _no_address(url) from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise _no_address(url)
        secure = parts.scheme == "https"
        address = Address(parts.hostname, port or (443 if secure else 80), token, secure, ca_file)
        if not secure and not address.is_local:
            raise BackendUnreachable(
                "'{url}' would send your photos and the token unencrypted",
                "Use an address that begins with https:// in Preferences > Add-ons > Likeness",
                url=url,
            )
        return address

    @property
    def is_local(self) -> bool:
        """Whether photos stay on this computer."""
        return self.host in LOOPBACK_HOSTS


class Client:
    """One backend. Every call opens its own connection, so a client may be shared by threads.

    ``http.client`` instead of requests or urllib: those would send loopback traffic through the
    proxy of the environment.
    """

    def __init__(self, address: Address, timeout_s: float = REQUEST_TIMEOUT_S) -> None:
        self.address = address
        self.timeout_s = timeout_s

    def info(self) -> BackendInfo:
        """Who answers; ProtocolMismatch if it speaks another protocol than this add-on."""
        info = self._parsed(BackendInfo, self._call("GET", "/v1/info"))
        check_protocol(info.protocol, info.version)
        return info

    def reconstruct(
        self, photo: bytes, face: int | None = None, quality: Quality = Quality.FAST
    ) -> JobStatus:
        """Hand in the bytes of a photo file; ``face`` as in the protocol, None for the largest."""
        return self._hand_in("reconstruct", photo, face, quality)

    def measure(self, photo: bytes, face: int | None = None, quality: Quality = Quality.FAST) -> JobStatus:
        """Hand in a photo of which only pose and expression are wanted."""
        return self._hand_in("measure", photo, face, quality)

    def refine(self, payload: bytes) -> JobStatus:
        """Hand in a coarse render with its plate."""
        return self._parsed(JobStatus, self._call("POST", "/v1/jobs/refine", payload))

    def poll(self, job: JobStatus, wait_s: float) -> JobStatus:
        """The job's state as soon as it differs from ``job``, at the latest after ``wait_s``."""
        path = f"/v1/jobs/{job.id}?after={job.revision}&wait={wait_s:g}"
        return self._parsed(JobStatus, self._call("GET", path, extra_wait_s=wait_s))

    def result(self, job: JobStatus) -> bytes:
        """The payload of a job that succeeded."""
        return self._call("GET", f"/v1/jobs/{job.id}/result")

    def forget(self, job: JobStatus) -> JobStatus:
        """Stop the job if it still runs, and let the backend delete everything of it."""
        return self._parsed(JobStatus, self._call("DELETE", f"/v1/jobs/{job.id}"))

    def _hand_in(self, kind: str, photo: bytes, face: int | None, quality: Quality) -> JobStatus:
        query = urlencode({"quality": quality.value} | ({} if face is None else {"face": face}))
        return self._parsed(JobStatus, self._call("POST", f"/v1/jobs/{kind}?{query}", photo))

    def _call(self, method: str, path: str, body: bytes | None = None, extra_wait_s: float = 0.0) -> bytes:
        """Send one request; the body of the answer, or the error that the answer describes."""
        connection = self._connection(self.timeout_s + extra_wait_s)
        headers = {"Authorization": f"Bearer {self.address.token}"}
        if body is not None:
            headers["Content-Type"] = "application/octet-stream"
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            data = response.read(protocol.MAX_PAYLOAD_BYTES + 1)
        except ssl.SSLCertVerificationError as error:
            raise BackendUnreachable(
                "The server cannot prove that it is {host} ({reason})",
                "Ask your studio for the file with its certificate and choose it in"
                " Preferences > Add-ons > Likeness",
                host=self.address.host,
                reason=error.verify_message.rstrip("."),
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise BackendUnreachable(
                "The backend does not answer",
                "Start it in Preferences > Add-ons > Likeness, or check the address of your server",
            ) from error
        finally:
            connection.close()
        if len(data) > protocol.MAX_PAYLOAD_BYTES:
            raise _not_a_backend()
        if response.status == http.client.SERVICE_UNAVAILABLE:  # also from a proxy, or without room for words
            raise explain(ErrorBody(ErrorCode.BUSY, ""))
        if response.status >= http.client.BAD_REQUEST:
            raise explain(self._parsed(ErrorBody, data))
        return data

    @functools.cached_property
    def _trust(self) -> ssl.SSLContext:
        """Made once: reading the system's certificates takes as long as a dozen requests."""
        return _trusting(self.address.ca_file)

    def _connection(self, timeout_s: float) -> http.client.HTTPConnection:
        host, port = self.address.host, self.address.port
        if self.address.secure:
            return http.client.HTTPSConnection(host, port, timeout=timeout_s, context=self._trust)
        return http.client.HTTPConnection(host, port, timeout=timeout_s)

    @staticmethod
    def _parsed(kind: type[T], data: bytes) -> T:
        try:
            return protocol.decode(kind, json.loads(data))
        except ValueError as error:  # includes JSON and Unicode errors
            raise _not_a_backend() from error


def _trusting(ca_file: str) -> ssl.SSLContext:
    """TLS that believes the system's certificates and those of a file; FileUnusable if it is none."""
    context = ssl.create_default_context()
    if ca_file:
        try:
            context.load_verify_locations(ca_file)
        except OSError as error:  # includes ssl.SSLError
            raise FileUnusable(
                "{name} holds no certificate",
                "Choose the PEM file of your studio in Preferences > Add-ons > Likeness",
                name=Path(ca_file).name,
            ) from error
    return context


def _no_address(url: str) -> BackendUnreachable:
    return BackendUnreachable(
        "'{url}' is no address of a backend",
        "Enter it like https://my-server:8443 in Preferences > Add-ons > Likeness",
        url=url,
    )


def _not_a_backend() -> BackendUnreachable:
    return BackendUnreachable(
        "Something answers that is no Likeness backend",
        "Check the address in Preferences > Add-ons > Likeness",
    )


def check_protocol(spoken: int, version: str) -> None:
    """ProtocolMismatch unless the backend speaks the add-on's protocol."""
    if spoken != protocol.PROTOCOL:
        raise ProtocolMismatch(
            "The backend (version {version}, protocol {spoken}) does not fit this add-on (protocol {ours})",
            "Update Likeness here and where the backend runs, then start the backend again",
            version=version or "?",
            spoken=spoken,
            ours=protocol.PROTOCOL,
        )
