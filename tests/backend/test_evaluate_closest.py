"""Nearest points against a loop over all triangles, and similarities against known ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.transform import estimate_transform

from backend.evaluate.align import Similarity, similarity_between
from backend.evaluate.closest import ClosestSurface, closest_on_triangles
from backend.frames import rotation_from_angles


def naive(points: np.ndarray, vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Distances (M,) by brute force: minimise over every triangle's plane, edges and corners."""
    best = np.full(len(points), np.inf)
    for triangle in triangles:
        a, b, c = vertices[triangle]
        normal = np.cross(b - a, c - a)
        for index, point in enumerate(points):
            on_plane = point - normal * (normal @ (point - a)) / (normal @ normal)
            turns = [
                normal @ np.cross(end - start, on_plane - start) for start, end in ((a, b), (b, c), (c, a))
            ]
            found = [np.linalg.norm(point - on_plane)] if min(turns) >= 0 else []
            for start, end in ((a, b), (b, c), (c, a)):
                share = np.clip((point - start) @ (end - start) / ((end - start) @ (end - start)), 0, 1)
                found.append(np.linalg.norm(point - start - share * (end - start)))
            best[index] = min(best[index], *found)
    return best


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 3))
def test_agrees_with_a_loop_over_triangles(seed, log_spread):
    """Also with triangles of very different size, which is what the groups are for."""
    random = np.random.default_rng(seed)
    size = 10 ** (log_spread * random.random((40, 1, 1)))
    corners = random.normal(size=(40, 1, 3)) * 50 + random.normal(size=(40, 3, 3)) * size
    vertices, triangles = corners.reshape(-1, 3), np.arange(120).reshape(40, 3)
    points = random.normal(size=(15, 3)) * 60
    surface = ClosestSurface(vertices, triangles)
    found = surface.nearest(points)
    np.testing.assert_allclose(found.distance, naive(points, vertices, triangles), atol=1e-7)
    np.testing.assert_allclose(np.linalg.norm(found.points - points, axis=1), found.distance, atol=1e-9)
    on_plane = (found.points - corners[found.triangle, 0]) * surface.normals(found.triangle)
    np.testing.assert_allclose(on_plane.sum(1), 0, atol=1e-6)


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        ([1, 1, 5], [1, 1, 0]),  # inside
        ([-2, -3, 1], [0, 0, 0]),  # corner
        ([2, -3, 0], [2, 0, 0]),  # edge
        ([4, 4, 0], [2, 2, 0]),  # long edge
        ([9, -1, 0], [4, 0, 0]),  # far corner
    ],
)
def test_regions_of_a_triangle(point, expected):
    corners = np.array([[0.0, 0, 0], [4, 0, 0], [0, 4, 0]])
    np.testing.assert_allclose(closest_on_triangles(np.array(point, float), corners), expected)


def test_a_triangle_without_area_is_a_line():
    corners = np.array([[0.0, 0, 0], [4, 0, 0], [2, 0, 0]])
    np.testing.assert_allclose(closest_on_triangles(np.array([3.0, 1, 0]), corners), [3, 0, 0])


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 10_000), st.floats(0.5, 2), st.floats(-170, 170), st.floats(-80, 80), st.floats(-170, 170)
)
def test_a_similarity_is_recovered(seed, scale, yaw, pitch, roll):
    random = np.random.default_rng(seed)
    known = Similarity(scale, rotation_from_angles(yaw, pitch, roll), random.normal(size=3) * 100)
    source = random.normal(size=(20, 3)) * 50
    found = similarity_between(source, known.apply(source))
    np.testing.assert_allclose(found.apply(source), known.apply(source), atol=1e-6)
    np.testing.assert_allclose(found.undo(known.apply(source)), source, atol=1e-6)
    np.testing.assert_allclose(known.after(found).apply(source), known.apply(found.apply(source)), atol=1e-6)
    assert np.linalg.det(found.rotation) == pytest.approx(1)


def test_agrees_with_scikit_image_on_noisy_points():
    random = np.random.default_rng(0)
    source, target = random.normal(size=(2, 30, 3))
    found = similarity_between(source, target)
    oracle = estimate_transform("similarity", source, target)
    np.testing.assert_allclose(found.apply(source), oracle(source), atol=1e-6)
