"""Samples on disk as ``train.synth`` writes them, of noise instead of people, with a truth that holds."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from backend.morphable import load_head_model
from train.synth.scene import ViewParams, sample_scene

SIDE = 96
COLOUR = (0.5, 0.45, 0.4)


@cache
def line(seed: int, side: int = SIDE) -> dict[str, Any]:
    """A manifest's line of somebody whose landmarks are where the model, the pose and the camera put them."""
    rng = np.random.default_rng(seed)
    model = load_head_model()
    view = ViewParams(
        *rng.uniform(-20, 20, 3).tolist(), 1000.0, (4.0, -3.0), 1.0 + 0.05 * seed, (0.02, -0.01)
    )
    identity, expression = rng.normal(0, 0.6, 80), rng.uniform(0, 0.4, 52)
    camera, pose = view.camera(side), view.pose
    person = sample_scene(seed).to_json()["person"]
    points = pose.to_camera(model.landmarks_478.of(model.shape(identity, expression))).astype(np.float64)
    return {
        "id": f"{seed:08d}",
        "image": f"{seed}.png",
        "face_depth": f"{seed}_face.npy",
        "camera": {"fx": camera.fx, "fy": camera.fy, "cx": camera.cx, "cy": camera.cy},
        "landmarks_478": np.column_stack([camera.project(points), points[:, 2]]).tolist(),
        "scene": {
            "person": {
                "head": {"identity": identity.tolist(), "expression": expression.tolist()},
                "skin": person["skin"],
                "facial": person["facial"],
            },
            "view": asdict(view),
            "light": {
                "sky": [[1.2, 1.0, 0.9]] + [[0.0] * 3] * 8,
                "lamps": [{"direction": [0.0, 0.6, 0.8], "colour": COLOUR, "softness_mm": 9.0}],
            },
            "finish": {"white_balance": [1.1, 1.0, 0.9], "grey": bool(seed % 2)},
        },
    }


def write(folder: Path, lines: list[dict[str, Any]]) -> Path:
    """A folder of samples with these lines."""
    folder.mkdir(parents=True, exist_ok=True)
    for entry in lines:
        rng = np.random.default_rng(int(entry["id"]))
        cv2.imwrite(str(folder / entry["image"]), rng.integers(0, 255, (SIDE, SIDE, 3), np.uint8))
        depth = np.full((SIDE, SIDE), np.nan, np.float32)
        depth[20:70, 30:60] = 900.0 + np.arange(30)
        np.save(folder / entry["face_depth"], depth)
    (folder / "manifest.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in lines))
    return folder


def folder(path: Path, count: int = 3) -> Path:
    """Some samples."""
    return write(path, [line(seed) for seed in range(count)])
