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


@dataclass(frozen=True)
class CoarseRender:
    """What the backend refines."""

    images: dict[str, bytes]
    """PNG files by the names of :class:`RefineHeader`."""
    width: int
    height: int
    carried: float
    """Share of the head in view that the photo knew, 0..1."""
    transparent: bool
    """Whether the picture is to have no background."""


def encode_refine(render: CoarseRender) -> bytes:
    """The payload that asks to refine a coarse render."""
    header = RefineHeader(render.width, render.height, render.transparent)
    return payload.pack(header, payload.image_arrays(render.images))


def decode_still(data: bytes) -> StillData:
    """Read and check a refined picture; ResultBroken if it is none."""
    try:
        fields, arrays = payload.unpack(data)
        header = protocol.decode(StillHeader, fields)
        still, invented = (image_data(key, payload.image_bytes(arrays, key)) for key in ("still", "invented"))
    except ValueError as error:  # includes BadPayload
        raise ResultBroken(
            "The backend returned a damaged picture ({reason})", "Try again", reason=error
        ) from error
    for image in (still, invented):
        if (image.width, image.height) != (header.width, header.height):
            raise ResultBroken("The backend returned a picture of the wrong size", "Try again")
    return StillData(header, still, invented)
