"""``likeness eval``: scores on data with known answers."""

from __future__ import annotations

import argparse
from typing import Any

from ..errors import BadRequest
from .console import libraries_silenced, print_json

ENGINE_ONLY = ("pose", "roundtrip")
"""Measures for which folders of predictions have no format."""


def run(options: argparse.Namespace) -> int:
    """Score and print."""
    if options.measure in ENGINE_ONLY and (options.predictions or options.save):
        raise BadRequest(
            f"{options.measure} neither reads nor writes predictions.",
            "Use --predictions and --save with geometry or parsing.",
        )
    with libraries_silenced():
        result = _score(options)
    if options.json:
        print_json(result)
    else:
        for line in _lines(result):
            print(line)
    return 0


def _score(options: argparse.Namespace) -> dict[str, Any]:
    from .. import evaluate

    if options.predictions is not None:
        predictor: Any = evaluate.FolderPredictor(options.predictions)
    else:
        from ..engine import Engine

        predictor = evaluate.EnginePredictor(Engine())
    match options.measure:
        case "geometry":
            return evaluate.evaluate_geometry(options.dataset, predictor, options.save)
        case "parsing":
            return evaluate.evaluate_parsing(options.dataset, predictor, options.save)
        case "pose":
            return evaluate.evaluate_pose(options.dataset, predictor)
        case _:
            return evaluate.evaluate_roundtrip(options.dataset, predictor)


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
