"""``likeness eval``: scores on data with known answers."""

from __future__ import annotations

import argparse
from typing import Any

from ..errors import BadRequest
from . import PREDICTORS
from .console import libraries_silenced, print_json

FILES = ("geometry", "parsing")
"""Measures for which folders of predictions have a format."""
PRODUCT_ONLY = ("parsing", "roundtrip")
"""Measures of stages that the baselines do not have."""
PRODUCT, LANDMARKS, MEAN = PREDICTORS


def run(options: argparse.Namespace) -> int:
    """Score and print."""
    _check(options)
    with libraries_silenced():
        result = _score(options)
    if options.json:
        print_json(result)
    else:
        for line in _lines(result):
            print(line)
    return 0


def _check(options: argparse.Namespace) -> None:
    """Raise BadRequest for options that contradict each other."""
    measure = options.measure
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


def _score(options: argparse.Namespace) -> dict[str, Any]:
    from .. import evaluate

    predictor = _predictor(options)
    match options.measure:
        case "geometry":
            return evaluate.evaluate_geometry(options.dataset, predictor, options.save)
        case "parsing":
            return evaluate.evaluate_parsing(options.dataset, predictor, options.save)
        case "pose":
            return evaluate.evaluate_pose(options.dataset, predictor)
        case "identity":
            return evaluate.evaluate_identity(options.dataset, predictor, evaluate.Look(options.look))
        case _:
            return evaluate.evaluate_roundtrip(options.dataset, predictor)


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
