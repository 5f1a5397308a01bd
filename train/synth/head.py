"""A head: who it is, what it does with its face, and how it sits on the body."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .assets import SynthAssets
from .collision import Collision, build_collision
from .person import Who, stack

IDENTITY_SCALE = 0.62
"""The head's components come from random MakeHuman sliders and reach beyond people: unit draws look odd."""


@dataclass(frozen=True)
class HeadParams:
    """Shape of one head in numbers."""

    identity: tuple[float, ...]
    """(80,) standard deviations."""
    expression: tuple[float, ...]
    """(52,) weights in [0, 1], ARKit's order."""
    gaze_deg: tuple[float, float]
    """Turn of the eyes to the subject's left and down, against the head."""
    body_turn_deg: float
    """How far the chest turns to the subject's left against the head."""
    body_tilt_deg: float
    """How far the head nods against the chest; positive looks down."""


@dataclass(frozen=True)
class HeadShape:
    """Heads of B people in the head frame."""

    vertices: Tensor
    """(B,6626,3) mm, the morphable head; its neck follows the body."""
    normals: Tensor
    """(B,6626,3) unit, outward."""
    collision: Collision
    assets: SynthAssets

    def push_out(self, points: Tensor, margin_mm: float = 0.0) -> Tensor:
        """Points (B,...,3) moved to at least ``margin_mm`` outside skin and clothes."""
        return self.collision.push_out(points, margin_mm)

    def scalp_samples(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Roots for hair, spread evenly over the skin above hairline and nape.

        Returns roots (B,count,3), unit normals (B,count,3), vertices (count,3) int64 of the triangles that
        carry them and barycentric weights (count,3). The last two are shared by all B people.
        """
        triangles = self.assets.scalp_triangles
        corners = self.assets.mean[triangles]
        area = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]).norm(dim=1)
        picked = torch.multinomial(area.cpu(), count, replacement=True, generator=generator)
        u, v = torch.rand(2, count, generator=generator).sort(dim=0).values
        weights = torch.stack([u, v - u, 1 - v], dim=1).to(self.vertices.device)
        chosen = triangles[picked.to(triangles.device)]
        roots = torch.einsum("nk,bnkd->bnd", weights, self.vertices[:, chosen])
        normals = torch.einsum("nk,bnkd->bnd", weights, self.normals[:, chosen])
        return roots, torch.nn.functional.normalize(normals, dim=-1), chosen, weights


def sample_head(rng: np.random.Generator, who: Who) -> HeadParams:
    """A random head of somebody."""
    identity = IDENTITY_SCALE * rng.standard_normal(80)
    expression = np.zeros(52)
    return HeadParams(tuple(identity.tolist()), tuple(expression.tolist()), (0.0, 0.0), 0.0, 0.0)


def build_head(params: list[HeadParams], assets: SynthAssets) -> HeadShape:
    """Shapes of B people, on the device of the assets."""
    identity = stack([p.identity for p in params], assets.device)
    expression = stack([p.expression for p in params], assets.device)
    moved = identity @ assets.identity + expression @ assets.expression
    vertices = assets.mean + moved.reshape(len(params), -1, 3)
    normals = vertex_normals(vertices, assets.skin_triangles)
    return HeadShape(vertices, normals, build_collision(vertices, assets), assets)


def vertex_normals(vertices: Tensor, triangles: Tensor) -> Tensor:
    """Unit normals (B,N,3) of meshes (B,N,3), averaged over triangles (T,3) by area; 0 off the mesh."""
    a, b, c = (vertices[:, triangles[:, k]] for k in range(3))
    faces = torch.linalg.cross(b - a, c - a, dim=-1)
    normals = torch.zeros_like(vertices)
    for k in range(3):
        normals.index_add_(1, triangles[:, k], faces)
    return torch.nn.functional.normalize(normals, dim=-1)
