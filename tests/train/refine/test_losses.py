"""Losses of the refinement network against values worked out by hand, and their gradients."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from train.refine.critic import Answers, Critic
from train.refine.losses import colour_loss, critic_loss, feature_loss, matching_loss, realism_loss


def answers(*scores: float) -> Answers:
    """One scale for each score, with a layer of features of the same value."""
    return [[torch.full((1, 2, 3, 3), score), torch.full((1, 1, 2, 2), score)] for score in scores]


def random(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64).requires_grad_()


def test_colours_are_compared_one_by_one() -> None:
    target = torch.zeros(1, 3, 2, 2)
    answer = target.clone()
    answer[0, 0, 0, 0], answer[0, 2, 1, 1] = 0.6, -0.6
    assert colour_loss(answer, target).item() == pytest.approx(1.2 / 12)


def test_the_generator_wants_to_be_taken_for_real() -> None:
    assert realism_loss(answers(0.0, 0.5)).item() == pytest.approx((0.5 + 0.125) / 2)
    assert realism_loss(answers(1.0)).item() == 0.0


def test_the_critic_wants_to_tell_them_apart() -> None:
    assert critic_loss(answers(0.4), None).item() == pytest.approx(0.08)
    assert critic_loss(answers(0.4), answers(0.7)).item() == pytest.approx(0.08 + 0.09)
    assert critic_loss(answers(0.0), answers(1.0)).item() == 0.0


def test_features_add_up_over_layers_and_matching_averages() -> None:
    found, target = [torch.ones(1, 2, 2), torch.zeros(3)], [torch.zeros(1, 2, 2), torch.full((3,), 2.0)]
    assert feature_loss(found, target).item() == pytest.approx(3.0)
    # Scores are not features: only the first layer of each scale counts.
    assert matching_loss(answers(0.2, 0.6), answers(0.5, 0.5)).item() == pytest.approx((0.3 + 0.1) / 2)


def test_gradients() -> None:
    a, b = random(1, 3, 4, 4, seed=1), random(1, 3, 4, 4, seed=2)
    assert torch.autograd.gradcheck(colour_loss, (a, b.detach()))
    assert torch.autograd.gradcheck(lambda x: feature_loss([x, 2 * x], [b.detach(), b.detach()]), (a,))
    score = random(1, 1, 3, 3, seed=3)
    assert torch.autograd.gradcheck(lambda x: realism_loss([[x, x]]), (score,))
    assert torch.autograd.gradcheck(lambda x: critic_loss([[x, x]], [[x, x]]), (score,))
    assert torch.autograd.gradcheck(lambda x: matching_loss([[x, x]], [[b, b]]), (a,))


def test_the_critic_looks_at_two_scales_and_at_every_patch() -> None:
    found = Critic(8)(torch.rand(2, 3, 64, 64))
    assert [of[-1].shape[1] for of in found] == [1, 1]
    assert found[0][-1].shape[-1] > found[1][-1].shape[-1]
    assert len(found[0]) == 5
