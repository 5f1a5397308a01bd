"""The numbers behind a head, stored with its pivot so that the .blend needs nothing else."""

from __future__ import annotations

from dataclasses import asdict

import bpy

from ..head_data import HeadData
from ..properties import RECORD


def store_record(pivot: bpy.types.Object, data: HeadData) -> None:
    """Write coefficients, camera, pose and origin of a head as a custom property."""
    header = data.header
    light = {} if header.light is None else {"light": [x for term in header.light for x in term]}
    pivot[RECORD] = light | {
        "protocol": header.protocol,
        "model": header.model,
        "photo": data.name,
        "camera": asdict(header.camera),
        "pose_deg": dict(header.pose_deg),
        "rotation": [float(x) for x in data.pose.rotation.ravel()],
        "translation_mm": [float(x) for x in data.pose.translation_mm],
        "identity": [float(x) for x in data.identity],
        "expression": {
            name: float(x) for name, x in zip(header.expression_names, data.expression, strict=True)
        },
        "warnings": "\n".join(header.warnings),
        "interim": ", ".join(header.interim),
    }
