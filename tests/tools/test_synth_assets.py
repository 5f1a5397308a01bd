"""Steps of the builder of the generator's assets."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.synth_assets.borders import CutMesh
from tools.synth_assets.garment import _refined
from tools.synth_assets.occlusion import fibonacci, sky_share
from tools.synth_assets.rays import cast


def grid(size: int) -> tuple[np.ndarray, np.ndarray]:
    """A flat square of 2 (size - 1)^2 triangles."""
    y, x = np.mgrid[:size, :size].astype(float)
    index = np.arange(size * size).reshape(size, size)
    a, b, c, d = (s.ravel() for s in (index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]))
    triangles = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    return np.stack([x.ravel(), y.ravel(), np.zeros(size * size)], axis=1), triangles


def area(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    return np.cross(b - a, c - a)[:, 2] / 2


def lone_edges(triangles: np.ndarray) -> np.ndarray:
    """(E,2) edges that no other triangle runs along the opposite way; none is run along twice."""
    edges = [tuple(e) for k in ((0, 1), (1, 2), (2, 0)) for e in triangles[:, k].tolist()]
    known = set(edges)
    assert len(edges) == len(known)
    return np.array([e for e in edges if e[::-1] not in known])


@settings(max_examples=20, deadline=None)
@given(cx=st.floats(1, 5), cy=st.floats(1, 5), radius=st.floats(0.7, 2.4))
def test_cutting_keeps_the_surface_and_follows_the_level(cx: float, cy: float, radius: float) -> None:
    vertices, triangles = grid(7)
    level = radius - np.hypot(vertices[:, 0] - cx, vertices[:, 1] - cy)
    mesh = CutMesh([tuple(t) for t in triangles.tolist()], list(vertices[triangles][..., :2]), len(vertices))
    mesh.along(level)
    corners, weights = mesh.table()
    whole = np.concatenate([vertices, np.einsum("ck,ckd->cd", weights, vertices[corners])])
    cut = np.array(mesh.triangles)
    assert np.isclose(area(whole, cut).sum(), 36.0, atol=1e-4)
    assert area(whole, cut).min() > 0
    np.testing.assert_allclose(np.array(mesh.uvs), whole[cut][..., :2], atol=1e-5)


def test_refining_keeps_the_surface_without_gaps() -> None:
    vertices, triangles = grid(9)
    drop = vertices[:, 0] * 40  # fine on the left, coarse on the right of 210
    ends, fine = _refined(triangles, drop)
    places = vertices[ends].mean(axis=1)
    assert len(fine) > len(triangles)
    assert np.isclose(area(places, fine).sum(), 64.0)
    assert area(places, fine).min() > 0
    a, b = places[lone_edges(fine)].swapaxes(0, 1)
    on_side = ((a == b) & ((a == 0) | (a == 8)))[:, :2].any(axis=1)
    assert on_side.all()


def test_a_ray_hits_the_farthest_triangle_within_reach() -> None:
    near, triangles = grid(2)
    stacked = np.concatenate([near, near + np.array([0, 0, 5.0])])
    both = np.concatenate([triangles, triangles + 4])
    origins, directions = np.array([[0.3, 0.2, -1.0]]), np.array([[0.0, 0.0, 1.0]])
    for reach, distance in ((np.inf, 6.0), (3.0, 1.0)):
        hit, weights, far = cast(origins, directions, stacked, both, reach)
        assert np.isclose(far[0], distance)
        np.testing.assert_allclose(weights[0] @ stacked[both[hit[0]]], [0.3, 0.2, distance - 1], atol=1e-9)
    assert cast(origins, -directions, stacked, both)[0][0] == -1


def test_a_lid_takes_the_sky() -> None:
    floor, triangles = grid(9)
    floor = (floor - 4) * 12
    lid = floor + np.array([0, 0, 6.0])
    vertices = np.concatenate([floor, lid])
    both = np.concatenate([triangles, triangles + len(floor)])
    normals = np.tile([0.0, 0.0, 1.0], (len(vertices), 1))
    share = sky_share(vertices, both, normals, np.zeros(3))
    middle = 40
    assert share[middle] < 0.1
    assert share[middle + len(floor)] > 0.95


def test_fibonacci_is_even() -> None:
    points = fibonacci(160)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1.0)
    assert np.abs(points.mean(axis=0)).max() < 0.01
