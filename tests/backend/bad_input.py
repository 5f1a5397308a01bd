"""Small generators of photos that people really drop in: broken, huge, odd, or without a face."""

from __future__ import annotations

import io
import struct
import zlib

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from skimage import data

Picture = NDArray[np.uint8]


def astronaut() -> Picture:
    """NASA's public-domain portrait that ships with scikit-image (512 x 512, one face of 108 px)."""
    return data.astronaut()


def encoded(picture: Picture, kind: str = "PNG", **options: object) -> bytes:
    """The picture as the bytes of a file."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, kind, **options)
    return stream.getvalue()


def truncated_jpeg() -> bytes:
    """A JPEG of which only the first half arrived."""
    whole = encoded(astronaut(), "JPEG", quality=90)
    return whole[: len(whole) // 2]


def bomb_png(width: int = 30_000, height: int = 30_000) -> bytes:
    """A one-bit PNG with a valid header: about 110 kB that would become gigabytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    row = b"\0" * (1 + (width + 7) // 8)
    packer = zlib.compressobj(9)
    body = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def text_file() -> bytes:
    """What a text file named photo.jpg contains."""
    return b"Dear diary, today I renamed a file.\n" * 20


def cmyk_jpeg() -> bytes:
    """The astronaut in CMYK without a profile."""
    stream = io.BytesIO()
    Image.fromarray(astronaut()).convert("CMYK").save(stream, "JPEG", quality=95)
    return stream.getvalue()


def grey_png_16() -> bytes:
    """The astronaut as 16-bit grey PNG."""
    grey = np.asarray(Image.fromarray(astronaut()).convert("L")).astype(np.uint16) * 257
    return encoded(grey)


def rgb_png_16() -> bytes:
    """The astronaut as 16 bits per channel RGB PNG."""
    ok, coded = cv2.imencode(".png", astronaut()[..., ::-1].astype(np.uint16) * 257)
    assert ok
    return coded.tobytes()


def palette_png_with_alpha() -> bytes:
    """A palette PNG whose left half is transparent."""
    alpha = np.full((512, 512), 255, np.uint8)
    alpha[:, :256] = 0
    image = Image.fromarray(np.dstack([astronaut(), alpha])).quantize(128, Image.Quantize.FASTOCTREE)
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def cartoon() -> Picture:
    """A drawn face that the detector does take for a face."""
    image = Image.new("RGB", (1200, 1200), "white")
    draw = ImageDraw.Draw(image)
    draw.ellipse((260, 160, 940, 1040), fill=(240, 200, 170))
    draw.pieslice((240, 120, 960, 480), 180, 360, fill=(70, 40, 20))
    for x in (470, 730):
        draw.ellipse((x - 68, 480, x + 68, 560), fill="white")
        draw.ellipse((x - 28, 492, x + 28, 548), fill=(60, 40, 20))
        draw.ellipse((x - 12, 508, x + 12, 532), fill="black")
        draw.arc((x - 88, 416, x + 88, 472), 180, 360, fill=(70, 40, 20), width=16)
    draw.line([(600, 540), (570, 700), (630, 704)], fill=(190, 140, 110), width=8)
    draw.chord((480, 776, 720, 864), 0, 180, fill=(190, 60, 70))
    return np.asarray(image.resize((600, 600), Image.Resampling.LANCZOS))


def scenery() -> Picture:
    """A photo without a person."""
    return data.coffee()


def with_face_of(height_px: float, canvas: int = 700) -> Picture:
    """The astronaut on a grey canvas so small that her face is about ``height_px`` high."""
    scale = height_px / 108.3
    small = cv2.resize(astronaut(), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    picture = np.full((canvas, canvas, 3), 128, np.uint8)
    picture[80 : 80 + small.shape[0], 150 : 150 + small.shape[1]] = small
    return picture
