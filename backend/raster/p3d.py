"""pytorch3d as a rasteriser, for machines where it is installed."""

from __future__ import annotations

import importlib.util

import torch
from torch import Tensor

from ..camera import Camera
from .fragments import NEAR_MM, Fragments


def pytorch3d_available() -> bool:
    """True if pytorch3d can be imported here (its compiled part needs a CUDA build of torch)."""
    if importlib.util.find_spec("pytorch3d") is None:
        return False
    try:
        import pytorch3d._C  # noqa: F401
    except ImportError:
        return False
    return True


class Pytorch3dRasterizer:
    """pytorch3d's mesh rasteriser behind the same protocol.

    pytorch3d looks along +z with x to the left and y up; its picture spans [-1, 1] on the shorter
    side and a pixel's centre lies half a pixel inside. A pixel centre that lies exactly on an edge
    belongs to no triangle there, and to one in :class:`TorchRasterizer`.
    """

    def rasterize(self, vertices_cam: Tensor, triangles: Tensor, camera: Camera) -> Fragments:
        """See :meth:`backend.raster.Rasterizer.rasterize`."""
        from pytorch3d.renderer.mesh.rasterize_meshes import rasterize_meshes
        from pytorch3d.structures import Meshes

        in_front = (vertices_cam[:, 2] > NEAR_MM) & torch.isfinite(vertices_cam).all(1)
        kept = torch.nonzero(in_front[triangles].all(1)).squeeze(1)
        if len(kept) == 0:
            return _nothing(vertices_cam, camera)
        used, corner = torch.unique(triangles[kept], return_inverse=True)
        meshes = Meshes([to_ndc(vertices_cam[used], camera)], [corner.reshape(-1, 3)])
        face, depth, barycentric, _ = rasterize_meshes(
            meshes,
            image_size=(camera.height, camera.width),
            blur_radius=0.0,
            faces_per_pixel=1,
            perspective_correct=True,
            cull_backfaces=False,
        )
        face, depth, barycentric = face[0, ..., 0], depth[0, ..., 0], barycentric[0, ..., 0, :]
        hit = face >= 0
        return Fragments(
            torch.where(hit, kept[face.clamp(min=0)], face),
            barycentric.where(hit[..., None], torch.zeros_like(barycentric)),
            depth.where(hit, torch.full_like(depth, torch.inf)),
        )


def to_ndc(vertices_cam: Tensor, camera: Camera) -> Tensor:
    """Camera space (N,3) mm to pytorch3d's picture coordinates with depth kept in mm (N,3)."""
    x, y, z = vertices_cam.unbind(1)
    shorter = min(camera.width, camera.height)
    column = x / z * camera.fx + camera.cx
    row = y / z * camera.fy + camera.cy
    return torch.stack(
        [(camera.width - 1 - 2 * column) / shorter, (camera.height - 1 - 2 * row) / shorter, z], dim=1
    )


def _nothing(like: Tensor, camera: Camera) -> Fragments:
    shape = (camera.height, camera.width)
    return Fragments(
        torch.full(shape, -1, dtype=torch.int64, device=like.device),
        like.new_zeros((*shape, 3)),
        like.new_full(shape, torch.inf),
    )
