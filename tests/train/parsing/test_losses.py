from __future__ import annotations

import itertools
import math

import pytest
import torch

from backend.nets.parse_net import CLASSES
from train.parsing.losses import EDGE_GAIN, cross_entropy, matte_loss, overlap_loss
from train.parsing.sample import UNKNOWN

WEIGHTS = torch.tensor([1.0, 1.0, 1.0, 2.0, 1.0, 1.0, 1.0, 1.0])
REGIONS = torch.tensor([[[0, 1], [3, UNKNOWN]]])


def perfect() -> torch.Tensor:
    scores = torch.zeros(1, CLASSES, 2, 2)
    for y, x, code in ((0, 0, 0), (0, 1, 1), (1, 0, 3)):
        scores[0, code, y, x] = 50.0
    return scores


def test_ignorance_costs_the_logarithm_of_the_classes() -> None:
    loss = cross_entropy(torch.zeros(1, CLASSES, 2, 2), REGIONS, WEIGHTS)
    assert loss.item() == pytest.approx(math.log(CLASSES), rel=1e-5)


def test_cross_entropy_by_hand() -> None:
    scores = perfect()
    scores[0, :, 1, 0] = 0.0  # does not know the ear, which counts twice of four
    loss = cross_entropy(scores, REGIONS, WEIGHTS)
    assert loss.item() == pytest.approx(0.5 * math.log(CLASSES), rel=1e-5)


def test_a_perfect_answer_costs_nothing_and_unknown_pixels_do_not_count() -> None:
    scores = perfect()
    for loss in (cross_entropy(scores, REGIONS, WEIGHTS), overlap_loss(scores, REGIONS)):
        assert loss.item() == pytest.approx(0.0, abs=1e-6)
    scores.requires_grad_(True)
    (cross_entropy(scores, REGIONS, WEIGHTS) + overlap_loss(scores, REGIONS)).backward()
    assert scores.grad is not None and not scores.grad[0, :, 1, 1].any()


def test_nothing_known_costs_nothing() -> None:
    regions = torch.full((1, 2, 2), UNKNOWN)
    scores = torch.randn(1, CLASSES, 2, 2, requires_grad=True)
    loss = cross_entropy(scores, regions, WEIGHTS) + overlap_loss(scores, regions)
    loss = loss + matte_loss(scores[:, :2], torch.zeros(1, 2, 2, 2), torch.zeros(1, 2, 2))
    loss.backward()
    assert loss.item() == 0 and not scores.grad.any()


def test_mattes_by_hand() -> None:
    mattes = torch.tensor([0.0, 1.0, 0.5, 0.0]).reshape(1, 1, 2, 2).expand(1, 2, 2, 2)
    trusted = torch.tensor([[[1.0, 1.0], [1.0, 0.0]]])
    scores = torch.full((1, 2, 2, 2), 30.0)  # says 1 everywhere: wrong by 1, 0 and a half of an edge
    expected = (1 + 0.5 * (1 + EDGE_GAIN)) / (2 + 1 + EDGE_GAIN)
    assert matte_loss(scores, mattes, trusted).item() == pytest.approx(expected, rel=1e-5)


def naive_overlap(scores: torch.Tensor, regions: torch.Tensor) -> float:
    """Pixel by pixel."""
    shares, costs = scores.softmax(dim=1), []
    for code in range(CLASSES):
        area = both = claimed = 0.0
        for b, y, x in itertools.product(*(range(n) for n in regions.shape)):
            if regions[b, y, x] == UNKNOWN:
                continue
            share, here = float(shares[b, code, y, x]), float(regions[b, y, x] == code)
            area, both, claimed = area + here, both + share * here, claimed + share
        if area:
            costs.append(1 - (2 * both + 1) / (claimed + area + 1))
    return sum(costs) / len(costs)


def test_overlap_equals_its_naive_twin() -> None:
    torch.manual_seed(5)
    scores = torch.randn(2, CLASSES, 3, 4)
    regions = torch.tensor([0, 1, 1, 2, UNKNOWN, 3, 0, 0, 7, 1, 2, 2] * 2).reshape(2, 3, 4)
    assert overlap_loss(scores, regions).item() == pytest.approx(naive_overlap(scores, regions), rel=1e-4)


def test_gradients() -> None:
    torch.manual_seed(6)
    scores = torch.randn(1, CLASSES, 2, 2, dtype=torch.float64, requires_grad=True)
    weights = WEIGHTS.double()
    mattes, trusted = torch.rand(1, 2, 2, 2, dtype=torch.float64), torch.ones(1, 2, 2, dtype=torch.float64)

    def whole(scores: torch.Tensor) -> torch.Tensor:
        classes = cross_entropy(scores, REGIONS, weights) + overlap_loss(scores, REGIONS)
        return classes + matte_loss(scores[:, :2], mattes, trusted)

    assert torch.autograd.gradcheck(whole, scores)
