"""One strange request after the other, as bytes for a socket."""

from __future__ import annotations

import io
import json
import random
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from backend.protocol import Quality
from backend.wire import RefineRequest, pack_refine_request

METHODS = ("GET", "POST", "DELETE", "PUT", "HEAD", "OPTIONS", "PATCH", "TRACE", "get", "G\u00e4T", "")
KINDS = ("reconstruct", "measure", "refine", "repose", "..", "%2e%2e", "")
TYPES = (
    "application/octet-stream",
    "image/png",
    "image/",
    "text/plain",
    "multipart/form-data; boundary=x",
    "",
)
NUMBERS = ("0", "1", "-1", "2", "1e3", "nan", "inf", "0x10", "", " 1", "9" * 400, "\u0661", "%00", "1;2")
NAMES = (
    "none",
    "..",
    "../../etc/passwd",
    "%2e%2e%2f",
    "a" * 3000,
    "\u00e4",
    "%ff%fe",
    "' OR 1=1",
    "{}",
    "0" * 32,
)
PATHS = ("/v1/info", "/metrics", "/", "/docs", "//", "/v1//info", "/v1/info/..", "*", "x", "/%")
SIDE = 24
"""Pixels of the valid pictures: strange is what surrounds them."""


@dataclass(frozen=True)
class Strange:
    """What is sent."""

    data: bytes
    cut: bool
    """Whether the connection breaks off in the middle."""


class Maker:
    """Makes requests from a seed; the same seed and answers give the same requests."""

    def __init__(self, seed: int, host: str, token: str) -> None:
        self._random = random.Random(seed)
        self._host = host
        self._token = token
        self.jobs: list[str] = []
        """Names of jobs that the server has given out."""
        self._bodies = _valid_bodies()

    def next(self) -> Strange:
        """The next request."""
        pick = self._random
        usual, path = self._route()
        method = usual if pick.random() < 0.9 else pick.choice(METHODS)
        body = self._body() if method == "POST" or pick.random() < 0.1 else b""
        head, body = self._head(method, path, body)
        data = head + body
        if pick.random() < 0.05:
            data = self._damaged(data)
        cut = pick.random() < 0.04
        return Strange(data[: pick.randrange(1, len(data) + 1)] if cut else data, cut)

    def _route(self) -> tuple[str, str]:
        """The method that fits, and the path."""
        pick = self._random
        draw = pick.random()
        if draw < 0.4:
            kind = pick.choice(KINDS[:3] if pick.random() < 0.9 else KINDS)
            return "POST", f"/v1/jobs/{kind}{self._query()}"
        if draw < 0.85:
            name = pick.choice(self.jobs) if self.jobs and pick.random() < 0.8 else pick.choice(NAMES)
            method = "DELETE" if pick.random() < 0.2 else "GET"
            tail = "" if method == "DELETE" else pick.choice(("", "", "/result", "/result", "/", "/result/x"))
            return method, f"/v1/jobs/{name}{tail}{self._query()}"
        return "GET", pick.choice(PATHS)

    def _query(self) -> str:
        pick = self._random
        pairs: list[str] = []
        if pick.random() < 0.6:
            return ""
        for name in pick.sample(("face", "quality", "after", "wait", "token", "x" * 50), pick.randrange(4)):
            if name == "wait":  # a long poll is no fault, only slow
                value = pick.choice(("0", "0.01", "nan", "-1", "x", ""))
            elif name == "quality" and pick.random() < 0.7:
                value = pick.choice(tuple(Quality)).value
            else:
                value = pick.choice(NUMBERS) if pick.random() < 0.4 else "1"
            pairs.append(f"{name}={value}")
        return ("?" + pick.choice(("&", "&&", ";")).join(pairs)) if pairs else ""

    def _body(self) -> bytes:
        pick = self._random
        draw = pick.random()
        if draw < 0.3:
            return pick.choice(self._bodies)
        if draw < 0.7:
            return self._damaged(pick.choice(self._bodies))
        if draw < 0.8:
            return self._relabelled(pick.choice(self._bodies))
        return pick.choice(
            (b"", b"\0" * 2000, b"PK\3\4", b"\x89PNG\r\n\x1a\n", pick.randbytes(pick.randrange(4000)))
        )

    def _damaged(self, data: bytes) -> bytes:
        """Some bytes are others, doubled or gone."""
        pick, changed = self._random, bytearray(data)
        for _ in range(pick.randrange(1, 6)):
            if not changed:
                break
            place = pick.randrange(len(changed))
            end = min(len(changed), place + pick.choice((1, 1, 1, 4, 50)))
            match pick.randrange(3):
                case 0:
                    changed[place:end] = pick.randbytes(end - place)
                case 1:
                    changed[place:end] = changed[place:end] * 2
                case _:
                    del changed[place:end]
        return bytes(changed)

    def _relabelled(self, data: bytes) -> bytes:
        """Sizes and names in headers lie: the same length, other digits."""
        pick, changed = self._random, bytearray(data)
        digits = [place for place, value in enumerate(changed) if 48 <= value < 58]
        for place in pick.sample(digits, min(len(digits), pick.randrange(1, 8))):
            changed[place] = 48 + pick.randrange(10)
        return bytes(changed)

    def _head(self, method: str, path: str, body: bytes) -> tuple[bytes, bytes]:
        pick = self._random
        token = (
            self._token if pick.random() < 0.95 else pick.choice(("", "guess", self._token[:-1], "\u00e4"))
        )
        host = self._host if pick.random() < 0.97 else pick.choice(("evil.com", "", "127.0.0.1.evil.com"))
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", f"Authorization: Bearer {token}"]
        kind = TYPES[0] if pick.random() < 0.85 else pick.choice(TYPES)
        lines += [f"Content-Type: {kind}"] if kind else []
        if pick.random() < 0.03:
            lines += [
                pick.choice(
                    ("Origin: null", "Sec-Fetch-Site: cross-site", "Upgrade: websocket", "X: " + "y" * 20000)
                )
            ]
        if body and pick.random() < 0.15:
            lines += ["Transfer-Encoding: chunked"]
            body = _chunked(body, pick.randrange(1, 2000))
        elif body or pick.random() < 0.2:
            lie = pick.choice((str(len(body) // 2), "-1", "x", "9" * 20, ""))
            lines += [f"Content-Length: {len(body) if pick.random() < 0.95 else lie}"]
        lines += ["Connection: close", "", ""]
        return "\r\n".join(lines).encode("latin-1", "replace"), body


def _chunked(body: bytes, size: int) -> bytes:
    chunks = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in [*chunks, b""])


def _valid_bodies() -> list[bytes]:
    """Photos and coarse renders that the server takes."""
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 4), np.uint8)
    colours = noise[..., :3].copy()
    place = np.random.default_rng(1).random((SIDE, SIDE, 2), np.float32)
    least = RefineRequest(coarse=noise, known=noise[..., 0].copy(), place=place, plate=colours)
    most = replace(least, transparent=True, photo=colours, surroundings=noise)
    bodies = [pack_refine_request(least), pack_refine_request(most)]
    for kind in ("PNG", "JPEG", "WEBP", "GIF", "TIFF"):
        stream = io.BytesIO()
        Image.fromarray(noise[..., :3]).save(stream, kind)
        bodies.append(stream.getvalue())
    return [*bodies, json.dumps({"width": 3}).encode()]
