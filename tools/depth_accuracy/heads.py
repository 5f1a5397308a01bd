"""Synthetic heads as the depth stage meets them: told the true classes and the true bare head."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.depth import GeometricPrior, HeadDepth
from backend.evaluate import CameraMesh, EvaluationItem, read_dataset
from backend.head_parse import HAIR, HEAD_CLASSES, HEADWEAR
from backend.raster import triangulate
from backend.shell_grid import cells_of, compacted
from train.depth.data import KnownView, read_views
from train.depth.prior import KnownStage, known_stage
from train.synth.write import MANIFEST

COVERS = (HAIR, HEADWEAR)
"""What may lie before the face."""

Field = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class SyntheticHead:
    """One line of ``python -m train.synth --out``."""

    item: EvaluationItem
    view: KnownView
    identity: NDArray[np.float32]
    expression: NDArray[np.float32]

    def told(self) -> ToldHead:
        """Everything that the depth stage is told of it."""
        stage = known_stage(self.view, self.identity, self.expression)
        prior = GeometricPrior().estimate(stage.crop, stage.parse, stage.head, stage.centre_mm)
        return ToldHead(self.item, stage, prior, self.item.load_regions())


@dataclass(frozen=True, eq=False)
class ToldHead:
    """The input of the depth stage, the geometric prior's answer to it, and the true classes (S,S)."""

    item: EvaluationItem
    stage: KnownStage
    prior: HeadDepth
    regions: NDArray[np.uint8]

    def surface(self, depth_mm: Field) -> CameraMesh:
        """A map of the stage's crop over the true head, triangulated on the photo's pixels, torn nowhere."""
        assert self.item.camera is not None
        small = depth_mm[:: self.stage.finer, :: self.stage.finer]
        inside = np.isin(self.regions, HEAD_CLASSES) & np.isfinite(small)
        cells = cells_of(np.where(inside, 1, -1).astype(np.int8), np.ones(np.subtract(inside.shape, 1), bool))
        used, cells = compacted(cells)
        rows, columns = np.divmod(used, inside.shape[1])
        pixels = np.column_stack([columns, rows]).astype(np.float64)
        points = self.item.camera.unproject(pixels, small[rows, columns].astype(np.float64))
        return CameraMesh(points, triangulate(cells).vertices)

    def behind_mm(self, depth_mm: Field) -> NDArray[np.floating]:
        """(M,) how far a map lies behind the bare face, at the pixels where hair or headwear covers it."""
        finer = self.stage.finer
        face, small = (values[::finer, ::finer] for values in (self.stage.head.face_mm, depth_mm))
        behind = (small - face)[np.isin(self.regions, COVERS)]
        return behind[np.isfinite(behind)]


def read_heads(folder: Path, count: int) -> list[SyntheticHead]:
    """The first ``count`` heads of a folder; raises DatasetBroken, EmptyDataset or BrokenSample."""
    items, views = read_dataset(folder), read_views(folder)
    lines = [line for line in (folder / MANIFEST).read_text(encoding="utf-8").splitlines() if line.strip()]
    return [_head(*known) for known in list(zip(items, views, lines, strict=True))[:count]]


def _head(item: EvaluationItem, view: KnownView, line: str) -> SyntheticHead:
    bare: Mapping[str, Any] = json.loads(line)["scene"]["person"]["head"]
    coefficients = (np.array(bare[name], np.float32) for name in ("identity", "expression"))
    return SyntheticHead(item, view, *coefficients)
