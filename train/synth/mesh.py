"""All opaque surfaces of B people as one mesh, and what of it each pixel shows."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from backend.head_parse import FACE
from backend.raster.zbuffer import Hits, rasterize_pictures

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
    owner: Tensor
    """(P,) index of the surface."""
    region: Tensor
    """(P,) uint8."""
    depth: Tensor
    """(P,) mm."""
    place: Tensor
    """(P,3) view frame."""
    albedo: Tensor
    """(P,3) linear."""
    attributes: Tensor
    """(P,C) of the vertices, interpolated."""


def join(surfaces: tuple[Surface, ...], views: Views) -> Mesh:
    """One mesh in the view frame out of all surfaces."""
    worn = torch.stack([s.shown for s in surfaces]).any(dim=1).tolist()
    ordered = sorted(
        (s for s, some in zip(surfaces, worn, strict=True) if some), key=lambda s: not _of_head(s)
    )
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
    closed = torch.tensor([_of_head(s) for s in ordered], device=device)
    return Mesh(
        vertices=vertices,
        normals=smooth_normals(faces, triangles, vertices.shape[1]),
        occlusion=torch.cat([_occlusion(s) for s in ordered], dim=1),
        triangles=triangles,
        uvs=torch.cat([s.uvs for s in ordered]),
        region=torch.cat([s.region for s in ordered]),
        owner=owner,
        drawable=shown[:, owner] & (towards | ~closed[owner]),
        head_triangles=sum(len(s.triangles) for s in ordered if _of_head(s)),
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
    place, picture = views.lift(hits.pixel, hits.depth)
    corners = mesh.triangles.T.contiguous().index_select(1, hits.triangle) + picture * attributes.shape[1]
    flat, weights = attributes.flatten(0, 1), hits.barycentric[:, :, None]
    uvs = mesh.uvs.index_select(0, hits.triangle)
    uvs = sum(uvs[:, k] * weights[:, k] for k in range(3))
    owner = mesh.owner.index_select(0, hits.triangle)
    return Fragments(
        pixel=hits.pixel,
        picture=picture,
        owner=owner,
        region=mesh.region.index_select(0, hits.triangle),
        depth=hits.depth,
        place=place,
        albedo=_albedo(mesh.surfaces, owner, picture, uvs),
        attributes=sum(flat.index_select(0, corners[k]) * weights[:, k] for k in range(3)),
    )


def _albedo(surfaces: tuple[Surface, ...], owner: Tensor, picture: Tensor, uvs: Tensor) -> Tensor:
    """(P,3) bilinear look-up of every pixel in the texture of its surface and person."""
    device = uvs.device
    texels = torch.cat([s.texture.reshape(-1, 3) for s in surfaces])
    sizes = [s.texture.shape[:3] for s in surfaces]
    starts = torch.tensor([sum(b * h * w for b, h, w in sizes[:i]) for i in range(len(sizes))], device=device)
    height = torch.tensor([h for _, h, _ in sizes], device=device).index_select(0, owner)
    width = torch.tensor([w for _, _, w in sizes], device=device).index_select(0, owner)
    x = (uvs[:, 0].clamp(0, 1) * width - 0.5).clamp(min=0)
    y = ((1 - uvs[:, 1].clamp(0, 1)) * height - 0.5).clamp(min=0)
    column, row = x.long(), y.long()
    fx, fy = (x - column)[:, None], (y - row)[:, None]
    right, below = torch.minimum(column + 1, width - 1), torch.minimum(row + 1, height - 1)
    base = starts.index_select(0, owner) + picture * height * width

    def at(r: Tensor, c: Tensor) -> Tensor:
        return texels.index_select(0, base + r * width + c)

    upper = torch.lerp(at(row, column), at(row, right), fx)
    return torch.lerp(upper, torch.lerp(at(below, column), at(below, right), fx), fy)


def _of_head(surface: Surface) -> bool:
    """Whether the surface belongs to the bare head, which is closed: its back faces are never seen."""
    return bool((surface.region == FACE).any())


def _occlusion(surface: Surface) -> Tensor:
    if surface.occlusion is None:
        return surface.vertices.new_ones(surface.vertices.shape[:2])
    return surface.occlusion.expand(surface.vertices.shape[:2])


def _towards_camera(vertices: Tensor, triangles: Tensor, faces: Tensor, views: Views) -> Tensor:
    eye = torch.stack([-views.centre[:, 0], views.centre[:, 1], views.centre[:, 2]], dim=1)
    return ((eye[:, None] - vertices[:, triangles[:, 0]]) * faces).sum(-1) > 0
