"""What travels to Blender arrives as it left, or not at all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.payload import BadPayload
from train.synth.cycles.parcel import (
    Fibres,
    FinishHeader,
    LampHeader,
    LensHeader,
    Mesh,
    Parcel,
    SceneHeader,
    StrandsHeader,
    from_bytes,
    to_bytes,
)


def parcel() -> Parcel:
    rng = np.random.default_rng(0)
    mesh = Mesh(
        vertices=rng.random((4, 3), np.float32),
        triangles=np.array([[0, 1, 2], [0, 2, 3]], np.int32),
        uvs=rng.random((2, 3, 2), np.float32),
        texture=rng.random((3, 5, 3), np.float32),
        region=np.array([1, 5], np.uint8),
    )
    hair = Fibres(
        points=rng.random((6, 4, 3), np.float32),
        colour=rng.random((6, 3), np.float32),
        width=rng.random(6, np.float32),
    )
    header = SceneHeader(
        lens=LensHeader(64, 70.0, 0.01, -0.02, (0.0, -1.0, 0.1)),
        lamps=(LampHeader((0.0, 0.0, 1.0), (1.0, 0.9, 0.8), 20.0),),
        finishes=(FinishHeader(0.3, 0.5, True),),
        strands=(StrandsHeader(2, 0.7),),
        seed=3,
    )
    return Parcel(header, rng.random((4, 8, 3), np.float32), (mesh,), (hair,))


def test_round_trip():
    sent = parcel()
    got = from_bytes(to_bytes(sent))
    assert got.header == sent.header
    np.testing.assert_array_equal(got.sky, sent.sky)
    for mine, theirs in zip((*got.meshes, *got.fibres), (*sent.meshes, *sent.fibres), strict=True):
        for name, value in vars(theirs).items():
            np.testing.assert_array_equal(getattr(mine, name), value)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("triangles", np.array([[0, 1, 4], [0, 2, 3]], np.int32), "outside its vertices"),
        ("region", np.array([1, 8], np.uint8), "unknown class"),
        ("vertices", np.full((4, 3), np.nan, np.float32), "not numbers"),
        ("uvs", np.zeros((1, 3, 2), np.float32), "not <f4"),
    ],
)
def test_unfit_meshes_are_refused(field: str, value: np.ndarray, words: str):
    sent = parcel()
    broken = replace(sent, meshes=(replace(sent.meshes[0], **{field: value}),))
    with pytest.raises(BadPayload, match=words):
        from_bytes(to_bytes(broken))


def test_a_missing_mesh_is_noticed():
    sent = parcel()
    with pytest.raises(BadPayload, match="mesh/0"):
        from_bytes(to_bytes(replace(sent, meshes=())))
