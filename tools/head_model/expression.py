"""The 52 ARKit expressions of hm08, on the head's vertices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .source import Source
from .topology import Topology

_LID_UNITS = ("Blink", "LookDown", "LookIn", "LookOut", "LookUp", "Squint", "Wide")
_JAW_UNITS = ("jawForward", "jawLeft", "jawRight", "jawOpen")
_MOUTH_UNITS = ("Close", "Funnel", "Pucker", "Left", "Right")
_MOUTH_PAIRS = ("Smile", "Frown", "Dimple", "Stretch")
_LIP_UNITS = ("RollLower", "RollUpper", "ShrugLower", "ShrugUpper")
_LIP_PAIRS = ("Press", "LowerDown", "UpperUp")

ARKIT_NAMES: tuple[str, ...] = (
    *(f"eye{unit}Left" for unit in _LID_UNITS),
    *(f"eye{unit}Right" for unit in _LID_UNITS),
    *_JAW_UNITS,
    *(f"mouth{unit}" for unit in _MOUTH_UNITS),
    *(f"mouth{unit}{side}" for unit in _MOUTH_PAIRS for side in ("Left", "Right")),
    *(f"mouth{unit}" for unit in _LIP_UNITS),
    *(f"mouth{unit}{side}" for unit in _LIP_PAIRS for side in ("Left", "Right")),
    *("browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
    *("cheekPuff", "cheekSquintLeft", "cheekSquintRight", "noseSneerLeft", "noseSneerRight", "tongueOut"),
)
"""Apple's blend shape locations in Apple's order."""


def build_expressions(source: Source, topology: Topology) -> NDArray[np.float32]:
    """(52,N,3) displacements in mm at weight 1; left and right are the subject's.

    hm08's units carry the lower teeth, the tongue and the lashes along. They also turn the
    eyeballs; that is left out, since the eyes are objects of their own that turn about their
    centres, and ``eyeLook*`` moves the lids alone.
    """
    eyes = topology.part_vertices("eye_left") | topology.part_vertices("eye_right")
    units = np.stack([source.face_unit(name)[topology.source_vertex] for name in ARKIT_NAMES])
    units[:, eyes] = 0.0
    return units.astype(np.float32)
