"""Every loss by hand, and its gradient."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from backend.nets.face_net import EVEN_LIGHT, FaceCoefficients
from backend.nets.identity_net import face_chip, load_identity_net
from train.face.chips import face_chips
from train.face.losses import (
    IMPORTANT,
    INNER_MOUTH_478,
    NOSE_478,
    OTHER_SURFACE_MM,
    coefficient_loss,
    depth_loss,
    fitted_on,
    flatness_loss,
    identity_loss,
    landmark_loss,
    landmark_weights_68,
    landmark_weights_478,
    light_loss,
    photometric_loss,
    regularisation,
    rotation_loss,
    skin_attention,
    vertex_loss,
)
from train.face.render import shading

CPU = torch.device("cpu")


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_photometric_by_hand() -> None:
    photo = torch.zeros(2, 1, 3, 3)
    drawn = torch.tensor([[[[3.0, 4.0, 0.0], [1.0, 2.0, 2.0], [9.0, 9.0, 9.0]]]]).repeat(2, 1, 1, 1)
    covered = torch.tensor([[[True, True, False]], [[False, False, False]]])
    attention = skin_attention(torch.tensor([0.9, 0.25, 1.0])).expand(2, 1, 3)
    expected = (1.0 * 5 + 0.25 * 3) / 1.25
    assert photometric_loss(drawn, photo, covered, attention).item() == pytest.approx(expected / 2)


def test_attention_is_full_where_skin_is_likely() -> None:
    assert skin_attention(torch.tensor([0.0, 0.3, 0.5, 0.51, 1.0])).tolist() == pytest.approx(
        [0.0, 0.3, 0.5, 1.0, 1.0]
    )


def test_identity_by_hand() -> None:
    a = torch.tensor([[1.0, 0.0], [2.0, 0.0]])
    b = torch.tensor([[0.0, 5.0], [3.0, 3.0]])
    assert identity_loss(a, b).item() == pytest.approx((1 + 1 - 0.5**0.5) / 2)


def test_landmarks_by_hand() -> None:
    truth = torch.zeros(1, 3, 2)
    found = torch.tensor([[[3.0, 4.0], [1.0, 0.0], [100.0, 0.0]]])
    weights = torch.tensor([1.0, 20.0, 0.0])
    assert landmark_loss(found, truth, weights).item() == pytest.approx((25 + 20) / 21)


def test_nose_and_inner_mouth_weigh_most() -> None:
    small, large = landmark_weights_68(CPU), landmark_weights_478(CPU)
    assert small.sum().item() == (68 - 17) + 17 * IMPORTANT
    assert len({*NOSE_478, *INNER_MOUTH_478}) == len(NOSE_478) + len(INNER_MOUTH_478)
    assert large.sum().item() == (478 - 40 - 10) + 40 * IMPORTANT


def coefficients(identity: Tensor, expression: Tensor, albedo: Tensor) -> FaceCoefficients:
    nothing = identity.new_zeros(len(identity), 0)
    return FaceCoefficients(identity, expression, albedo, nothing, nothing, nothing)


def test_regularisation_by_hand() -> None:
    answer = coefficients(
        torch.tensor([[1.0, 2.0], [0.0, 0.0]]), torch.tensor([[0.5], [0.0]]), torch.tensor([[10.0], [0.0]])
    )
    assert regularisation(answer).item() == pytest.approx((5 + 0.8 * 0.25 + 1.7e-3 * 100) / 2)
    without = replace(answer, albedo=torch.zeros(2, 0))
    assert regularisation(without).item() == pytest.approx((5 + 0.8 * 0.25) / 2)


def test_flatness_by_hand() -> None:
    albedo = torch.tensor([[[0.0, 1.0, 0.0], [2.0, 1.0, 0.0], [50.0, 50.0, 50.0]]])
    assert flatness_loss(albedo, torch.tensor([True, True, False])).item() == pytest.approx(1.0)


def test_truths_by_hand() -> None:
    assert coefficient_loss(torch.tensor([[1.0, 3.0]]), torch.tensor([[1.0, 1.0]])).item() == 2.0
    found = torch.tensor([[[3.0, 0.0, 4.0], [0.0, 2.0, 0.0]]])
    assert vertex_loss(found, torch.zeros(1, 2, 3), torch.tensor([1.0, 3.0])).item() == pytest.approx(11 / 4)


def test_depth_by_hand() -> None:
    nan, inf = float("nan"), float("inf")
    found = torch.tensor([[[10.0, inf, 5.0, 500.0]]], requires_grad=True)
    loss = depth_loss(found, torch.tensor([[[12.0, 4.0, nan, 400.0]]]))
    assert loss.item() == pytest.approx((2 + OTHER_SURFACE_MM) / 2)
    loss.backward()
    assert found.grad is not None and found.grad.tolist() == [[[-0.5, 0.0, 0.0, 0.0]]]
    assert depth_loss(torch.full((1, 1, 1), inf), torch.zeros(1, 1, 1)).item() == 0


def test_size_and_place_do_not_count_but_shape_does() -> None:
    generator = torch.Generator().manual_seed(2)
    truth = torch.randn(2, 9, 3, generator=generator, dtype=torch.float64)
    weights = torch.rand(9, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(fitted_on(0.7 * truth + 3.0, truth, weights), truth)
    other = torch.randn(2, 9, 3, generator=generator, dtype=torch.float64)
    fitted = fitted_on(other, truth, weights)

    def off(points: torch.Tensor) -> torch.Tensor:
        return ((points - truth).square().sum(2) * weights).sum(1)

    for nearby in (fitted * 1.01, fitted * 0.99, fitted + 0.01, fitted - 0.01):
        assert (off(nearby) > off(fitted)).all()


@pytest.mark.parametrize("degrees", [0.0, 30.0, 180.0])
def test_rotation_is_one_minus_the_cosine(degrees: float) -> None:
    angle = torch.deg2rad(torch.tensor(degrees))
    turn = torch.eye(3)
    turn[0, 0] = turn[1, 1] = angle.cos()
    turn[0, 1], turn[1, 0] = -angle.sin(), angle.sin()
    assert rotation_loss(turn[None], torch.eye(3)[None]).item() == pytest.approx(
        1 - angle.cos().item(), abs=1e-6
    )


def test_light_is_compared_as_it_shows() -> None:
    found, truth = random(1, 9, 3), random(1, 9, 3, seed=1)
    directions = random(200000, 3, seed=2)
    shown = shading(directions, (found - truth).expand(len(directions), -1, -1))
    assert light_loss(found, truth).item() == pytest.approx(shown.square().mean().item(), rel=0.02)
    even = torch.zeros(1, 9, 3)
    even[:, 0] = EVEN_LIGHT
    assert light_loss(even, torch.zeros(1, 9, 3)).item() == pytest.approx(1.0, rel=1e-5)


def test_gradients() -> None:
    weights = torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64)
    truth = random(2, 3, 3, seed=1)
    covered = torch.tensor([[[True, True, False]], [[True, False, True]]])

    def whole(values: Tensor) -> Tensor:
        picture, other = values[:, None], truth[:, None]
        return torch.stack(
            [
                photometric_loss(picture, other, covered, weights.expand(2, 1, 3)),
                identity_loss(values[:, 0], truth[:, 0]),
                landmark_loss(values[..., :2], truth[..., :2], weights),
                regularisation(coefficients(values[:, 0], values[:, 1], values[:, 2])),
                flatness_loss(values, torch.tensor([True, True, False])),
                coefficient_loss(values[:, 0], truth[:, 0]),
                vertex_loss(values, truth, weights),
                depth_loss(values, truth),
                rotation_loss(values, truth),
                light_loss(values, truth),
            ]
        )

    assert torch.autograd.gradcheck(whole, random(2, 3, 3).requires_grad_())


def portrait(side: int = 120) -> tuple[np.ndarray, np.ndarray]:
    """A smooth picture, and landmarks of a face that leans."""
    y, x = np.mgrid[:side, :side] / side
    pixels = np.stack([np.sin(5 * x + 2 * y), np.cos(4 * y - x), np.sin(7 * x * y)], axis=-1)
    points = np.zeros((478, 2))
    points[[263, 362, 33, 133, 2]] = [(78, 44), (66, 46), (36, 50), (48, 49), (60, 71)]
    return np.rint(127.5 * (pixels + 1)).astype(np.uint8), points


def test_chips_are_those_of_the_identity_network() -> None:
    pixels, points = portrait()
    chip = face_chips(
        torch.from_numpy(pixels).permute(2, 0, 1)[None].float(), torch.from_numpy(points)[None].float()
    )
    inside = np.s_[30:-30, 30:-30]  # outside the picture both are black, but not at the same pixel
    found = chip[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(found[inside], face_chip(pixels, points)[inside].astype(float), atol=1.5)


def test_a_picture_feels_its_identity() -> None:
    pixels, points = portrait()
    picture = torch.from_numpy(pixels).permute(2, 0, 1)[None].double().div(255)
    net = load_identity_net().double()
    landmarks = torch.from_numpy(points)[None]
    other = net(face_chips(1 - picture, landmarks))

    def loss(picture: Tensor) -> Tensor:
        return identity_loss(net(face_chips(picture, landmarks)), other)

    (gradient,) = torch.autograd.grad(loss(picture.requires_grad_()), picture)
    along = gradient / gradient.norm()
    with torch.no_grad():
        rise = (loss(picture + 1e-4 * along) - loss(picture - 1e-4 * along)) / 2e-4
    assert rise.item() > 0 and rise.item() == pytest.approx(gradient.norm().item(), rel=0.01)
