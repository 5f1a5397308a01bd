"""What a request becomes before the engine sees it."""

from __future__ import annotations

import numpy as np
import pytest

from backend.engine import Engine
from backend.progress import ignore
from backend.refine import ClassicalRefiner
from backend.server.studio import Studio
from backend.wire import RefineRequest, pack_refine_request, unpack_still

HEIGHT, WIDTH = 4, 6


class Refining(Engine):
    """As much of an engine as a still needs."""

    device_name = "none"
    interim = ()

    def __init__(self) -> None:
        self._refiner = ClassicalRefiner()


@pytest.mark.parametrize("plate_height", [HEIGHT, HEIGHT + 1], ids=["the photo's", "cut for the picture"])
def test_soft_edges_need_the_photos_own_plate(plate_height: int) -> None:
    """Bluish hair with a grey texture: what its pixels hold of the background, the photo's plate tells."""
    plate = np.full((plate_height, WIDTH, 3), (40, 90, 200), np.uint8)
    photo = np.full((HEIGHT, WIDTH, 3), (64, 96, 153), np.uint8)
    coarse = np.full((HEIGHT, WIDTH, 4), (100, 100, 100, 150), np.uint8)
    known = coarse[..., 3]
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    place = ((np.stack([x, y], axis=-1) + 0.5) / (WIDTH, HEIGHT)).astype(np.float32)
    data = pack_refine_request(RefineRequest(coarse, known, place, plate, photo=photo))
    still = unpack_still(Studio(Refining).refine(data)(ignore))
    off = np.abs(still.pixels.astype(int) - photo).max()
    assert off <= 1 if plate_height == HEIGHT else off > 5
