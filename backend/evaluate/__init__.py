"""How good a head is: geometry, parsing, pose and round trip on a data set with known answers."""

from __future__ import annotations

from .dataset import DatasetBroken, EvaluationItem, read_dataset
from .geometry import evaluate_geometry
from .parsing import evaluate_parsing
from .pose import evaluate_pose
from .predict import CameraMesh, EnginePredictor, FolderPredictor, HeadRender, PredictionMissing
from .roundtrip import evaluate_roundtrip, similarity_inside

__all__ = [
    "CameraMesh",
    "DatasetBroken",
    "EnginePredictor",
    "EvaluationItem",
    "FolderPredictor",
    "HeadRender",
    "PredictionMissing",
    "evaluate_geometry",
    "evaluate_parsing",
    "evaluate_pose",
    "evaluate_roundtrip",
    "read_dataset",
    "similarity_inside",
]
