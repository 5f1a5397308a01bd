from __future__ import annotations

import math

import pytest
import torch

from backend.nets.parse_net import CLASSES
from train.parsing.losses import EDGE_GAIN, class_weights, cross_entropy, matte_loss, overlap_loss
from train.parsing.sample import UNKNOWN

CPU = torch.device("cpu")
REGIONS = torch.tensor([[[0, 1], [3, UNKNOWN]]])


def perfect() -> torch.Tensor:
    scores = torch.zeros(1, CLASSES, 2, 2)
    for y, x, code in ((0, 0, 0), (0, 1, 1), (1, 0, 3)):
        scores[0, code, y, x] = 50.0
    return scores


def test_ignorance_costs_the_logarithm_of_the_classes() -> None:
    loss = cross_entropy(torch.zeros(1, CLASSES, 2, 2), REGIONS, class_weights(2.0, CPU))
    assert loss.item() == pytest.approx(math.log(CLASSES), rel=1e-5)


def test_cross_entropy_by_hand() -> None:
    scores = perfect()
    scores[0, :, 1, 0] = 0.0  # does not know the ear, which counts twice of four
    loss = cross_entropy(scores, REGIONS, class_weights(2.0, CPU))
    assert loss.item() == pytest.approx(0.5 * math.log(CLASSES), rel=1e-5)


def test_a_perfect_answer_costs_nothing_and_unknown_pixels_do_not_count() -> None:
    scores = perfect()
    for loss in (cross_entropy(scores, REGIONS, class_weights(2.0, CPU)), overlap_loss(scores, REGIONS)):
        assert loss.item() == pytest.approx(0.0, abs=1e-6)
    scores.requires_grad_(True)
    (cross_entropy(scores, REGIONS, class_weights(2.0, CPU)) + overlap_loss(scores, REGIONS)).backward()
    assert scores.grad is not None and not scores.grad[0, :, 1, 1].any()


def test_nothing_known_costs_nothing() -> None:
    regions = torch.full((1, 2, 2), UNKNOWN)
    scores = torch.randn(1, CLASSES, 2, 2, requires_grad=True)
    loss = cross_entropy(scores, regions, class_weights(2.0, CPU)) + overlap_loss(scores, regions)
    loss = loss + matte_loss(scores[:, :2], torch.zeros(1, 2, 2, 2), torch.zeros(1, 2, 2))
    loss.backward()
    assert loss.item() == 0 and not scores.grad.any()


def test_mattes_by_hand() -> None:
    mattes = torch.tensor([0.0, 1.0, 0.5, 0.0]).reshape(1, 1, 2, 2).expand(1, 2, 2, 2)
    trusted = torch.tensor([[[1.0, 1.0], [1.0, 0.0]]])
    scores = torch.full((1, 2, 2, 2), 30.0)  # says 1 everywhere: wrong by 1, 0 and a half of an edge
    expected = (1 + 0.5 * (1 + EDGE_GAIN)) / (2 + 1 + EDGE_GAIN)
    assert matte_loss(scores, mattes, trusted).item() == pytest.approx(expected, rel=1e-5)
