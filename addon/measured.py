"""What another photo's person does, and what that means for a head in the scene."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..backend import payload, protocol
from ..backend.frames import Pose
from ..backend.payload import BadPayload
from ..backend.protocol import MeasureHeader, common_expressions
from .errors import ResultBroken, SceneUnfit
from .head_data import check_rotation
from .placement import pivot_rotation


@dataclass(frozen=True)
class MeasuredFace:
    """Pose and expression in a photo."""

    name: str
    """The photo's file name."""
    pose: Pose
    expression: dict[str, float]
    """Weights by name."""
    model: str
    warnings: tuple[str, ...]


def decode_measure(name: str, data: bytes) -> MeasuredFace:
    """Read and check the payload of a measured photo; ResultBroken if it is none."""
    try:
        fields, _ = payload.unpack(data)
        header = protocol.decode(MeasureHeader, fields)
        pose = Pose(np.array(header.rotation), np.array(header.translation_mm))
        check_rotation(pose.rotation)
        if pose.translation_mm[2] <= 0:
            raise BadPayload("the face is behind the camera")
    except ValueError as error:  # includes BadPayload
        raise ResultBroken(
            "The backend returned a damaged measurement ({reason})",
            "Try again; if it stays, update Likeness here and where the backend runs",
            reason=error,
        ) from error
    return MeasuredFace(name, pose, header.expression, header.model, header.warnings)


def rotation_like(measured: MeasuredFace, place_mm: Iterable[float]) -> NDArray[np.float64]:
    """(3,3) rotation of a pivot in Blender for a head at ``place_mm`` before its photo camera, that faces
    this camera as the measured head faced its own."""
    own = Pose(np.eye(3), np.array(tuple(place_mm)))
    return pivot_rotation(own.facing_like(measured.pose).rotation)


def weights_for(measured: MeasuredFace, names: Iterable[str], model: str) -> dict[str, float]:
    """Weights of those expressions of a head that the measurement knows; SceneUnfit if there is none.

    ``names`` and ``model`` are the head's expressions and its morphable model.
    """
    common = common_expressions(measured.expression, measured.model, names, model)
    if not common:
        raise SceneUnfit(
            "This head was made with another morphable model ({own} instead of {other}),"
            " whose expressions cannot be compared",
            "Turn Expression off to take over the pose alone, or import the head's photo again",
            own=model,
            other=measured.model,
        )
    return {name: measured.expression[name] for name in common}
