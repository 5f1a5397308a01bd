"""Both rasterisers see the same picture. Runs where pytorch3d is installed.

pytorch3d needs a CUDA build of torch (several gigabytes, no GPU necessary), so it has an environment
of its own::

    python3.11 -m venv .venv-pytorch3d
    .venv-pytorch3d/bin/pip install torch==2.12.1 easypytorch3d==0.7.9.post1 numpy pytest hypothesis
    .venv-pytorch3d/bin/python -m pytest tests/backend/test_raster_pytorch3d.py
"""

from __future__ import annotations

import pytest
import torch

from backend.camera import Camera
from backend.raster import (
    Fragments,
    Pytorch3dRasterizer,
    TorchRasterizer,
    pytorch3d_available,
)
from backend.raster.benchmark import ball

pytestmark = pytest.mark.skipif(not pytorch3d_available(), reason="pytorch3d is not installed")

CAMERAS = {
    "wide": Camera(150.0, 140.0, 41.3, 28.9, 90, 60),
    "tall": Camera(140.0, 150.0, 28.6, 43.2, 60, 90),
    "square": Camera(160.0, 160.0, 33.1, 30.7, 64, 64),
}


def scene(camera: Camera) -> tuple[torch.Tensor, torch.Tensor]:
    """A ball and a tilted triangle that cuts it, with corners behind the camera in one more."""
    vertices, triangles = ball(14, 17)
    extra = torch.tensor(
        [[-150.0, -60, 420], [170, -80, 640], [20, 160, 500], [0, 0, -10], [90, 40, 450], [20, 80, 400]]
    )
    points = torch.cat([torch.from_numpy(vertices) + torch.tensor([10.0, -5, 500]), extra])
    more = torch.tensor([[0, 1, 2], [3, 4, 5]]) + len(vertices)
    return points, torch.cat([torch.from_numpy(triangles), more])


def picture(camera: Camera, rasterizer: TorchRasterizer | Pytorch3dRasterizer) -> Fragments:
    return rasterizer.rasterize(*scene(camera), camera)


@pytest.mark.parametrize("name", CAMERAS)
def test_both_see_the_same(name):
    ours, theirs = (picture(CAMERAS[name], r) for r in (TorchRasterizer(), Pytorch3dRasterizer()))
    same = ours.face == theirs.face
    assert ours.covered.float().mean() > 0.2
    # Pixel centres within rounding of an edge may go to either neighbour.
    assert same.float().mean() > 0.995
    torch.testing.assert_close(ours.depth[same], theirs.depth[same], rtol=1e-4, atol=1e-2)
    torch.testing.assert_close(ours.barycentric[same], theirs.barycentric[same], rtol=0, atol=5e-3)


def test_both_have_the_same_gradient():
    camera = CAMERAS["wide"]
    points, triangles = scene(camera)
    gradients = []
    same = picture(camera, TorchRasterizer()).face == picture(camera, Pytorch3dRasterizer()).face
    for rasterizer in (TorchRasterizer(), Pytorch3dRasterizer()):
        leaf = points.clone().requires_grad_()
        fragments = rasterizer.rasterize(leaf, triangles, camera)
        fragments.depth[same & fragments.covered].sum().backward()
        gradients.append(leaf.grad)
    torch.testing.assert_close(*gradients, rtol=1e-2, atol=2e-2)


def test_nothing_in_front_gives_an_empty_picture():
    camera = CAMERAS["square"]
    points, triangles = scene(camera)
    result = Pytorch3dRasterizer().rasterize(-points, triangles, camera)
    assert not result.covered.any()
    assert torch.isinf(result.depth).all()
