"""The rasteriser against a loop over triangles and pixels, and against what must always hold."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.camera import Camera
from backend.raster import (
    NEAR_MM,
    TorchRasterizer,
    default_rasterizer,
    interpolate,
    rasterize_arrays,
    rasterize_uv,
    triangulate,
    zbuffer,
)
from backend.raster.benchmark import ball, measure

CAMERA = Camera(60.0, 55.0, 15.3, 11.8, 32, 24)


def soup(seed: int, count: int, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, torch.Tensor]:
    """Random overlapping triangles before (some partly behind) the camera."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.rand(count, 1, 3, generator=generator) * torch.tensor([60.0, 50.0, 60.0])
    corners = centres + torch.randn(count, 3, 3, generator=generator) * 14 - torch.tensor([30.0, 25.0, -20.0])
    return corners.reshape(-1, 3).to(dtype), torch.arange(count * 3).reshape(count, 3)


def naive(vertices: np.ndarray, triangles: np.ndarray, camera: Camera) -> tuple[np.ndarray, ...]:
    """Rays through pixel centres, one triangle at a time: face, barycentrics, depth, margin to an edge."""
    shape = (camera.height, camera.width)
    face, depth = np.full(shape, -1), np.full(shape, np.inf)
    weights, margin = np.zeros((*shape, 3)), np.full(shape, np.inf)
    for row in range(camera.height):
        for column in range(camera.width):
            ray = camera.unproject(np.array([column, row], float), np.array(1.0))
            for index, triangle in enumerate(triangles):
                corners = vertices[triangle]
                if (corners[:, 2] <= NEAR_MM).any():
                    continue
                # weights @ corners = z * ray, sum(weights) = 1
                system = np.vstack([np.column_stack([corners.T, -ray]), [1, 1, 1, 0]])
                *w, z = np.linalg.solve(system, [0, 0, 0, 1])
                margin[row, column] = min(margin[row, column], abs(min(w)))
                if min(w) >= 0 and z < depth[row, column]:
                    face[row, column], weights[row, column], depth[row, column] = index, w, z
    return face, weights, depth, margin


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("candidates", [40, zbuffer.CANDIDATES_PER_PASS])
def test_agrees_with_a_loop_over_pixels(monkeypatch, seed, candidates):
    monkeypatch.setattr(zbuffer, "CANDIDATES_PER_PASS", candidates)
    vertices, triangles = soup(seed, 12)
    result = TorchRasterizer().rasterize(vertices, triangles, CAMERA)
    face, weights, depth, margin = naive(vertices.numpy(), triangles.numpy(), CAMERA)
    assert margin.min() > 1e-9, "a pixel centre on an edge makes the comparison ambiguous"
    assert 0.2 < (face >= 0).mean() < 1.0
    np.testing.assert_array_equal(result.face.numpy(), face)
    np.testing.assert_allclose(result.barycentric.numpy(), weights, atol=1e-9)
    np.testing.assert_allclose(result.depth.numpy(), depth, rtol=1e-9)


def test_depth_of_a_plane_is_exact_in_perspective():
    vertices = torch.tensor([[-500.0, -500, 300], [500, -500, 900], [500, 500, 900], [-500, 500, 300]])
    result = TorchRasterizer().rasterize(vertices, torch.tensor([[0, 1, 2], [0, 2, 3]]), CAMERA)
    columns = torch.arange(CAMERA.width)
    slope_x = (columns - CAMERA.cx) / CAMERA.fx
    expected = 600 / (1 - 0.6 * slope_x)  # z = 600 + 0.6 x, x = slope_x z
    assert result.covered.all()
    torch.testing.assert_close(result.depth, expected.expand(CAMERA.height, -1), rtol=1e-5, atol=0)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_no_gap_and_no_overlap_along_shared_edges(seed, flip):
    """A fan around an inner point covers its square completely, whatever the point and the winding."""
    generator = torch.Generator().manual_seed(seed)
    inner = torch.rand(1, 3, generator=generator) * torch.tensor([20.0, 20.0, 0.0]) + torch.tensor(
        [-10.0, -10, 50]
    )
    rim = torch.tensor([[-40.0, -40, 50], [40, -40, 50], [40, 40, 50], [-40, 40, 50]])
    fan = torch.tensor([[4, 0, 1], [4, 1, 2], [4, 2, 3], [4, 3, 0]])
    result = TorchRasterizer().rasterize(torch.cat([rim, inner]), fan.flip(1) if flip else fan, CAMERA)
    assert result.covered.all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 15))
def test_fragments_are_consistent(seed, count):
    """Weights are a convex combination whose point projects onto the pixel at the depth that is told."""
    vertices, triangles = soup(seed, count)
    result = TorchRasterizer().rasterize(vertices, triangles, CAMERA)
    hit = result.covered
    assert torch.isinf(result.depth[~hit]).all()
    assert (result.barycentric[~hit] == 0).all()
    points = interpolate(result, triangles, vertices)[hit].numpy()
    rows, columns = np.nonzero(hit.numpy())
    np.testing.assert_allclose(points[:, 2], result.depth[hit], rtol=1e-9)
    np.testing.assert_allclose(CAMERA.project(points), np.column_stack([columns, rows]), atol=1e-7)
    assert (result.barycentric >= -1e-12).all()
    torch.testing.assert_close(result.barycentric.sum(-1), hit.double())


def test_ties_go_to_the_lower_index_whatever_the_pass_size(monkeypatch):
    vertices = torch.tensor([[-50.0, -50, 50], [50, -50, 50], [0, 60, 50]])
    same = torch.tensor([[0, 1, 2]] * 5)
    for candidates in (40, 300, 1 << 20):
        monkeypatch.setattr(zbuffer, "CANDIDATES_PER_PASS", candidates)
        result = TorchRasterizer().rasterize(vertices, same, CAMERA)
        assert result.covered.any()
        assert result.face.max() == 0


def test_triangles_that_reach_far_beyond_the_picture_lose_no_pixel():
    """A fan seen from two millimetres before its corners: projected, it is a million pixels wide."""
    rim = torch.tensor([[-9e4, -8e4, 2.0], [8e4, -9e4, 2.0], [9e4, 8e4, 2.0], [-8e4, 9e4, 2.0]])
    inner = torch.tensor([[0.3, -0.2, 50.0]])
    fan = torch.tensor([[4, 0, 1], [4, 1, 2], [4, 2, 3], [4, 3, 0]])
    result = TorchRasterizer().rasterize(torch.cat([rim, inner]), fan, CAMERA)
    assert result.covered.all()
    assert len(result.face.unique()) == 4


def test_broken_triangles_are_left_out():
    good = [[-50.0, -50, 50], [50, -50, 50], [0, 60, 50]]
    nan, behind, at_camera = [float("nan")] * 3, [0.0, 0, -5], [0.0, 0, NEAR_MM]
    vertices = torch.tensor([*good, nan, behind, at_camera])
    triangles = torch.tensor([[0, 1, 3], [0, 1, 4], [0, 1, 5], [0, 0, 0], [0, 1, 2]])
    result = TorchRasterizer().rasterize(vertices, triangles, CAMERA)
    assert result.face.unique().tolist() == [4]
    nothing = TorchRasterizer().rasterize(vertices, triangles[:4], CAMERA)
    assert not nothing.covered.any()
    assert not TorchRasterizer().rasterize(vertices, triangles[:0], CAMERA).covered.any()


def test_gradients_reach_the_vertices():
    vertices, triangles = soup(7, 12)
    camera = Camera(20.0, 18.0, 4.0, 4.0, 9, 9)
    attributes = torch.randn(
        len(vertices), 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)
    )

    def image(points: torch.Tensor) -> torch.Tensor:
        fragments = TorchRasterizer().rasterize(points, triangles, camera)
        seen = fragments.depth.where(fragments.covered, torch.zeros_like(fragments.depth))
        return torch.cat([interpolate(fragments, triangles, attributes).flatten(), seen.flatten()])

    assert TorchRasterizer().rasterize(vertices, triangles, camera).covered.float().mean() > 0.3
    assert torch.autograd.gradcheck(image, vertices.requires_grad_(), eps=1e-6, atol=1e-5)


def test_uv_texels_are_seen_at_their_centres():
    uvs = torch.tensor([[0.0, 0], [1, 0], [1, 1], [0, 1]])
    triangles = torch.tensor([[0, 1, 2], [0, 2, 3]])
    result = rasterize_uv(uvs, triangles, 8)
    assert result.covered.all()
    seen = interpolate(result, triangles, uvs)
    centres = (torch.arange(8) + 0.5) / 8
    torch.testing.assert_close(seen[..., 0], centres.expand(8, 8))
    torch.testing.assert_close(seen[..., 1], centres.flip(0)[:, None].expand(8, 8))


def test_triangulate_remembers_polygons_and_corners():
    polygons = np.array([[4, 5, 6, 7], [0, 1, 2, -1]], np.int32)
    result = triangulate(polygons)
    np.testing.assert_array_equal(result.vertices, [[4, 5, 6], [0, 1, 2], [4, 6, 7]])
    np.testing.assert_array_equal(result.polygon, [0, 1, 0])
    np.testing.assert_array_equal(result.of_corners(polygons[..., None])[..., 0], result.vertices)


def test_arrays_carry_the_same_fragments():
    vertices, triangles = soup(3, 10, torch.float32)
    arrays = rasterize_arrays(vertices.numpy(), triangles.numpy().astype(np.int32), CAMERA)
    tensors = TorchRasterizer().rasterize(vertices, triangles, CAMERA)
    np.testing.assert_array_equal(arrays.face, tensors.face)
    colour = np.random.default_rng(0).random((len(vertices), 3)).astype(np.float32)
    expected = interpolate(tensors, triangles, torch.from_numpy(colour))
    np.testing.assert_allclose(arrays.interpolate(colour), expected, atol=1e-6)


def test_default_rasterizer_on_the_cpu_needs_nothing_else():
    assert isinstance(default_rasterizer("cpu"), TorchRasterizer)


def test_benchmark_ball_is_closed_and_measured():
    vertices, triangles = ball(7, 9)
    normals = np.cross(*(vertices[triangles[:, i]] - vertices[triangles[:, 0]] for i in (1, 2)))
    assert (np.einsum("ij,ij->i", normals, vertices[triangles].mean(1)) > 0).all()
    assert len(triangles) == 2 * 5 * 9
    result = measure(repeats=1)
    assert result["torch_ms"] > 0


@pytest.mark.parametrize("candidates", [40, zbuffer.CANDIDATES_PER_PASS])
def test_pictures_drawn_together_are_those_drawn_alone(monkeypatch, candidates):
    monkeypatch.setattr(zbuffer, "CANDIDATES_PER_PASS", candidates)
    soups = [soup(seed, 15, torch.float32) for seed in (5, 6, 7)]
    triangles = soups[0][1]
    vertices = torch.stack([points for points, _ in soups])
    vertices[..., 2] = vertices[..., 2].clamp(min=2.0)
    scale = torch.tensor([CAMERA.fx, CAMERA.fy])
    pixels = vertices[..., :2] / vertices[..., 2:] * scale + torch.tensor([CAMERA.cx, CAMERA.cy])
    drawable = torch.ones(3, len(triangles), dtype=torch.bool)
    drawable[1, ::2] = False
    together = zbuffer.rasterize_pictures(
        pixels, vertices[..., 2], triangles, drawable, CAMERA.height, CAMERA.width
    )
    place = 0
    for i in range(3):
        alone = zbuffer.rasterize_projected(
            pixels[i], vertices[i, :, 2], triangles, drawable[i], CAMERA.height, CAMERA.width
        )
        seen = alone.covered.flatten().nonzero()[:, 0]
        part = slice(place, place + len(seen))
        assert torch.equal(together.pixel[part], seen + i * CAMERA.height * CAMERA.width)
        assert torch.equal(together.triangle[part], alone.face.flatten()[seen])
        assert torch.equal(together.depth[part], alone.depth.flatten()[seen])
        assert torch.equal(together.barycentric[part], alone.barycentric.reshape(-1, 3)[seen])
        place += len(seen)
    assert place == len(together.pixel)
