"""Looks at one portrait at a time: whether it stays alike while it turns, comes back, and is calm."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backend.engine import Engine
from backend.evaluate import EnginePredictor, EvaluationItem
from backend.evaluate.identity import YAWS_DEG, landmarks_px
from backend.evaluate.predict import REFUSALS, FittedHead, render_over_plate
from backend.evaluate.repose import followed, jump, shimmer
from backend.evaluate.roundtrip import similarity_inside
from backend.frames import Pose
from backend.nets.identity_net import IdentityNet, embed, load_identity_net
from backend.reconstruction import Reconstruction
from backend.repose import CoarseRender, render_view
from backend.still import Still
from tools.accuracy.cache import Cache, file_fingerprint, fingerprint

from .rows import Row, refiner

ABLATIONS_YAW_DEG = 30.0
"""Where networks of ablations are compared."""
SHEET_YAWS_DEG = (-30.0, -15.0, 0.0, 15.0, 30.0)
FILES = (
    "backend/*.py",
    "backend/evaluate/*.py",
    "backend/nets/*.py",
    "backend/assets/*",
    "backend/raster/*.py",
)

Record = dict[str, Any]


@dataclass(frozen=True)
class Curve:
    """One row over its portraits."""

    portraits: int
    refused: int
    distance: dict[float, list[float]]
    """Of each yaw the embeddings' L2 distances to the photo."""
    invented: dict[float, float]
    """Mean share of the head that was made up."""
    psnr_db: float
    """Of the head, at the photo's own pose."""


def portrait_records(
    items: Sequence[EvaluationItem], rows: Sequence[Row], cache: Cache, folder: Path
) -> dict[str, Record]:
    """By portrait, what :func:`curve_of` and the sheet need; stills are written to ``folder``."""
    return _records("portrait", partial(_portrait, rows=rows, folder=folder), items, rows, cache)


def turn_records(items: Sequence[EvaluationItem], rows: Sequence[Row], cache: Cache) -> dict[str, Record]:
    """By portrait and row ``{"shimmer", "jump"}`` of a 60-frame turn, in grey values."""
    return _records("turn", partial(_turn, rows=rows), items, rows, cache)


def curve_of(records: Sequence[Record], row: Row) -> Curve:
    """Sum up one row."""
    found = [record["rows"][row.name] for record in records if "rows" in record]
    by_yaw = {yaw: [of["distance"][f"{yaw:g}"] for of in found] for yaw in YAWS_DEG}
    invented = {yaw: float(np.mean([of["invented"][f"{yaw:g}"] for of in found])) for yaw in YAWS_DEG}
    psnr = float(np.mean([of["psnr_db"] for of in found]))
    return Curve(len(records), len(records) - len(found), by_yaw, invented, psnr)


def likeness_of(records: Sequence[Record], row: Row) -> float:
    """Mean L2 distance to the photos at ABLATIONS_YAW_DEG."""
    key = f"{ABLATIONS_YAW_DEG:g}"
    return float(
        np.mean([record["rows"][row.name]["distance"][key] for record in records if "rows" in record])
    )


def _records(
    kind: str, measure: Any, items: Sequence[EvaluationItem], rows: Sequence[Row], cache: Cache
) -> dict[str, Record]:
    """Records by id in order; those that are known are not measured again."""
    version = f"{fingerprint(FILES)}/{file_fingerprint(row.file for row in rows)}"
    result = {}
    for item in items:
        names = "+".join(row.name for row in rows)
        key = f"{kind}/{names}/{item.id}/{file_fingerprint([item.image])}/{version}"
        known = key in cache
        result[item.id] = cache.get(key, partial(_or_refusal, measure, item))
        if not known:
            print(f"{kind} {item.id} {result[item.id]}", file=sys.stderr, flush=True)
    return result


def _or_refusal(measure: Any, item: EvaluationItem) -> Record:
    try:
        return measure(item)
    except REFUSALS as refusal:
        return {"refused": refusal.message}


@cache
def predictor() -> EnginePredictor:
    """The product on the CPU."""
    return EnginePredictor(Engine("cpu"))


def finished(row: Row, view: CoarseRender, head: Reconstruction) -> Still:
    """A still over the photo's own background."""
    return refiner(row).refine(view.colour, view.known, head.images["plate"], transparent=False)


def _portrait(item: EvaluationItem, rows: Sequence[Row], folder: Path) -> Record:
    fitted = predictor().fitted(item)
    head = predictor().engine.reconstruct(fitted.photo)
    net = load_identity_net()
    true = embed(net, fitted.photo.pixels, fitted.face.points_px)
    side = 1.0 if head.pose.angles_deg["yaw"] >= 0 else -1.0
    _, region = render_over_plate(head)
    found: dict[str, Record] = {row.name: {"distance": {}, "invented": {}} for row in rows}
    pictures: dict[str, list[str]] = {row.name: [] for row in rows}
    turns = {side * yaw for yaw in YAWS_DEG}.union(SHEET_YAWS_DEG)
    for turn in sorted(turn + 0.0 for turn in turns):  # of both zeros the positive one
        pose, away = head.pose.turned(yaw_deg=turn), side * turn + 0.0
        view = render_view(head, pose)
        for row in rows:
            if row.ablation and away != ABLATIONS_YAW_DEG:
                continue
            still, of = finished(row, view, head), found[row.name]
            if not row.ablation and turn in SHEET_YAWS_DEG:
                pictures[row.name].append(_saved(still.pixels, folder, f"{item.id}_{row.name}_{turn:g}"))
            if away in YAWS_DEG:
                of["distance"][f"{away:g}"] = _distance(net, true, still.pixels, fitted, pose)
                of["invented"][f"{away:g}"] = still.invented_share
            if turn == 0:
                of["psnr_db"] = similarity_inside(fitted.photo.pixels, still.pixels, region)[0]
    return {"rows": found, "pictures": pictures}


def _distance(
    net: IdentityNet, true: NDArray[np.floating], picture: NDArray[np.uint8], fitted: FittedHead, pose: Pose
) -> float:
    return float(np.linalg.norm(true - embed(net, picture, landmarks_px(fitted, pose))))


def _saved(pixels: NDArray[np.uint8], folder: Path, name: str) -> str:
    path = folder / "stills" / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return str(path.relative_to(folder))


@dataclass(frozen=True)
class _Finisher:
    """As much of an engine as :func:`followed` asks for."""

    row: Row

    def refine(self, coarse: NDArray[np.uint8], known: NDArray[np.uint8], plate: NDArray[np.uint8]) -> Still:
        return refiner(self.row).refine(coarse, known, plate, transparent=False)


def _turn(item: EvaluationItem, rows: Sequence[Row]) -> Record:
    head = predictor().engine.reconstruct(predictor().fitted(item).photo)
    found = {}
    for row in rows:
        colours = followed(_Finisher(row), head)
        if colours is not None:
            found[row.name] = {"shimmer": shimmer(colours), "jump": jump(colours)}
    return {"rows": found}
