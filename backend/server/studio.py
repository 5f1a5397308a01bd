"""Requests become work: photos and coarse renders in, payloads out, by one engine made on first use."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from ..errors import BadRequest
from ..own_pixels import with_own_pixels
from ..payload import BadPayload
from ..photo import Photo, load_photo
from ..progress import HEAD_PATH, MEASURE_PATH, STILL_PATH, Progress, along
from ..protocol import PROTOCOL, BackendInfo, Quality, Stage
from ..reconstruction import Reconstruction
from ..still import Still
from ..surroundings import with_surroundings
from ..transfer import FaceMeasure
from ..wire import RefineRequest, pack_measure, pack_reconstruction, pack_still, unpack_refine_request
from .jobs import Work

Pixels = NDArray[np.uint8]

log = logging.getLogger("likeness.studio")


class Engine(Protocol):
    """What the server needs of :class:`backend.engine.Engine`."""

    @property
    def device_name(self) -> str:
        """Display name of what it computes on."""
        ...

    @property
    def interim(self) -> tuple[str, ...]:
        """Stages that are still interim."""
        ...

    def reconstruct(
        self, photo: Photo, *, face: int | None, quality: Quality, progress: Progress
    ) -> Reconstruction:
        """A head from a photo."""
        ...

    def measure(self, photo: Photo, *, face: int | None, quality: Quality, progress: Progress) -> FaceMeasure:
        """Pose and expression in a photo."""
        ...

    def refine(
        self, coarse: Pixels, known: Pixels, plate: Pixels, *, transparent: bool, progress: Progress
    ) -> Still:
        """A still from a coarse render."""
        ...


class Studio:
    """Holds the engine. It is made in the worker thread, so that the server answers at once."""

    def __init__(self, make_engine: Callable[[], Engine]) -> None:
        self._make_engine = make_engine
        self._engine: Engine | None = None

    def engine(self) -> Engine:
        """The engine, made on first use. For the worker thread only."""
        if self._engine is None:
            self._engine = self._make_engine()
            log.info(
                "computes on %s; interim: %s",
                self._engine.device_name,
                ", ".join(self._engine.interim) or "-",
            )
        return self._engine

    def warm_up(self) -> None:
        """Make the engine before the first photo comes."""
        self.engine()

    def info(self) -> BackendInfo:
        """Who answers; the device's name is empty until the engine is there."""
        engine = self._engine
        if engine is None:
            return BackendInfo(PROTOCOL, __version__, "")
        return BackendInfo(PROTOCOL, __version__, engine.device_name, tuple(engine.interim))

    def reconstruct(self, data: bytes, face: int | None, quality: Quality = Quality.FAST) -> Work:
        """Work that turns the bytes of a photo into a reconstruction's payload."""

        def work(progress: Progress) -> bytes:
            progress = along(HEAD_PATH, progress)
            progress(Stage.LOAD, 0.0)
            photo = load_photo(data)
            reconstruction = self.engine().reconstruct(photo, face=face, quality=quality, progress=progress)
            progress(Stage.PACK, 0.0)
            return pack_reconstruction(reconstruction)

        return work

    def measure(self, data: bytes, face: int | None, quality: Quality = Quality.FAST) -> Work:
        """Work that turns the bytes of a photo into the payload of what the person does in it."""

        def work(progress: Progress) -> bytes:
            progress = along(MEASURE_PATH, progress)
            progress(Stage.LOAD, 0.0)
            photo = load_photo(data)
            return pack_measure(self.engine().measure(photo, face=face, quality=quality, progress=progress))

        return work

    def refine(self, data: bytes) -> Work:
        """Work that turns a refine request into a still's payload."""

        def work(progress: Progress) -> bytes:
            progress = along(STILL_PATH, progress)
            request = _checked(unpack_refine_request, data)
            engine = self.engine()
            # Edges were sampled by two renders, one of them without softness.
            known = np.minimum(request.known, request.coarse[..., 3])
            still = engine.refine(
                _sharpened(request, known),
                known,
                request.plate,
                transparent=request.transparent,
                progress=progress,
            )
            if request.surroundings is not None:
                still = with_surroundings(still, request.surroundings)
            progress(Stage.PACK, 0.0)
            return pack_still(still)

        return work


def _sharpened(request: RefineRequest, known: Pixels) -> Pixels:
    """The coarse render with the photo's own pixels, if its colours come from the photo."""
    if request.photo is None:
        return request.coarse
    size = np.array(request.photo.shape[1::-1], np.float32)
    # A plate of another size was cut for the picture: it no longer tells what lies behind the photo's pixels.
    behind = request.plate if request.plate.shape == request.photo.shape else None
    return with_own_pixels(request.coarse, known, request.place * size - 0.5, request.photo, behind)


def _checked(read: Callable[[bytes], Any], data: bytes) -> Any:
    """``read(data)`` with the protocol's error for what is no payload."""
    try:
        return read(data)
    except BadPayload as error:
        raise BadRequest(
            f"The picture did not arrive intact ({error}).",
            "Try again, and update add-on and backend together.",
        ) from error
