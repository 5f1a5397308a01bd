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


LEAST_TRAVEL_MM = 2.0
"""Margin vertices that a blink moves less than this belong to the lower lid or to the corners."""


def build_expressions(
    source: Source,
    topology: Topology,
    mean: NDArray[np.floating],
    margins: dict[str, NDArray[np.int32]],
    regions: dict[str, NDArray[np.bool_]],
) -> NDArray[np.float32]:
    """(52,N,3) displacements in mm at weight 1; left and right are the subject's.

    hm08's units carry the lower teeth, the tongue and the lashes along. They also turn the
    eyeballs; that is left out, since the eyes are objects of their own that turn about their
    centres, and ``eyeLook*`` moves the lids alone. ``margins`` are the lid margins by ARKit's side
    ("Left", "Right"): a blink is made to close the lids of the mean (N,3).
    """
    eyes = topology.part_vertices("eye_left") | topology.part_vertices("eye_right")
    units = np.stack([source.face_unit(name)[topology.source_vertex] for name in ARKIT_NAMES])
    units[:, eyes] = 0.0
    for name, unit in zip(ARKIT_NAMES, units, strict=True):
        unit[_out_of_reach(name, regions)] = 0.0
    for side, margin in margins.items():
        blink = units[ARKIT_NAMES.index(f"eyeBlink{side}")]
        blink *= _closing_share(mean, blink, margin)[:, None]
    return units.astype(np.float32)


def _out_of_reach(name: str, regions: dict[str, NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """(N,) hidden pouches a unit has no business in: hm08's units push those of other features about."""
    if name.startswith(("jaw", "mouth", "tongue", "cheekPuff")):
        return regions["socket_left"] | regions["socket_right"]
    if name.endswith("Left"):
        return regions["mouth_inside"] | regions["socket_right"]
    if name.endswith("Right"):
        return regions["mouth_inside"] | regions["socket_left"]
    return regions["mouth_inside"]


def _closing_share(
    mean: NDArray[np.floating], blink: NDArray[np.floating], margin: NDArray[np.int32]
) -> NDArray[np.float64]:
    """(N,) share of a blink, by distance from the nose, that brings the upper margin down to the lower.

    hm08's unit is made for the wider eyes of its base mesh and would push the lid into the cheek.
    """
    fall = -blink[margin, 1]
    upper, lower = margin[fall > LEAST_TRAVEL_MM], margin[fall <= LEAST_TRAVEL_MM]
    lower = lower[np.argsort(np.abs(mean[lower, 0]))]
    floor = mean[lower, 1] + blink[lower, 1]
    outwards = np.abs(mean[upper, 0])
    gap = mean[upper, 1] - np.interp(outwards, np.abs(mean[lower, 0]), floor)
    share = np.clip(gap / -blink[upper, 1], 0.0, 1.0)
    order = np.argsort(outwards)
    return np.interp(np.abs(mean[:, 0]), outwards[order], share[order])
