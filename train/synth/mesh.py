"""All opaque surfaces of B people as one mesh, and what of it each pixel shows."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from backend.head_parse import FACE
from backend.raster.zbuffer import Hits, rasterize_pictures

from .blend import blend
from .normals import face_normals, smooth_normals
from .person import Surface
from .view import Views


@dataclass(frozen=True)
class Mesh:
    """Surfaces of B people joined; those of the head come first."""

    vertices: Tensor
    """(B,N,3) mm, view frame."""
    normals: Tensor
    """(B,N,3)."""
    occlusion: Tensor
    """(B,N)."""
    triangles: Tensor
    """(T,3)."""
    uvs: Tensor
    """(T,3,2)."""
    region: Tensor
    """(T,) uint8."""
    owner: Tensor
    """(T,) index of the surface."""
    drawable: Tensor
    """(B,T) bool."""
    head_triangles: int
    surfaces: tuple[Surface, ...]


@dataclass(frozen=True)
class Fragments:
    """The P pixels of B pictures that show a surface."""

    pixel: Tensor
    """(P,) flat index over all pictures."""
    picture: Tensor
    """(P,)."""
    region: Tensor
    """(P,) uint8."""
    depth: Tensor
    """(P,) mm."""
    albedo: Tensor
    """(P,3) linear."""
    attributes: Tensor
    """(P,C) of the vertices, interpolated."""


def join(surfaces: tuple[Surface, ...], views: Views) -> Mesh:
    """One mesh in the view frame out of all surfaces."""
    worn = torch.stack([s.shown for s in surfaces]).any(dim=1).tolist()
    there = [s for s, some in zip(surfaces, worn, strict=True) if some]
    of_head = torch.stack([_of_head(s) for s in there]).tolist()
    heads = [s for s, bare in zip(there, of_head, strict=True) if bare]
    ordered = heads + [s for s, bare in zip(there, of_head, strict=True) if not bare]
    counts = [s.vertices.shape[1] for s in ordered]
    starts = [sum(counts[:i]) for i in range(len(counts))]
    device = ordered[0].vertices.device
    vertices = views.to_view(torch.cat([s.vertices for s in ordered], dim=1))
    triangles = torch.cat([s.triangles + start for s, start in zip(ordered, starts, strict=True)])
    faces = face_normals(vertices, triangles)
    lengths = torch.tensor([len(s.triangles) for s in ordered], device=device)
    owner = torch.arange(len(ordered), device=device).repeat_interleave(lengths)
    shown = torch.stack([s.shown for s in ordered], dim=1)
    towards = _towards_camera(vertices, triangles, faces, views)
    closed = torch.tensor([k < len(heads) or s.closed for k, s in enumerate(ordered)], device=device)
    return Mesh(
        vertices=vertices,
        normals=smooth_normals(faces, triangles, vertices.shape[1]),
        occlusion=torch.cat([_occlusion(s) for s in ordered], dim=1),
        triangles=triangles,
        uvs=torch.cat([s.uvs for s in ordered]),
        region=torch.cat([s.region for s in ordered]),
        owner=owner,
        drawable=shown[:, owner] & (towards | ~closed[owner]) & ~_hidden(tuple(ordered)),
        head_triangles=sum(len(s.triangles) for s in heads),
        surfaces=tuple(ordered),
    )


def draw(mesh: Mesh, views: Views, attributes: Tensor) -> tuple[Fragments, Tensor]:
    """What each pixel shows of the mesh, with vertex ``attributes`` (B,N,C).

    Also returns (B,S,S) the depth of the face of the head alone, infinite where another part of the head,
    or nothing of it, is seen.
    """
    pixels, depth = views.project(mesh.vertices)
    size, cut = views.size, mesh.head_triangles

    def hits(part: slice) -> Hits:
        return rasterize_pictures(pixels, depth, mesh.triangles[part], mesh.drawable[:, part], size, size)

    head = hits(slice(0, cut))
    face = mesh.region.index_select(0, head.triangle) == FACE
    face_depth = depth.new_full((len(pixels) * size * size,), torch.inf)
    face_depth.index_copy_(0, head.pixel, head.depth.where(face, torch.inf))
    if cut < len(mesh.triangles):
        head = _nearer(head, hits(slice(cut, None)), cut, len(pixels) * size * size)
    return _fragments(mesh, views, head, attributes), face_depth.reshape(-1, size, size)


def _nearer(head: Hits, rest: Hits, offset: int, places: int) -> Hits:
    """The hits of both layers that nothing of the other hides."""
    nowhere = head.depth.new_full((places,), torch.inf)
    before_head = nowhere.index_copy(0, rest.pixel, rest.depth).index_select(0, head.pixel)
    before_rest = nowhere.index_copy(0, head.pixel, head.depth).index_select(0, rest.pixel)
    a = torch.nonzero(head.depth <= before_head).squeeze(1)
    b = torch.nonzero(rest.depth < before_rest).squeeze(1) + len(head.pixel)
    keep = torch.cat([a, b])

    def merged(of_head: Tensor, of_rest: Tensor) -> Tensor:
        return torch.cat([of_head, of_rest]).index_select(0, keep)

    return Hits(
        merged(head.pixel, rest.pixel),
        merged(head.triangle, rest.triangle + offset),
        merged(head.barycentric, rest.barycentric),
        merged(head.depth, rest.depth),
    )


def _fragments(mesh: Mesh, views: Views, hits: Hits, attributes: Tensor) -> Fragments:
    picture = hits.pixel.div(views.size**2, rounding_mode="floor")
    corners = mesh.triangles.index_select(0, hits.triangle) + (picture * attributes.shape[1])[:, None]
    of_triangle = hits.triangle[:, None] * 3 + torch.arange(3, device=picture.device)
    uvs = blend(mesh.uvs.flatten(0, 1), of_triangle, hits.barycentric)
    return Fragments(
        pixel=hits.pixel,
        picture=picture,
        region=mesh.region.index_select(0, hits.triangle),
        depth=hits.depth,
        albedo=_albedo(mesh.surfaces, mesh.owner.index_select(0, hits.triangle), picture, uvs),
        attributes=blend(attributes.flatten(0, 1), corners, hits.barycentric),
    )


def _albedo(surfaces: tuple[Surface, ...], owner: Tensor, picture: Tensor, uvs: Tensor) -> Tensor:
    """(P,3) bilinear look-up of every pixel in the texture of its surface and person."""
    device = uvs.device
    texels = torch.cat([s.texture.reshape(-1, 3) for s in surfaces])
    sizes = [s.texture.shape[:3] for s in surfaces]
    starts = torch.tensor([sum(b * h * w for b, h, w in sizes[:i]) for i in range(len(sizes))], device=device)
    height = torch.tensor([h for _, h, _ in sizes], device=device).index_select(0, owner)
    width = torch.tensor([w for _, _, w in sizes], device=device).index_select(0, owner)
    u, v = uvs.clamp(0, 1).unbind(1)
    x, y = (u * width - 0.5).clamp(min=0), ((1 - v) * height - 0.5).clamp(min=0)
    column, row = x.long(), y.long()
    fx, fy = x - column, y - row
    upper = starts.index_select(0, owner) + (picture * height + row) * width + column
    right = (column < width - 1).long()
    lower = upper + width * (row < height - 1)
    index = torch.stack([upper, upper + right, lower, lower + right], dim=1)
    gx, gy = 1 - fx, 1 - fy
    return blend(texels, index, torch.stack([gx * gy, fx * gy, gx * fy, fx * fy], dim=1))


def _of_head(surface: Surface) -> Tensor:
    """() bool: whether the surface belongs to the bare head, which is closed."""
    return (surface.region == FACE).any()


def _hidden(surfaces: tuple[Surface, ...]) -> Tensor:
    """(B,T) bool: triangles of all surfaces that others cover."""
    return torch.cat(
        [
            s.shown.new_zeros(len(s.shown), len(s.triangles)) if s.hidden is None else s.hidden
            for s in surfaces
        ],
        dim=1,
    )


def _occlusion(surface: Surface) -> Tensor:
    if surface.occlusion is None:
        return surface.vertices.new_ones(surface.vertices.shape[:2])
    return surface.occlusion.expand(surface.vertices.shape[:2])


def _towards_camera(vertices: Tensor, triangles: Tensor, faces: Tensor, views: Views) -> Tensor:
    eye = torch.stack([-views.centre[:, 0], views.centre[:, 1], views.centre[:, 2]], dim=1)
    return ((eye[:, None] - vertices[:, triangles[:, 0]]) * faces).sum(-1) > 0
