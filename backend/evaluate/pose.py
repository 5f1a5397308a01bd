"""Mean absolute error of the head's angles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .dataset import ANGLES, read_dataset, with_answers
from .predict import REFUSALS, PosePredictor

TURNED_DEG = 5.0
"""Spread (standard deviation) of a true angle from which its sign can be told."""
OPPOSED = -0.5
"""Correlation with the truth below which an angle runs the other way."""


def evaluate_pose(dataset: Path | str, predictor: PosePredictor) -> dict[str, Any]:
    """Compare predicted pose angles with the true ones.

    Args:
        dataset: folder; items without ``pose_deg`` are left out. Signs as in docs/conventions.md.
        predictor: gives yaw, pitch and roll per item.

    Returns:
        ``{"mae_deg": {"yaw", "pitch", "roll"}}`` (None if every photo was refused), ``refused`` with
        ids and reasons if any photo was, and ``warnings`` if an angle runs against the truth, which
        hints at a data set with another convention.
    """
    predicted: list[list[float]] = []
    truth: list[list[float]] = []
    refused: list[dict[str, str]] = []
    for item in with_answers(read_dataset(dataset), "pose_deg"):
        assert item.pose_deg is not None
        try:
            angles = predictor.pose_deg(item)
        except REFUSALS as refusal:
            refused.append({"id": item.id, "message": refusal.message})
            continue
        predicted.append([angles[name] for name in ANGLES])
        truth.append([item.pose_deg[name] for name in ANGLES])
    if not predicted:
        return {"mae_deg": dict.fromkeys(ANGLES), "refused": refused}
    ours, theirs = np.array(predicted), np.array(truth)
    mae = np.abs(difference_deg(ours, theirs)).mean(0)
    warnings = opposed_angles(ours, theirs)
    return {
        "mae_deg": {name: float(value) for name, value in zip(ANGLES, mae, strict=True)},
        **({"refused": refused} if refused else {}),
        **({"warnings": warnings} if warnings else {}),
    }


def difference_deg(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.floating]:
    """``a - b`` the short way round, in [-180, 180)."""
    return (a - b + 180.0) % 360.0 - 180.0


def opposed_angles(ours: NDArray[np.floating], truth: NDArray[np.floating]) -> list[str]:
    """A warning for each column (yaw, pitch, roll) of ``ours`` (M,3) that falls as ``truth`` rises."""
    warnings = []
    for name, a, b in zip(ANGLES, ours.T, truth.T, strict=True):
        if len(a) >= 3 and b.std() > TURNED_DEG and a.std() > 0 and np.corrcoef(a, b)[0, 1] < OPPOSED:
            warnings.append(f"Predicted {name} falls where the true {name} rises: the signs may differ.")
    return warnings
