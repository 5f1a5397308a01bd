"""Hair starts on the scalp, stays out of the head, and does not depend on who else is in the batch."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from functools import cache

import pytest
import torch

from train.synth.assets import load_assets
from train.synth.collision import SKULL_MM, sample_sphere
from train.synth.hair import Hair, HairParams, MeshChoice, grow_hair, sample_hair
from train.synth.hair import cut as cuts
from train.synth.hair.hairdo import MESHES, plain
from train.synth.head import HeadShape, build_head, sample_head
from train.synth.person import Who, stream

COUNT = 400
SOMEBODY = Who(age=45.0, masculinity=0.5, melanin=0.3)
KINDS = sorted({kind.__name__ for odds in (cuts.MEN, cuts.WOMEN, cuts.COILED) for kind in odds})
MESH_NAMES = sorted({name for names in MESHES.values() for name in names})


@cache
def _heads(count: int) -> HeadShape:
    return build_head([sample_head(stream(seed, "head"), SOMEBODY) for seed in range(count)], load_assets())


def _wearing(kind: str, seed: int = 0) -> HairParams:
    params = sample_hair(stream(seed, "hair"), SOMEBODY)
    return replace(params, kind=kind, cut=plain(getattr(cuts, kind)(stream(seed, "cut"))), mesh=None)


def _depth_in_skull(hair: Hair, head: HeadShape) -> torch.Tensor:
    """(strands,32) mm."""
    arm = hair.strands.points[hair.strands.width_mm > 0] - torch.tensor(SKULL_MM)
    distance = arm.norm(dim=-1)
    directions = (arm / distance[..., None]).reshape(1, -1, 3)
    return sample_sphere(head.collision.skull, directions).reshape(distance.shape) - distance


@pytest.mark.parametrize("kind", KINDS)
def test_strands_of_every_cut_start_on_the_scalp_and_stay_outside(kind: str) -> None:
    head = _heads(1)
    hair = grow_hair([_wearing(kind)], head, COUNT)
    assert hair.strands.points.shape == (1, COUNT, 32, 3)
    assert torch.isfinite(hair.strands.points).all()
    there = hair.strands.width_mm[0] > 0
    assert there.any()
    depth = _depth_in_skull(hair, head)
    # The skull's table is bilinear over 7 mm, and close to the ears it shows the ears.
    assert depth[:, 0].abs().quantile(0.98) < 3
    assert (depth > 2).float().mean() < 0.001


@pytest.mark.parametrize("name", MESH_NAMES)
def test_strands_run_along_hair_meshes_from_root_to_tip(name: str) -> None:
    head = _heads(1)
    worn = replace(_wearing("bob"), mesh=MeshChoice(name, 1.0, 1.0, mirrored=False))
    points = grow_hair([worn], head, COUNT).strands.points[0]
    assert torch.isfinite(points).all()
    mesh = head.assets.hair[name].on(head.moved)[0]
    near = torch.cdist(points[:, ::8].reshape(-1, 3), mesh).amin(dim=1)
    assert near.median() < 15
    assert (points[:, 0, 1] > points[:, -1, 1]).float().mean() > 0.5


def test_a_mirrored_mesh_lies_on_the_other_side() -> None:
    head = _heads(1)
    choice = MeshChoice("bob01", 1.0, 1.0, mirrored=False)
    one, other = (
        grow_hair([replace(_wearing("bob"), mesh=c)], head, COUNT).strands.points[0, :, :, 0].mean()
        for c in (choice, replace(choice, mirrored=True))
    )
    assert abs(float(one)) > 1
    assert float(one) * float(other) < 0


def test_hair_of_a_batch_is_that_of_each_alone() -> None:
    params = [_wearing("long", 0), _wearing("tied", 2)]
    params.append(replace(_wearing("bob", 3), mesh=MeshChoice("bob01", 0.9, 1.02, mirrored=True)))
    people = [sample_head(stream(seed, "head"), SOMEBODY) for seed in range(3)]
    together = grow_hair(params, build_head(people, load_assets()), COUNT)
    for number, person in enumerate(people):
        alone = grow_hair([params[number]], build_head([person], load_assets()), COUNT)
        # Curls and collisions magnify the rounding of batched sums.
        torch.testing.assert_close(together.strands.points[number], alone.strands.points[0], atol=0.5, rtol=0)
        torch.testing.assert_close(together.strands.colour[number], alone.strands.colour[0])


def test_a_bald_top_bears_no_hair() -> None:
    head = _heads(1)
    hairy = _wearing("men_short")
    bald = replace(hairy, hairline=replace(hairy.hairline, rim_mm=70.0))
    counts = []
    for params in (hairy, bald):
        hair = grow_hair([params], head, COUNT)
        roots = hair.strands.points[0, hair.strands.width_mm[0] > 0, 0]
        counts.append(int((roots[:, 1] > 120).sum()))
    assert counts[0] > 20
    assert counts[1] == 0


def test_long_hair_hangs_lower_than_short_hair() -> None:
    head = _heads(1)
    long, short = (
        grow_hair([_wearing(kind)], head, COUNT).strands.points[0, ..., 1].min() for kind in ("long", "buzz")
    )
    assert long < short - 50


def test_parameters_are_plain_numbers_and_differ_from_person_to_person() -> None:
    drawn = [sample_hair(stream(seed, "hair"), SOMEBODY) for seed in range(60)]
    assert json.loads(json.dumps(asdict(drawn[0])))["kind"] == drawn[0].kind
    assert sample_hair(stream(0, "hair"), SOMEBODY) == drawn[0]
    assert len({params.kind for params in drawn}) > 6
