"""Every loss against a loop over pixels, by hand, and its gradient."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from backend.head_parse import BACKGROUND, BODY, EAR, FACE, GLASSES, HAIR, HEADWEAR, OTHER_HEAD
from train.depth.losses import (
    colour_loss,
    depth_loss,
    face_loss,
    gradient_loss,
    layer_loss,
    smoothness_loss,
)
from train.depth.regions import HeadRegions

B, S = 2, 7


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def mask(seed: int) -> Tensor:
    return random(B, S, S, seed=seed) > -0.7


def pixels() -> list[tuple[int, int, int]]:
    return list(np.ndindex(B, S, S))


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def naive_colour(drawn: Tensor, photo: Tensor, seen: Tensor) -> float:
    return mean([float((drawn - photo)[b, :, y, x].abs().sum()) for b, y, x in pixels() if seen[b, y, x]])


def naive_gradient(drawn: Tensor, photo: Tensor, seen: Tensor) -> float:
    right, down = [], []
    for b, y, x in pixels():
        for into, (v, u) in ((right, (y, x + 1)), (down, (y + 1, x))):
            if max(u, v) < S and seen[b, y, x] and seen[b, v, u]:
                ours = drawn[b, :, v, u] - drawn[b, :, y, x]
                theirs = photo[b, :, v, u] - photo[b, :, y, x]
                into.append(float((ours - theirs).abs().sum()))
    return mean(right) + mean(down)


def naive_smoothness(relief: Tensor, region: Tensor) -> float:
    values = []
    for b, y, x in pixels():
        around = [(y, x), (y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
        if 0 < y < S - 1 and 0 < x < S - 1 and all(region[b, v, u] for v, u in around):
            values.append(
                abs(sum(float(relief[b, v, u]) for v, u in around[1:]) - 4 * float(relief[b, y, x]))
            )
    return mean(values)


def naive_distance(relief: Tensor, target: Tensor, region: Tensor) -> float:
    return mean([abs(float(relief[p] - target[p])) for p in pixels() if region[p] and target[p].isfinite()])


def naive_layer(relief: Tensor, face: Tensor, covered: Tensor) -> float:
    """Depth counts away from the camera, relief towards it."""
    return mean([max(0.0, -float(relief[p]) + float(face[p])) for p in pixels() if covered[p]])


def test_colours_like_a_loop() -> None:
    args = random(B, 3, S, S), random(B, 3, S, S, seed=1), mask(2)
    assert colour_loss(*args).item() == pytest.approx(naive_colour(*args))


def test_gradients_of_colours_like_a_loop() -> None:
    args = random(B, 3, S, S), random(B, 3, S, S, seed=1), mask(2)
    assert gradient_loss(*args).item() == pytest.approx(naive_gradient(*args))


def test_gradients_do_not_feel_other_light() -> None:
    photo = random(B, 3, S, S)
    assert gradient_loss(photo + 0.3, photo, mask(2)).item() == pytest.approx(0, abs=1e-12)
    assert colour_loss(photo + 0.3, photo, mask(2)).item() == pytest.approx(0.9)


def test_smoothness_like_a_loop() -> None:
    args = random(B, S, S), mask(4)
    assert smoothness_loss(*args).item() == pytest.approx(naive_smoothness(*args))


def test_planes_are_smooth_and_balls_are_not() -> None:
    y, x = torch.meshgrid(torch.arange(S).double(), torch.arange(S).double(), indexing="ij")
    everywhere = torch.ones(1, S, S, dtype=torch.bool)
    assert smoothness_loss((2 * x - y)[None], everywhere).item() == 0
    assert smoothness_loss((x * x + y * y)[None], everywhere).item() == 4


def with_holes(values: Tensor, known: Tensor) -> Tensor:
    return values.where(known, torch.nan)


def test_distances_to_face_and_truth_like_a_loop() -> None:
    relief, region = random(B, S, S), mask(5)
    target = with_holes(random(B, S, S, seed=1), mask(6))
    assert face_loss(relief, target, region & target.isfinite()).item() == pytest.approx(
        naive_distance(relief, target, region)
    )
    assert depth_loss(relief, target, region).item() == pytest.approx(naive_distance(relief, target, region))
    assert depth_loss(relief, torch.full_like(relief, torch.nan), region).item() == 0


def test_layer_order_like_a_loop() -> None:
    relief, covered = random(B, S, S), mask(5)
    face = with_holes(random(B, S, S, seed=1), covered)
    assert layer_loss(relief, face, covered).item() == pytest.approx(naive_layer(relief, face, covered))


def test_only_hair_behind_the_face_is_punished() -> None:
    face, covered = torch.zeros(1, 1, 2), torch.ones(1, 1, 2, dtype=torch.bool)
    relief = torch.tensor([[[0.5, -0.25]]], requires_grad=True)
    loss = layer_loss(relief, face, covered)
    assert loss.item() == 0.125
    loss.backward()
    assert relief.grad is not None and relief.grad.tolist() == [[[0.0, -0.5]]]


LOSSES: dict[str, Callable[[Tensor], Tensor]] = {
    "colour": lambda x: colour_loss(x[:, None].expand(-1, 3, -1, -1), random(B, 3, S, S, seed=1), mask(2)),
    "gradient": lambda x: gradient_loss(
        x[:, None].expand(-1, 3, -1, -1), random(B, 3, S, S, seed=1), mask(2)
    ),
    "smooth": lambda x: smoothness_loss(x, mask(4)),
    "face": lambda x: face_loss(x, with_holes(random(B, S, S, seed=1), mask(5)), mask(5)),
    "layer": lambda x: layer_loss(x, with_holes(random(B, S, S, seed=1), mask(5)), mask(5)),
    "depth": lambda x: depth_loss(x, with_holes(random(B, S, S, seed=1), mask(6)), mask(5)),
}


@pytest.mark.parametrize("name", LOSSES)
def test_gradient_checks(name: str) -> None:
    assert torch.autograd.gradcheck(LOSSES[name], random(B, S, S).requires_grad_())


@pytest.mark.parametrize("name", LOSSES)
def test_nothing_known_costs_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "mask", lambda _: torch.zeros(B, S, S, dtype=torch.bool))
    relief = random(B, S, S).requires_grad_()
    loss = LOSSES[name](relief)
    loss.backward()
    assert loss.item() == 0 and relief.grad is not None and not bool(relief.grad.any())


def test_regions_are_those_of_the_paper() -> None:
    codes = [BACKGROUND, BODY, FACE, FACE, HAIR, HAIR, EAR, OTHER_HEAD, HEADWEAR, GLASSES]
    nan = float("nan")
    face = torch.tensor([nan, nan, 1.0, nan, 1.0, nan, nan, nan, 1.0, 1.0])[None, None]
    found = HeadRegions.of(torch.tensor(codes)[None, None], face)
    assert found.head[0, 0].tolist() == [False, False] + [True] * 8
    shell = [False, False, False, True, True, True, True, True, True, False]
    assert found.shell[0, 0].tolist() == shell
    assert found.bare_face[0, 0].nonzero().flatten().tolist() == [2, 9]
    assert found.covered_face[0, 0].nonzero().flatten().tolist() == [4, 8]
