"""Scores rows on pictures, one picture at a time, and sums up."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from backend.evaluate import EvaluationItem, Look
from backend.evaluate.dataset import ANGLES
from backend.evaluate.geometry import region_errors
from backend.evaluate.identity import YAWS_DEG, identity_of
from backend.evaluate.pose import difference_deg
from backend.evaluate.predict import REFUSALS
from backend.nets.identity_net import IdentityNet

from .cache import Cache, file_fingerprint, fingerprint
from .rows import Predictor, Row


@dataclass(frozen=True)
class Shape:
    """Geometry and pose of one row over its faces."""

    faces: int
    missed: int
    """Refused, or laid elsewhere; not in the means."""
    mean_mm: float
    median_mm: float
    """Median of each face's distances, mean over faces."""
    non_face_mm: float
    """NaN where a row shows nothing of it."""
    pose_deg: float
    """Mean absolute error, mean of yaw, pitch and roll."""
    angles_deg: tuple[float, float, float]
    offset_deg: tuple[float, float, float]
    """Mean signed error of each."""


def shape_of(row: Row, items: Sequence[EvaluationItem], cache: Cache) -> Shape:
    """Score one row; pictures that were scored before are not scored again."""
    items = items[: row.at_most]
    version = fingerprint(row.files)
    predictor: Predictor | None = None
    records = []
    for item in items:
        key = (
            f"shape/{row.key}/{item.id}/{file_fingerprint((item.image, item.depth, item.regions))}/{version}"
        )
        if predictor is None:
            predictor = row.make()
        records.append(cache.get(key, partial(_shape_record, predictor, item)))
        _tell(f"{row.key} {item.id} {records[-1].get('face')}")
    return _summed(records)


def _shape_record(predictor: Predictor, item: EvaluationItem) -> dict[str, Any]:
    try:
        errors = region_errors(item, predictor.mesh(item))
        angles = predictor.pose_deg(item)
    except REFUSALS as refusal:
        return {"refused": refusal.message}
    assert item.pose_deg is not None
    turned = np.array([[angles[name] for name in ANGLES], [item.pose_deg[name] for name in ANGLES]])
    regions = {name: (error.mean_mm, error.median_mm) for name, error in errors.items()}
    return {**regions, "angles": difference_deg(turned[0], turned[1]).tolist()}


def _summed(records: list[dict[str, Any]]) -> Shape:
    found = [record for record in records if "refused" not in record and record["face"][0] is not None]
    face = np.array([record["face"] for record in found]).reshape(-1, 2)
    beside = [record["non_face"][0] for record in found if record.get("non_face", (None,))[0] is not None]
    angles = np.array([record["angles"] for record in found]).reshape(-1, 3)
    mae = np.abs(angles).mean(0)
    return Shape(
        faces=len(records),
        missed=len(records) - len(found),
        mean_mm=float(face[:, 0].mean()),
        median_mm=float(face[:, 1].mean()),
        non_face_mm=float(np.mean(beside)) if beside else float("nan"),
        pose_deg=float(mae.mean()),
        angles_deg=tuple(mae.tolist()),
        offset_deg=tuple(angles.mean(0).tolist()),
    )


def identity_curve(
    row: Row, look: Look, items: Sequence[EvaluationItem], cache: Cache, net: IdentityNet
) -> dict[str, Any]:
    """``{"n", "missed", "curve": {"0": {"similarity", "distance"}, ...}}`` of one row."""
    version = fingerprint((*row.files, "backend/assets/albedo.npz", "backend/light.py", "backend/albedo.py"))
    predictor: Any = None
    records = []
    for item in items:
        key = f"identity/{row.key}/{look}/{item.id}/{file_fingerprint((item.image,))}/{version}"
        if predictor is None:
            predictor = row.make()
        records.append(cache.get(key, partial(_identity_record, item, predictor, look, net)))
        _tell(f"{row.key} {look} {item.id} {records[-1].get('0')}")
    found = [record for record in records if "refused" not in record]
    curve = {
        f"{yaw:g}": {
            name: float(np.mean([record[f"{yaw:g}"][name] for record in found]))
            for name in ("similarity", "distance")
        }
        for yaw in YAWS_DEG
        if found
    }
    return {"n": len(records), "missed": len(records) - len(found), "curve": curve}


def _identity_record(item: EvaluationItem, predictor: Any, look: Look, net: IdentityNet) -> dict[str, Any]:
    try:
        return identity_of(item, predictor, look, net)
    except REFUSALS as refusal:
        return {"refused": refusal.message}


def _tell(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
