"""``likeness eval``: scores on data with known answers."""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..errors import BadRequest
from . import PREDICTORS
from .console import libraries_silenced, print_json

FILES = ("geometry", "parsing")
"""Measures for which folders of predictions have a format."""
PRODUCT_ONLY = ("parsing", "roundtrip", "repose")
"""Measures of stages that the baselines do not have."""
BIWI_MEASURES = ("geometry", "pose")
"""What the Biwi database knows the answers to."""
PRODUCT, LANDMARKS, MEAN = PREDICTORS


def run(options: argparse.Namespace) -> int:
    """Score and print."""
    _check(options)
    with libraries_silenced():
        result = _score_biwi(options) if options.biwi else _score(options, options.dataset)
    if options.json:
        print_json(result)
    else:
        for line in _lines(result):
            print(line)
    return 0


def _check(options: argparse.Namespace) -> None:
    """Raise BadRequest for options that contradict each other."""
    measure = options.measure
    if options.biwi and measure not in BIWI_MEASURES:
        raise BadRequest(f"The Biwi database knows no {measure}.", "Measure geometry or pose.")
    if measure not in FILES and (options.predictions or options.save):
        raise BadRequest(
            f"{measure} neither reads nor writes predictions.",
            "Use --predictions and --save with geometry or parsing.",
        )
    if options.predictor != PRODUCT and (measure in PRODUCT_ONLY or options.predictions):
        raise BadRequest(
            f"There is no {options.predictor} for this.",
            "Leave out --predictor, or measure geometry or pose.",
        )
    if measure == "identity" and options.predictor != PRODUCT and options.look == "photo":
        raise BadRequest("Only the product paints a head with the photo.", "Add: --look model")


def _score_biwi(options: argparse.Namespace) -> dict[str, Any]:
    """Score on frames of the Biwi database, its regions read off the photos by the product."""
    from .. import evaluate
    from ..engine import Engine

    with TemporaryDirectory(prefix="likeness-biwi-") as folder:
        labels = evaluate.EnginePredictor(Engine())
        evaluate.convert_biwi(options.dataset, Path(folder), labels, options.frames)
        return _score(options, Path(folder))


def _score(options: argparse.Namespace, dataset: Path) -> dict[str, Any]:
    from .. import evaluate

    predictor = _predictor(options)
    match options.measure:
        case "geometry":
            return evaluate.evaluate_geometry(dataset, predictor, options.save)
        case "parsing":
            return evaluate.evaluate_parsing(dataset, predictor, options.save)
        case "pose":
            return evaluate.evaluate_pose(dataset, predictor)
        case "identity":
            return evaluate.evaluate_identity(dataset, predictor, evaluate.Look(options.look))
        case "repose":
            return evaluate.evaluate_repose(options.dataset, predictor.engine)
        case _:
            return evaluate.evaluate_roundtrip(dataset, predictor)


def _predictor(options: argparse.Namespace) -> Any:
    from .. import evaluate

    if options.predictions is not None:
        return evaluate.FolderPredictor(options.predictions)
    if options.predictor == LANDMARKS:
        return evaluate.LandmarkPredictor()
    if options.predictor == MEAN:
        return evaluate.MeanPredictor()
    from ..engine import Engine

    return evaluate.EnginePredictor(Engine())


def _lines(result: dict[str, Any], path: str = "") -> list[str]:
    """Figures as ``name  value``; lists (single images, refusals) by their length, with --json whole."""
    lines: list[str] = []
    for key, value in result.items():
        name = f"{path}{key}"
        if isinstance(value, dict):
            lines += _lines(value, f"{name} ")
        elif isinstance(value, list):
            lines.append(f"{name:24} {len(value)} entries")
        else:
            lines.append(f"{name:24} {value:.4g}" if isinstance(value, float) else f"{name:24} {value}")
    return lines
