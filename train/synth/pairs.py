"""A second view of the same person: 5 to 15 degrees further, everything rigid, as the paper's pairs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .person import stream
from .scene import Scene

TURN_DEG = (5.0, 15.0)
PITCH_SHARE = 0.4
"""How much of the turn is a nod at most."""


def second_view(scene: Scene) -> Scene:
    """The same person, light and camera; the whole person has turned, hair and all.

    The turn goes towards the front more often than away from it, as there is more to see.
    """
    rng = stream(scene.seed, "second view")
    angle = rng.uniform(*TURN_DEG)
    nod = angle * rng.uniform(-PITCH_SHARE, PITCH_SHARE)
    yaw = float(np.sqrt(angle**2 - nod**2))
    towards_front = -np.sign(scene.view.yaw_deg) if rng.random() < 0.7 else np.sign(scene.view.yaw_deg)
    view = replace(
        scene.view,
        yaw_deg=scene.view.yaw_deg + float(towards_front or 1.0) * yaw,
        pitch_deg=scene.view.pitch_deg + float(nod),
    )
    return replace(scene, view=view, view_number=scene.view_number + 1)
