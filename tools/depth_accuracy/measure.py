"""Scores rows on heads, one head at a time, and sums up."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from backend.evaluate.geometry import region_errors
from backend.evaluate.predict import REFUSALS
from tools.accuracy.cache import Cache, file_fingerprint, fingerprint

from .heads import SyntheticHead
from .rows import Row

ORDER_MM = 2.0
"""Hair may lie so far behind the face that it covers before it counts as wrong."""
TOLD_FILES = (
    "backend/evaluate/*.py", "backend/depth*.py", "backend/project.py", "backend/nets/*.py",
    "backend/raster/*.py", "backend/assets/head.npz", "tools/depth_accuracy/*.py", "train/depth/prior.py",
)  # fmt: skip
PRODUCT_FILES = ("backend/*.py", "backend/evaluate/*.py", "backend/nets/*.py", "backend/assets/*")

Record = dict[str, Any]


@dataclass(frozen=True)
class Score:
    """One row over its heads, mm."""

    heads: int
    missed: int
    """Refused, or laid elsewhere; not in the means."""
    face_mm: float
    non_face_mm: float
    """Means over heads of each head's mean distance; NaN where nothing is shown."""
    non_face_median_mm: float
    coverage: float
    """Share of what is not face with a surface within 20 mm."""
    in_order: float
    """Share of pixels whose hair lies at most :data:`ORDER_MM` behind the face it covers; NaN if unasked."""


def told_records(row: Row, heads: Sequence[SyntheticHead], cache: Cache, workers: int) -> list[Record]:
    """Depth maps of the depth stage alone, told what it is given."""
    return _records("told", partial(_told_record, row), row, heads, cache, TOLD_FILES, workers)


def product_records(row: Row, heads: Sequence[SyntheticHead], cache: Cache, workers: int) -> list[Record]:
    """Heads of the whole product, from the photo."""
    return _records("product", partial(_product_record, row), row, heads, cache, PRODUCT_FILES, workers)


def score_of(records: Sequence[Record]) -> Score:
    """Sum up."""
    found = [record for record in records if record.get("face") is not None]

    def mean(name: str) -> float:
        values = [record[name] for record in found if record.get(name) is not None]
        return float(np.mean(values)) if values else float("nan")

    covered = sum(record.get("covered", 0) for record in found)
    behind = sum(record.get("behind", 0) for record in found)
    return Score(
        heads=len(records),
        missed=len(records) - len(found),
        face_mm=mean("face"),
        non_face_mm=mean("non_face"),
        non_face_median_mm=mean("non_face_median"),
        coverage=mean("coverage"),
        in_order=1 - behind / covered if covered else float("nan"),
    )


def _records(
    setting: str,
    measure: Any,
    row: Row,
    heads: Sequence[SyntheticHead],
    cache: Cache,
    files: tuple[str, ...],
    workers: int,
) -> list[Record]:
    """Records of all heads in order; those that are known are not measured again."""
    version = f"{fingerprint(files)}/{file_fingerprint([row.run.file if row.run else None])}"
    keys = [
        f"{setting}/{row.key}/{head.item.id}/{file_fingerprint(_files(head))}/{version}" for head in heads
    ]
    missing = [(key, head) for key, head in zip(keys, heads, strict=True) if key not in cache]
    results = _measured(measure, [head for _, head in missing], workers)
    for (key, head), record in zip(missing, results, strict=True):
        cache.get(key, partial(dict, record))
        print(f"{setting} {row.key} {head.item.id} {record}", file=sys.stderr, flush=True)
    return [cache.get(key, dict) for key in keys]


def _measured(measure: Any, heads: list[SyntheticHead], workers: int) -> Iterator[Record]:
    if workers <= 1:
        yield from map(measure, heads)
        return
    with ProcessPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        yield from pool.map(measure, heads)


def _told_record(row: Row, head: SyntheticHead) -> Record:
    told = head.told()
    depth = row.depth(told)
    behind = told.behind_mm(depth)
    order = {"behind": int((behind > ORDER_MM).sum()), "covered": len(behind)}
    return {**_errors(row, head, told.surface(depth)), **order}


def _product_record(row: Row, head: SyntheticHead) -> Record:
    try:
        mesh = row.product_mesh(head.item)
    except REFUSALS as refusal:
        return {"refused": refusal.message}
    return _errors(row, head, mesh)


def _errors(row: Row, head: SyntheticHead, mesh: Any) -> Record:
    errors = region_errors(head.item, mesh)
    record: Record = {"face": errors["face"].mean_mm if "face" in errors else None}
    if "non_face" in errors and row.shows_hair:
        error = errors["non_face"]
        record |= {"non_face": error.mean_mm, "non_face_median": error.median_mm, "coverage": error.coverage}
    return record


def _files(head: SyntheticHead) -> tuple[Path | None, ...]:
    return head.item.image, head.item.depth, head.item.regions
