"""Headwear covers the skull, leaves the face free, and holds hair below it."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from train.synth.assets import load_assets
from train.synth.collision import SKULL_MM, sample_sphere
from train.synth.hair import grow_hair, sample_hair
from train.synth.head import HeadShape, build_head, sample_head
from train.synth.headwear import COLUMNS, KINDS, SHELL_ROWS, build_headwear, make_headwear, tuck_in
from train.synth.person import Who, stream

SOMEBODY = Who(age=45.0, masculinity=0.2, melanin=0.3)
WORN = [kind for kind in KINDS if kind != "none"]


@pytest.fixture(scope="module")
def head() -> HeadShape:
    return build_head([sample_head(stream(0, "head"), SOMEBODY)], load_assets())


@pytest.mark.parametrize("kind", WORN)
def test_the_shell_lies_outside_the_skull(head: HeadShape, kind: str) -> None:
    (surface,) = build_headwear([make_headwear(stream(1, kind), kind)], head)
    assert bool(surface.shown.all())
    assert torch.isfinite(surface.vertices).all()
    arm = surface.vertices[:, : SHELL_ROWS * COLUMNS] - surface.vertices.new_tensor(SKULL_MM)
    distance = arm.norm(dim=-1)
    skull = sample_sphere(head.collision.skull, arm / distance[..., None])[..., 0]
    assert (distance - skull).min() > -2


def test_bareheaded_people_have_no_surface(head: HeadShape) -> None:
    assert build_headwear([make_headwear(stream(1, "none"), "none")], head) == ()


@pytest.mark.parametrize("kind", WORN)
def test_crown_is_covered_and_nose_is_free(head: HeadShape, kind: str) -> None:
    (surface,) = build_headwear([make_headwear(stream(2, kind), kind)], head)
    corners = surface.vertices[0, surface.triangles]
    middle = corners.new_tensor(SKULL_MM)
    tip = head.vertices[0, head.vertices[0, :, 2].argmax()]
    assert _crosses(middle, corners.new_tensor([0.03, 1.0, -0.4]), corners)
    assert not _crosses(tip, corners.new_tensor([0.01, 0.02, 1.0]), corners)


def _crosses(start: torch.Tensor, direction: torch.Tensor, corners: torch.Tensor) -> bool:
    """Whether a ray meets one of the triangles (T,3,3) (Moeller and Trumbore 1997)."""
    a, p, q = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    h = torch.linalg.cross(direction.expand_as(q), q)
    det = (p * h).sum(-1)
    s = start - a
    u = (s * h).sum(-1) / det
    r = torch.linalg.cross(s, p)
    v, t = (direction * r).sum(-1) / det, (q * r).sum(-1) / det
    return bool(((u >= 0) & (v >= 0) & (u + v <= 1) & (t > 0)).any())


def test_hair_below_a_beanie_is_flat_and_hair_without_one_is_untouched(head: HeadShape) -> None:
    hair = grow_hair([sample_hair(stream(5, "hair"), SOMEBODY)], head, 400).strands
    pressed = tuck_in(hair, [make_headwear(stream(3, "w"), "beanie")], head)
    top = pressed.points[pressed.points[..., 1] > 115]
    arm = top - top.new_tensor(SKULL_MM)
    skull = sample_sphere(head.collision.skull, (arm / arm.norm(dim=-1, keepdim=True))[None])[0, :, 0]
    assert (arm.norm(dim=-1) - skull).max() < 3
    assert tuck_in(hair, [make_headwear(stream(3, "w"), "none")], head) is hair


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(WORN), st.integers(0, 10_000))
def test_any_headwear_is_finite_and_keeps_its_topology(kind: str, seed: int) -> None:
    head = build_head([sample_head(stream(seed % 3, "head"), SOMEBODY)], load_assets())
    (surface,) = build_headwear([make_headwear(stream(seed, "w"), kind)], head)
    assert torch.isfinite(surface.vertices).all()
    assert surface.vertices.abs().max() < 450
    assert surface.texture.min() >= 0
    assert surface.texture.max() <= 1.2
