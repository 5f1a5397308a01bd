"""Faces that the morphable head cannot show: smooth displacements on top of its components.

A network that sees only faces of one shape space learns that space and guesses the rest from the outline;
real faces lie beside it. The displacement is a Gaussian process in space with a squared exponential kernel,
drawn by random Fourier features (Rahimi and Recht, NIPS 2007), mostly alike on both sides of the face.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.morphable import load_head_model

WAVES = 48
"""Features of one process; more look the same."""
LENGTHS_MM = (12.0, 50.0)
"""Length scales, evenly in their logarithm: from the wing of a nose to half a face."""
LAYERS = 3
"""Processes of different lengths that add up."""
STEEPEST = 0.09
"""Usual displacement over its length scale, of the shortest: bumps that fold no skin. At full strength a face
lies 3 mm from where it was, of which the components can show all but 1.5 mm."""
LOPSIDED = 0.3
"""Usual share of what differs between left and right."""


@dataclass(frozen=True)
class Waves:
    """One process: displacement = sum of ``amount cos(frequency · x + phase)``."""

    frequency: NDArray[np.float32]
    """(3,J) radians in a millimetre."""
    phase: NDArray[np.float32]
    """(J,)."""
    amount: NDArray[np.float32]
    """(J,3) mm."""

    def at(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N,3) mm at points (N,3)."""
        return np.cos(points @ self.frequency + self.phase) @ self.amount


def displacement(rng: np.random.Generator, strength: float) -> NDArray[np.float32]:
    """(N,3) mm, head frame, for every vertex of the shipped head; the face stays where it is on average."""
    points = load_head_model().mean
    mirror = np.float32([-1, 1, 1])
    total = np.zeros_like(points)
    for _ in range(LAYERS):
        waves = draw_waves(rng, float(np.exp(rng.uniform(*np.log(LENGTHS_MM)))))
        here, there = waves.at(points), waves.at(points * mirror) * mirror
        lopsided = abs(rng.normal(0, LOPSIDED))
        # Half the sum is symmetric, half the difference is what the sides do not share.
        total += (here + there) / np.sqrt(2) + lopsided * (here - there) / np.sqrt(2)
    total -= total[load_head_model().regions["face"]].mean(axis=0)
    return (strength / np.sqrt(LAYERS) * total).astype(np.float32)


def draw_waves(rng: np.random.Generator, length_mm: float) -> Waves:
    """A process with that length scale; long ones move more, but are less steep."""
    usual_mm = STEEPEST * np.sqrt(length_mm * LENGTHS_MM[0])
    return Waves(
        frequency=rng.normal(0, 1 / length_mm, (3, WAVES)).astype(np.float32),
        phase=rng.uniform(0, 2 * np.pi, WAVES).astype(np.float32),
        amount=rng.normal(0, usual_mm * np.sqrt(2 / WAVES), (WAVES, 3)).astype(np.float32),
    )
