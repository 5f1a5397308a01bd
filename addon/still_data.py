"""The two sides of *Render New Pose*: the request that goes out and the picture that comes back."""

from __future__ import annotations

from dataclasses import dataclass

from ..backend import payload, protocol
from ..backend.protocol import RefineHeader, StillHeader
from .errors import ResultBroken
from .head_data import ImageData, image_data


@dataclass(frozen=True)
class StillData:
    """A finished picture and the map of what was invented in it."""

    header: StillHeader
    still: ImageData
    invented: ImageData


def encode_refine(
    coarse_png: bytes, plate_png: bytes, width: int, height: int, *, transparent: bool
) -> bytes:
    """The payload that asks to refine a coarse render (RGBA) before a plate (RGB), both PNG files."""
    header = RefineHeader(width, height, transparent)
    return payload.pack(header, payload.image_arrays({"coarse": coarse_png, "plate": plate_png}))


def decode_still(data: bytes) -> StillData:
    """Read and check a refined picture; ResultBroken if it is none."""
    try:
        fields, arrays = payload.unpack(data)
        header = protocol.decode(StillHeader, fields)
        still, invented = (image_data(key, payload.image_bytes(arrays, key)) for key in ("still", "invented"))
    except ValueError as error:  # includes BadPayload
        raise ResultBroken(f"The backend returned a damaged picture ({error})", "Try again") from error
    for image in (still, invented):
        if (image.width, image.height) != (header.width, header.height):
            raise ResultBroken("The backend returned a picture of the wrong size", "Try again")
    return StillData(header, still, invented)
