"""Tensors of views agree with the product's own camera and pose."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.camera import Camera
from backend.frames import Pose, rotation_from_angles
from train.synth.view import stack_views

ANGLE = st.floats(-60, 60)


@settings(max_examples=25, deadline=None)
@given(ANGLE, ANGLE, ANGLE, st.floats(500, 3000), st.floats(-100, 100))
def test_projection_is_that_of_camera_and_pose_and_lifting_undoes_it(yaw, pitch, roll, distance, aside):
    pose = Pose(rotation_from_angles(yaw, pitch, roll), np.array([aside, -0.5 * aside, distance]))
    camera = Camera(distance / 2, distance / 2, 31.0, 33.5, 64, 64)
    views = stack_views([pose, pose], [camera, camera], torch.device("cpu"))
    points = np.random.default_rng(0).uniform(-100, 100, (9, 3))
    seen = views.to_view(torch.from_numpy(np.stack([points, points])).float())
    pixels, depth = views.project(seen)
    in_camera = pose.to_camera(points)
    np.testing.assert_allclose(pixels[1], camera.project(in_camera), atol=2e-2)
    np.testing.assert_allclose(depth[1], in_camera[:, 2], rtol=1e-4)
    place, picture = views.lift(torch.tensor([64 * 64 + 20 * 64 + 30]), torch.tensor([distance]))
    back, _ = views.project(torch.stack([place, place]))
    assert picture.tolist() == [1]
    np.testing.assert_allclose(back[1, 0], [30, 20], atol=2e-2)


def test_a_finer_view_sees_the_same_places():
    camera = Camera(300.0, 300.0, 12.0, 17.0, 32, 32)
    pose = Pose(rotation_from_angles(0, 0, 0), np.array([0.0, 0, 1000]))
    views = stack_views([pose], [camera], torch.device("cpu"))
    fine = views.finer(3, 2)
    points = torch.tensor([[[10.0, 20.0, 30.0]]])
    coarse_px, fine_px = views.project(points)[0], fine.project(points)[0]
    assert fine.size == 48
    torch.testing.assert_close(fine_px, (coarse_px + 0.5) * 1.5 - 0.5)
