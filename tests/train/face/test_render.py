"""Rendering of faces against a loop over pixels and triangles, and its gradients."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from backend.nets.face_crop import WindowCameras
from backend.nets.face_net import EVEN_LIGHT
from train.face.render import displayed, render_faces, shading, vertex_normals

SIDE = 12
TRIANGLES = torch.tensor([[0, 2, 1], [0, 3, 2], [0, 4, 3], [0, 1, 4], [5, 7, 6]])
"""A tent whose ridge points at the camera, and a sail behind it; counter-clockwise from the camera."""


def scene(seed: int = 0) -> tuple[Tensor, Tensor, Tensor, WindowCameras]:
    """Vertices (2,8,3), albedo (2,8,3), light (2,9,3) and cameras."""
    random = torch.Generator().manual_seed(seed)
    tent = [(3, 2, 480), (-70, -60, 520), (60, -65, 530), (75, 55, 510), (-60, 70, 525)]
    sail = [(-90, -90, 600), (100, -80, 640), (10, 105, 560)]
    shape = torch.tensor(tent + sail, dtype=torch.float64)
    vertices = shape + 4 * torch.randn(2, 8, 3, generator=random, dtype=torch.float64)
    albedo = torch.rand(2, 8, 3, generator=random, dtype=torch.float64)
    light = 0.3 * torch.randn(2, 9, 3, generator=random, dtype=torch.float64)
    light[:, 0] += EVEN_LIGHT
    focal = torch.tensor([28.0, 31.0], dtype=torch.float64)
    principal = torch.tensor([[5.3, 5.7], [6.1, 5.2]], dtype=torch.float64)
    return vertices, albedo, light, WindowCameras(focal, principal, SIDE)


def naive_harmonics(n: np.ndarray) -> np.ndarray:
    """From the definition, with factorials and Legendre polynomials written out."""
    x, y, z = n
    c0, c1, c2 = math.sqrt(1 / (4 * math.pi)), math.sqrt(3 / (4 * math.pi)), math.sqrt(15 / (4 * math.pi))
    polar = math.sqrt(5 / (16 * math.pi)) * (3 * y * y - 1)
    return np.array(
        [c0, c1 * y, c1 * x, c1 * z, c2 * x * y, c2 * y * z, polar, c2 * x * z, c2 / 2 * (x * x - z * z)]
    )


def naive_picture(vertices: np.ndarray, albedo: np.ndarray, light: np.ndarray, camera: tuple) -> tuple:
    """Ray by ray and triangle by triangle."""
    focal, cx, cy = camera
    normals = np.zeros_like(vertices)
    for i, j, k in TRIANGLES.numpy():
        normals[[i, j, k]] += np.cross(vertices[j] - vertices[i], vertices[k] - vertices[i])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    colour, depth = np.zeros((SIDE, SIDE, 3)), np.full((SIDE, SIDE), np.inf)
    for row in range(SIDE):
        for column in range(SIDE):
            ray = np.array([(column - cx) / focal, (row - cy) / focal, 1.0])
            for corners in TRIANGLES.numpy():
                # ray * z = sum of weights * corners, weights sum to 1.
                system = np.vstack([np.column_stack([vertices[corners].T, -ray]), [1, 1, 1, 0]])
                *weights, z = np.linalg.solve(system, [0, 0, 0, 1])
                if min(weights) < 0 or z >= depth[row, column]:
                    continue
                normal = weights @ normals[corners] * [1, -1, -1]
                lit = naive_harmonics(normal / np.linalg.norm(normal)) @ light
                depth[row, column], colour[row, column] = z, weights @ albedo[corners] * lit
    return colour, depth


def test_pictures_equal_their_naive_twins() -> None:
    vertices, albedo, light, cameras = scene()
    pictures = render_faces(vertices, TRIANGLES, albedo, light, cameras)
    assert pictures.covered.any(dim=(1, 2)).all() and not pictures.covered.all()
    for b in range(2):
        camera = (float(cameras.focal_px[b]), *cameras.principal_px[b].tolist())
        colour, depth = naive_picture(*(values[b].numpy() for values in (vertices, albedo, light)), camera)
        np.testing.assert_allclose(pictures.depth[b], depth, rtol=1e-9)
        # The constants of the harmonics have six digits.
        np.testing.assert_allclose(pictures.colour[b], colour, atol=1e-5)


def test_even_light_shows_the_albedo() -> None:
    vertices, _, light, cameras = scene()
    even = torch.zeros_like(light)
    even[:, 0] = EVEN_LIGHT
    pictures = render_faces(vertices, TRIANGLES, torch.full((8, 3), 0.4, dtype=torch.float64), even, cameras)
    seen = pictures.colour[pictures.covered]
    torch.testing.assert_close(seen, torch.full_like(seen, 0.4))


def test_light_from_above_lights_what_looks_up() -> None:
    light = torch.zeros(2, 9, 3)
    light[:, 1] = 1.0
    up, down = shading(torch.tensor([[0.0, -5.0, 0.0], [0.0, 2.0, 0.0]]), light)[:, 0]
    assert up.item() == pytest.approx(0.488603) and down.item() == pytest.approx(-0.488603)


def test_normals_point_at_the_camera() -> None:
    vertices, *_ = scene()
    assert (vertex_normals(vertices, TRIANGLES)[..., 2] < 0).all()


def test_what_is_behind_the_camera_shows_nowhere() -> None:
    vertices, albedo, light, cameras = scene()
    pictures = render_faces(vertices - torch.tensor([0.0, 0.0, 1000.0]), TRIANGLES, albedo, light, cameras)
    assert not pictures.covered.any() and not pictures.colour.any()


def test_gradients() -> None:
    vertices, albedo, light, cameras = scene(3)
    inputs = tuple(values.clone().requires_grad_() for values in (vertices, albedo, light))

    def whole(vertices: Tensor, albedo: Tensor, light: Tensor) -> tuple[Tensor, Tensor]:
        pictures = render_faces(vertices, TRIANGLES, albedo, light, cameras)
        seen = pictures.covered
        weights = torch.linspace(0, 1, int(seen.sum()), dtype=torch.float64)
        return (pictures.colour[seen] * weights[:, None]).sum(0), (pictures.depth[seen] * weights).sum()

    assert torch.autograd.gradcheck(whole, inputs, fast_mode=True)


def test_the_curve_of_srgb() -> None:
    linear = torch.tensor([0.0, 0.001, 0.2140411, 1.0], dtype=torch.float64)
    expected = torch.tensor([0.0, 0.01292, 0.5, 1.0], dtype=torch.float64)
    torch.testing.assert_close(displayed(linear), expected, rtol=0, atol=1e-6)
    assert torch.autograd.gradcheck(displayed, linear.requires_grad_())
