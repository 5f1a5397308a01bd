"""How good a head is: geometry, parsing, pose, round trip and identity on a data set with known answers."""

from __future__ import annotations

from .baselines import ExtendedFace, LandmarkPredictor, MeanPredictor
from .biwi import convert_biwi
from .dataset import DatasetBroken, EvaluationItem, read_dataset, read_photos
from .geometry import evaluate_geometry
from .identity import Look, evaluate_identity
from .parsing import evaluate_parsing
from .pose import evaluate_pose
from .predict import CameraMesh, EnginePredictor, FittedHead, FolderPredictor, HeadRender, PredictionMissing
from .repose import evaluate_repose
from .roundtrip import evaluate_roundtrip, similarity_inside

__all__ = [
    "CameraMesh",
    "DatasetBroken",
    "EnginePredictor",
    "EvaluationItem",
    "ExtendedFace",
    "FittedHead",
    "FolderPredictor",
    "HeadRender",
    "LandmarkPredictor",
    "Look",
    "MeanPredictor",
    "PredictionMissing",
    "convert_biwi",
    "evaluate_geometry",
    "evaluate_identity",
    "evaluate_parsing",
    "evaluate_pose",
    "evaluate_repose",
    "evaluate_roundtrip",
    "read_dataset",
    "read_photos",
    "similarity_inside",
]
