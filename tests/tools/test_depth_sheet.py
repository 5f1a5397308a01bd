"""The sheet of portraits, depth and clay: near is bright, nothing else is, and lines stand side by side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.camera import Camera
from backend.frames import Pose, rotation_from_angles
from backend.preview import PAPER
from backend.reconstruction import Reconstruction, TexturedMesh
from tools.depth_sheet import arranged, depth_picture

CAMERA = Camera.centred(64.0, 64, 64)
POSE = Pose(rotation_from_angles(0.0, 0.0, 0.0), np.array([0.0, 0.0, 640.0]))


@pytest.fixture(scope="module")
def plane() -> Reconstruction:
    """A square whose right edge comes towards the camera."""
    corners = np.float32([[-150, 150, 0], [-150, -150, 0], [150, -150, 60], [150, 150, 60]])
    mesh = TexturedMesh(
        name="back",
        vertices=corners,
        polygons=np.int32([[0, 1, 2, 3]]),
        uvs=np.zeros((1, 4, 2), np.float32),
        image="back",
    )
    nothing = np.zeros(0, np.float32)
    return Reconstruction(
        camera=CAMERA,
        pose=POSE,
        identity=nothing,
        expression=nothing,
        expression_names=(),
        meshes=(mesh,),
        images={"back": np.zeros((4, 4, 3), np.uint8)},
        model="square",
        warnings=(),
        timings_ms={},
        interim=(),
    )


def test_near_is_bright_and_beside_it_is_paper(plane: Reconstruction) -> None:
    picture = depth_picture(plane, CAMERA).astype(int)
    assert (picture[0, 0] == PAPER).all()
    row = picture[32, 20:44].sum(-1)
    assert row[-1] > row[0] + 100
    assert (np.diff(row) >= -12).all()


def test_a_head_that_follows_nothing_is_left_out(plane: Reconstruction) -> None:
    still = replace(plane, meshes=(replace(plane.meshes[0], follows_head=False),))
    assert (depth_picture(still, CAMERA) == PAPER).all()


def test_lines_stand_side_by_side() -> None:
    lines = [np.full((2, 3, 3), value, np.uint8) for value in (1, 2, 3)]
    sheet = arranged(lines, 2)
    np.testing.assert_array_equal(sheet[::2, ::3, 0], [[1, 2], [3, PAPER]])
