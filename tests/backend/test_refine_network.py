"""The product's side of the refinement network: what it may touch, where it looks, who stands in for it."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.nets.refine_net import ARCHITECTURE, STRIDE, CoarseView, LightRefineNet, RefineNet
from backend.refine import ClassicalRefiner
from backend.refine_network import SIDE, NetworkRefiner, faded, still_refiner, window_around
from train.common.export import write_weights

HEIGHT, WIDTH = 200, 160
SKIN = (200, 150, 120)


class Shouting(RefineNet):
    """Paints everything white; remembers what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: CoarseView | None = None

    def forward(self, view: CoarseView) -> torch.Tensor:
        self.seen = view
        return torch.ones_like(view.picture)


def render(height: int = HEIGHT, width: int = WIDTH) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A head whose left quarter the photo did not see, its known map, and a plate."""
    coarse = np.zeros((height, width, 4), np.uint8)
    coarse[height // 5 : -height // 5, width // 5 : -width // 5] = (*SKIN, 255)
    known = coarse[..., 3].copy()
    known[:, : int(0.4 * width)] = 0
    return coarse, known, np.full((height, width, 3), (10, 200, 30), np.uint8)


def test_what_the_photo_saw_stays_and_the_rest_is_the_network_s() -> None:
    coarse, known, plate = render()
    still = NetworkRefiner(Shouting()).refine(coarse, known, plate, transparent=False)
    plain = ClassicalRefiner().refine(coarse, known, plate, transparent=False)
    kept = (known == 255) | (coarse[..., 3] == 0)
    assert (still.pixels[kept] == plain.pixels[kept]).all()
    lost = ~kept
    assert (still.pixels[lost] == 255).all(axis=-1).mean() > 0.6
    assert not still.interim and still.invented_share == pytest.approx(plain.invented_share)


def test_no_border_is_seen_where_the_answer_begins() -> None:
    coarse, known, plate = render()
    row = NetworkRefiner(Shouting()).refine(coarse, known, plate, transparent=False).pixels[HEIGHT // 2]
    inner = row[WIDTH // 5 + 2 : WIDTH // 2].astype(int)
    assert np.abs(np.diff(inner, axis=0)).max() < 0.7 * (255 - min(SKIN))


def test_a_head_that_is_known_is_not_shown_to_the_network() -> None:
    coarse, _, plate = render()
    net = Shouting()
    still = NetworkRefiner(net).refine(coarse, coarse[..., 3], plate, transparent=False)
    assert net.seen is None
    plain = ClassicalRefiner().refine(coarse, coarse[..., 3], plate, transparent=False)
    assert (still.pixels == plain.pixels).all() and still.invented_share == 0


def test_missing_pixels_are_0_for_the_network() -> None:
    coarse, known, plate = render()
    net = Shouting()
    NetworkRefiner(net).refine(coarse, known, plate, transparent=False)
    assert net.seen is not None
    assert bool((net.seen.picture[0][:, net.seen.known[0] == 0] == 0).all())
    assert net.seen.known.min() == 0 and net.seen.known.max() == 1


def test_transparent_keeps_the_render_s_alpha() -> None:
    coarse, known, plate = render()
    still = NetworkRefiner(Shouting()).refine(coarse, known, plate, transparent=True)
    assert (still.pixels[..., 3] == coarse[..., 3]).all()
    assert (still.pixels[HEIGHT // 2, int(0.3 * WIDTH), :3] == 255).all()


@pytest.mark.parametrize(("height", "width"), [(16, 16), (40, 300), (1500, 1100)])
def test_every_size_of_picture(height: int, width: int) -> None:
    coarse, known, plate = render(height, width)
    net = Shouting()
    still = NetworkRefiner(net).refine(coarse, known, plate[: height // 2], transparent=False)
    assert still.pixels.shape == (height, width, 3)
    assert net.seen is not None and net.seen.known.shape[-1] <= SIDE


def test_windows_hold_what_is_missing_and_do_not_creep() -> None:
    places = set()
    for shift in range(24):
        missing = np.zeros((900, 900), np.float32)
        missing[200 + shift : 700 + shift, 300 : 600 + shift] = 1
        window = window_around(missing)
        assert window is not None and window.width % STRIDE == 0 and window.width <= SIDE
        corners = window.to_window(np.array([[300.0, 200.0 + shift], [599.0 + shift, 699.0 + shift]]))
        assert corners.min() >= 0 and corners.max() <= window.width - 1
        places.add((window.scale, window.offset_x, window.offset_y))
    assert len(places) <= 3
    assert window_around(np.zeros((50, 50), np.float32)) is None


def test_answers_fade_in_inside_the_hole() -> None:
    missing = np.zeros((64, 64), np.float32)
    missing[:, 32:] = 1
    weight = faded(missing)
    assert weight[:, :32].max() == 0 and weight[:, 40:].min() > 0.99
    assert (np.diff(weight[32]) >= -1e-6).all()


def test_without_sound_weights_the_classical_refiner_does_the_work(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "refine.safetensors"
    assert isinstance(still_refiner("cpu", path), ClassicalRefiner)
    path.write_bytes(b"broken")
    with caplog.at_level(logging.WARNING):
        assert still_refiner("cpu", path).interim
    assert "refine.safetensors" in caplog.text
    write_weights(LightRefineNet(), path, {"architecture": ARCHITECTURE, "net": "light"})
    assert not still_refiner("cpu", path).interim
