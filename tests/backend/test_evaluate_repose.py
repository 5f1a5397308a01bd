"""Measures of stills: what counts as flicker, and what does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.evaluate.repose import flicker, followed, jump, still_at
from backend.reconstruction import Reconstruction
from backend.still import Still
from tests.backend_fakes import small_reconstruction


class Painting:
    """An engine whose stills are grey; their brightness is a function of the number of the frame."""

    def __init__(self, brightness) -> None:
        self._brightness = brightness
        self.count = 0

    def refine(self, coarse, known, plate) -> Still:
        grey = self._brightness(self.count)
        self.count += 1
        return Still(np.full_like(plate, grey), known, 0.0, "paint", True)


@pytest.fixture
def head() -> Reconstruction:
    """A tilted square of 6 x 6 vertices, which the photo saw well: those inside are no one's edge."""
    small = small_reconstruction()
    x, y = np.meshgrid(np.linspace(-50, 50, 6), np.linspace(-60, 60, 6))
    vertices = np.stack([x, y, np.full_like(x, 90)], axis=-1).reshape(-1, 3).astype(np.float32)
    first = np.arange(36).reshape(6, 6)[:-1, :-1].reshape(-1, 1)
    quads = (first + np.array([0, 1, 7, 6])).astype(np.int32)
    face = replace(
        small.mesh("face"),
        vertices=vertices,
        polygons=quads,
        uvs=np.zeros((len(quads), 4, 2), np.float32),
        expression=None,
        identity=None,
        known=np.ones(len(vertices), np.float32),
        seen_at=None,
    )
    return replace(small, meshes=(face,))


@pytest.mark.parametrize(
    ("brightness", "expected"),
    [(lambda k: 90, 0.0), (lambda k: 80 + 5 * k, 0.0), (lambda k: 90 + 4 * (k % 2), 4.0)],
    ids=["still", "evenly brighter", "shimmering"],
)
def test_jumps_count_and_steady_change_does_not(head: Reconstruction, brightness, expected: float) -> None:
    assert flicker(Painting(brightness), head, 5) == pytest.approx(expected)


def test_frame_to_frame_even_change_counts_too(head: Reconstruction) -> None:
    colours = followed(Painting(lambda k: 80 + 5 * k), head, 4)
    assert colours is not None and len(colours) == 4
    assert jump(colours) == pytest.approx(5.0)


def test_without_a_place_that_is_seen_throughout_there_is_no_figure(head: Reconstruction) -> None:
    face = head.mesh("face")
    blind = replace(head, meshes=(replace(face, known=np.zeros(len(face.vertices), np.float32)),))
    assert flicker(Painting(lambda k: 90), blind, 3) is None
    assert flicker(Painting(lambda k: 90), head, 2) is None


def test_a_still_is_the_engine_s(head: Reconstruction) -> None:
    assert (still_at(Painting(lambda k: 7), head, head.pose) == 7).all()
