"""A head: who it is, what it does with its face, and how it sits on its body."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from backend.morphable import load_head_model

from .assets import SynthAssets, identity_directions
from .bust import BustParams, build_bust, pose_body, sample_bust
from .collision import Collision, build_collision
from .expression import sample_expression
from .normals import face_normals, smooth_normals
from .person import Who, stack

IDENTITY_SCALE, WIDE_SCALE, WIDE_SHARE = 0.62, 0.85, 0.12
"""Spread of the coefficients in most people and in a few, and their share. The components come from random
MakeHuman sliders and reach beyond people: at 1 every other head looks odd."""

LED_BY_WHO = ("age", "masculinity", "weight", "african", "asian", "european")
AVERAGE_AGE, AGE_SPAN = 45.0, 60.0
"""Years of the mean head, and between the ends of the direction of age."""

GAZE_SPREAD_DEG, STRAY_SHARE = 2.5, 0.2
"""Most people look into the lens; the others anywhere near it."""

LID_FOLLOWS_DEG = 30.0
"""Gaze at which the lids have followed all the way."""


@dataclass(frozen=True)
class HeadParams:
    """Shape of one head in numbers."""

    identity: tuple[float, ...]
    """(80,) standard deviations."""
    expression: tuple[float, ...]
    """(52,) weights in [0, 1], in ARKit's order; the lids already follow the gaze."""
    gaze_deg: tuple[float, float]
    """Turn of the eyes to the subject's left and down, against the head."""
    bust: BustParams


@dataclass(frozen=True)
class HeadShape:
    """Heads of B people on their busts, in the head frame."""

    vertices: Tensor
    """(B,N,3) mm, the morphable head; its neck follows the body, its eyes the gaze."""
    normals: Tensor
    """(B,N,3) unit, outward; 0 for what is not skin."""
    bust: Tensor
    """(B,M,3) mm."""
    params: tuple[HeadParams, ...]
    collision: Collision
    assets: SynthAssets

    @property
    def device(self) -> torch.device:
        """Where all its tensors lie."""
        return self.vertices.device

    @property
    def moved(self) -> Tensor:
        """(B,N,3) displacement from the mean head, to carry along what is tied to it."""
        return self.vertices - self.assets.mean

    def push_out(self, points: Tensor, margin_mm: float = 0.0) -> Tensor:
        """Points (B,...,3) moved to at least ``margin_mm`` outside head, neck and chest."""
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
        weights = torch.stack([u, v - u, 1 - v], dim=1).to(self.device)
        chosen = triangles[picked.to(self.device)]
        roots = torch.einsum("nk,bnkd->bnd", weights, self.vertices[:, chosen])
        normals = torch.einsum("nk,bnkd->bnd", weights, self.normals[:, chosen])
        return roots, normalize(normals, dim=-1), chosen, weights


def sample_head(rng: np.random.Generator, who: Who) -> HeadParams:
    """A random head of somebody, with an expression and a bearing."""
    names = load_head_model().expression_names
    bust = sample_bust(rng, who)
    gaze = _sample_gaze(rng)
    expression = sample_expression(rng, names)
    for name, weight in _lids(gaze).items():
        slot = names.index(name)
        expression[slot] = min(1.0, expression[slot] + weight)
    identity = _sample_identity(rng, who, bust.weight)
    return HeadParams(tuple(identity.tolist()), tuple(expression.tolist()), gaze, bust)


def _sample_identity(rng: np.random.Generator, who: Who, weight: float) -> np.ndarray:
    """(80,) random, but for what is known: age, sex, weight, and ancestry as far as the skin tells it."""
    spread = WIDE_SCALE if rng.random() < WIDE_SHARE else IDENTITY_SCALE
    led = identity_directions()
    directions = np.stack([led[name] for name in LED_BY_WHO]).astype(np.float64)
    identity = spread * rng.standard_normal(directions.shape[1])
    known = np.linalg.qr(directions.T)[0]
    identity -= known @ (known.T @ identity)
    ancestry = rng.dirichlet(0.25 + 3.0 * _ancestry_of(who.melanin))
    amounts = [
        (who.age - AVERAGE_AGE) / AGE_SPAN + 0.1 * rng.standard_normal(),
        who.masculinity - 0.5 + 0.1 * rng.standard_normal(),
        weight,
        *ancestry,
    ]
    return identity + np.array(amounts) @ directions


def _ancestry_of(melanin: float) -> np.ndarray:
    """Expected shares of african, asian and european forebears for a skin."""
    african = np.clip(2.2 * melanin - 0.75, 0.02, 1.0)
    asian = np.clip(0.55 - 1.6 * abs(melanin - 0.35), 0.05, 1.0)
    shares = np.array([african, asian, max(1.0 - african - asian, 0.02)])
    return shares / shares.sum()


def _sample_gaze(rng: np.random.Generator) -> tuple[float, float]:
    stray = 4.0 if rng.random() < STRAY_SHARE else 1.0
    across, down = stray * GAZE_SPREAD_DEG * rng.standard_normal(2) * [1.0, 0.6]
    return float(np.clip(across, -25, 25)), float(np.clip(down, -12, 15))


def _lids(gaze: tuple[float, float]) -> dict[str, float]:
    """Weights of ARKit's eyeLook shapes, which move the lids, for a gaze."""
    across, down = gaze[0] / LID_FOLLOWS_DEG, gaze[1] / LID_FOLLOWS_DEG
    sides = {"Left": across, "Right": -across}
    weights = {}
    for side, outward in sides.items():
        weights[f"eyeLookOut{side}"], weights[f"eyeLookIn{side}"] = max(outward, 0.0), max(-outward, 0.0)
        weights[f"eyeLookDown{side}"], weights[f"eyeLookUp{side}"] = max(down, 0.0), max(-down, 0.0)
    return weights


def build_head(params: list[HeadParams], assets: SynthAssets) -> HeadShape:
    """Shapes of B people, on the device of the assets."""
    identity = stack([p.identity for p in params], assets.device)
    expression = stack([p.expression for p in params], assets.device)
    moved = identity @ assets.identity + expression @ assets.expression
    head = assets.mean + moved.reshape(len(params), -1, 3)
    head = _with_gaze(head, stack([p.gaze_deg for p in params], assets.device), assets)
    bust = build_bust([p.bust for p in params], head, assets)
    posed_head, posed_bust, pose = pose_body([p.bust for p in params], head, bust, assets)
    rest, posed = torch.cat([head, bust], dim=1), torch.cat([posed_head, posed_bust], dim=1)
    return HeadShape(
        vertices=posed_head,
        normals=vertex_normals(posed_head, assets.head_triangles),
        bust=posed_bust,
        params=tuple(params),
        collision=build_collision(posed, rest, pose, assets),
        assets=assets,
    )


def _with_gaze(head: Tensor, gaze_deg: Tensor, assets: SynthAssets) -> Tensor:
    """Heads (B,N,3) with both eyeballs turned about their centres."""
    head = head.clone()
    across, down = torch.deg2rad(gaze_deg).unbind(dim=1)
    zero, one = torch.zeros_like(across), torch.ones_like(across)
    sine, cosine = across.sin(), across.cos()
    level = torch.stack([cosine, zero, sine, zero, one, zero, -sine, zero, cosine], dim=1).reshape(-1, 3, 3)
    sine, cosine = down.sin(), down.cos()
    nod = torch.stack([one, zero, zero, zero, cosine, -sine, zero, sine, cosine], dim=1).reshape(-1, 3, 3)
    turn = level @ nod
    for side in ("left", "right"):
        eye = torch.nonzero(assets.mask(f"eye_{side}")).squeeze(1)
        ball = head[:, eye]
        centre = sphere_centre(ball)[:, None]
        head[:, eye] = centre + (ball - centre) @ turn.transpose(1, 2)
    return head


def sphere_centre(points: Tensor) -> Tensor:
    """(B,3) centres of the spheres that fit points (B,n,3) best (Coope 1993)."""
    middle = points.mean(dim=1, keepdim=True)
    offset = points - middle
    system = torch.cat([2 * offset, torch.ones_like(offset[..., :1])], dim=2)
    squares = (offset**2).sum(dim=2, keepdim=True)
    normal = system.transpose(1, 2) @ system
    return middle[:, 0] + torch.linalg.solve(normal, system.transpose(1, 2) @ squares)[:, :3, 0]


def vertex_normals(vertices: Tensor, triangles: Tensor) -> Tensor:
    """Unit normals (B,N,3) of meshes (B,N,3), averaged over triangles (T,3) by area; 0 off the mesh."""
    return smooth_normals(face_normals(vertices, triangles), triangles, vertices.shape[1])
