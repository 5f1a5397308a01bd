"""Varied hair depends on the seed alone and never resembles what is held out on purpose."""

from __future__ import annotations

import json
from dataclasses import asdict

from train.synth.hair.held_out import KINDS, MESHES, is_held_out
from train.synth.hair.vary import varied_hair
from train.synth.scene import sample_scene


def test_varied_hair_is_repeatable_plain_and_not_held_out() -> None:
    worn, kinds, crossed, hanging = set(), set(), 0, 0
    for seed in range(60):
        hair = sample_scene(seed).person.hair
        if is_held_out(hair):
            continue
        varied = varied_hair(seed, hair)
        assert varied == varied_hair(seed, hair)
        assert varied.warp is not None
        assert json.loads(json.dumps(asdict(varied)))["kind"] == varied.kind
        assert not is_held_out(varied)
        kinds |= set(varied.kind.split(" and "))
        crossed += " and " in varied.kind
        hanging += varied.kind in ("long", "bob")
        worn.add(varied.mesh and varied.mesh.name)
    assert not kinds & KINDS
    assert not worn & MESHES
    assert len(worn) > 2
    assert crossed > 0
    assert 15 < hanging < 45
