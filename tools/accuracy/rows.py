"""What is compared: the product, what it must beat, and what bounds it from below."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from backend.evaluate import CameraMesh, EvaluationItem, LandmarkPredictor, MeanPredictor

from .floor import DirectFit

MEASURE = ("backend/evaluate/*.py", "backend/camera.py", "backend/frames.py", "backend/raster/*.py")
FIT = (
    "backend/fit*.py", "backend/landmark*.py", "backend/morphable.py", "backend/photo*.py",
    "backend/residual.py",
    "backend/assets/head.npz", "backend/assets/face_landmarker_v2.task",
)  # fmt: skip
PRODUCT = ("backend/*.py", "backend/nets/*.py", "backend/assets/*")
FLOOR = ("tools/accuracy/floor.py", "backend/morphable.py", "backend/assets/head.npz")


class Predictor(Protocol):
    """What geometry and pose ask of a row."""

    def mesh(self, item: EvaluationItem) -> CameraMesh:
        """See :class:`backend.evaluate.predict.MeshPredictor`."""
        ...

    def pose_deg(self, item: EvaluationItem) -> Mapping[str, float]:
        """See :class:`backend.evaluate.predict.PosePredictor`."""
        ...


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    key: str
    words: str
    make: Callable[[], Predictor]
    files: tuple[str, ...]
    """What its numbers depend on."""
    at_most: int | None = None
    """So many faces are enough."""


def _product() -> Predictor:
    from backend.engine import Engine
    from backend.evaluate import EnginePredictor

    return EnginePredictor(Engine())


ROWS = (
    Row("product", "Likeness", _product, (*MEASURE, *PRODUCT)),
    Row("landmarks", "landmark fit alone", LandmarkPredictor, (*MEASURE, *FIT)),
    Row("mean", "mean head in that fit's pose", MeanPredictor, (*MEASURE, *FIT)),
    Row("floor", "floor: fitted to the true surface", lambda: DirectFit(1.0), (*MEASURE, *FLOOR), 4),
    Row("floor_free", "the same, hardly any prior", lambda: DirectFit(0.05), (*MEASURE, *FLOOR), 4),
)
