"""Writes people as a data set of the evaluation format (docs/evaluation.md)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from backend.evaluate.dataset import MANIFEST
from backend.morphable import MorphableModel

from .person import Person, draw_person
from .picture import Answered, Studio

UINT16_MIDDLE = 32767.5


def write_dataset(
    model: MorphableModel, out: Path, numbers: Iterable[int], seed: int, size: int
) -> Iterator[str]:
    """Draw people ``numbers`` of a ``seed`` into a folder; yields every id when its files are there.

    A person whose files are there already is not drawn again, so that a stopped run goes on. The manifest
    is written anew with every person and holds all of them. Besides what the format knows, each line has
    ``normals``: a 16-bit RGB PNG of unit vectors in camera axes, ``value / 32767.5 - 1``, middle grey where
    nobody is.
    """
    out.mkdir(parents=True, exist_ok=True)
    lines: list[str] = []
    studio: Studio | None = None
    for number in numbers:
        person = draw_person(model, seed, number, size)
        name = f"s{seed}_{number:04d}"
        line = json.dumps(_record(name, person))
        mark = out / f"{name}.json"
        if not mark.is_file() or mark.read_text(encoding="utf-8") != line:
            studio = studio or Studio(model)
            _write(out, name, studio.draw(person))
            mark.write_text(line, encoding="utf-8")
        lines.append(line)
        (out / MANIFEST).write_text("\n".join(lines) + "\n", encoding="utf-8")
        yield name


def _record(name: str, person: Person) -> dict[str, Any]:
    camera = person.camera
    return {
        "id": name,
        "image": f"{name}.png",
        "camera": {"fx": camera.fx, "fy": camera.fy, "cx": camera.cx, "cy": camera.cy},
        "depth": f"{name}.npy",
        "regions": f"{name}_regions.png",
        "normals": f"{name}_normals.png",
        "subject": name,
        "pose_deg": person.pose.angles_deg,
        "identity": np.round(person.identity.astype(float), 4).tolist(),
        "expression": np.round(person.expression.astype(float), 4).tolist(),
    }


def _write(out: Path, name: str, drawn: Answered) -> None:
    cv2.imwrite(str(out / f"{name}.png"), drawn.photo[..., ::-1])
    np.save(out / f"{name}.npy", drawn.depth_mm)
    cv2.imwrite(str(out / f"{name}_regions.png"), drawn.regions)
    packed = np.rint((drawn.normals[..., ::-1] + 1) * UINT16_MIDDLE).astype(np.uint16)
    cv2.imwrite(str(out / f"{name}_normals.png"), packed)
