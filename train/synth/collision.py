"""Keeps hair out of the body: tables of how far skull, neck and chest reach, looked up bilinearly."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import grid_sample, normalize

from .assets import SynthAssets
from .blend import blend_all

ROWS, COLUMNS = 49, 97
"""Lat-long grid of the skull: 3.75 degrees, about 7 mm on the skin. The last column repeats the first."""

SKULL_MM = (0.0, 25.0, 5.0)
"""Middle of the skull: the whole head is seen from here but for folds of the ears."""

NECK_Y_MM, AZIMUTHS, NECK_AXIS_Z_MM = (-190.0, -60.0, 14), 33, -22.0
"""Heights (from, to, rows), directions and axis of the neck's table."""

CHEST_X_MM, CHEST_Y_MM, CHEST_Z_MM = (-280.0, 280.0, 41), (-520.0, -120.0, 31), (-140.0, 140.0, 21)
"""Grids (from, to, count) of the chest's tables."""

NOWHERE_MM = -1e4
"""A chest that reaches this far has no place for a point inside it."""

SLIDE_ROUNDS = 2
"""Corrections for rays whose surface points moved sideways with the identity."""


@dataclass(frozen=True)
class BodyPose:
    """How B bodies are turned against their heads, about the root of the neck."""

    pivot: Tensor
    """(3,) mm."""
    rotation: Tensor
    """(B,3,3) from the rest to the head frame."""

    def to_rest(self, points: Tensor) -> Tensor:
        """Points (B,M,3) of the head frame as if the body faced as the head does."""
        return (points - self.pivot) @ self.rotation + self.pivot

    def from_rest(self, points: Tensor) -> Tensor:
        """Inverse of :meth:`to_rest`."""
        return (points - self.pivot) @ self.rotation.transpose(1, 2) + self.pivot


@dataclass(frozen=True)
class Collision:
    """The solids of B people."""

    skull: Tensor
    """(B,1,49,97) mm from :data:`SKULL_MM`, rows from south to north, columns from -180 to 180 degrees."""
    neck: Tensor
    """(B,1,14,33) mm from the neck's axis, rows upwards; 0 where it is the chest's affair."""
    chest: Tensor
    """(B,2,31,41) mm how far the chest reaches forwards and backwards, over x and y, body at rest."""
    top: Tensor
    """(B,1,21,41) mm height of the shoulders over x and z, body at rest."""
    pose: BodyPose

    def of(self, people: list[int]) -> Collision:
        """The solids of some of the people."""
        pose = BodyPose(self.pose.pivot, self.pose.rotation[people])
        return Collision(self.skull[people], self.neck[people], self.chest[people], self.top[people], pose)

    def push_out(self, points: Tensor, margin_mm: float = 0.0) -> Tensor:
        """Points (B,...,3) moved to at least ``margin_mm`` outside skull, neck and chest."""
        flat = points.reshape(len(points), -1, 3)
        rest = self.pose.to_rest(self._out_of_neck(flat, margin_mm))
        flat = self.pose.from_rest(self._out_of_chest(rest, margin_mm))
        return self._out_of_skull(flat, margin_mm).reshape(points.shape)

    def _out_of_skull(self, points: Tensor, margin_mm: float) -> Tensor:
        centre = points.new_tensor(SKULL_MM)
        arm = points - centre
        length = arm.norm(dim=-1, keepdim=True).clamp(min=1e-3)
        radius = sample_sphere(self.skull, arm / length) + margin_mm
        return centre + arm * (radius / length).clamp(min=1.0)

    def _out_of_neck(self, points: Tensor, margin_mm: float) -> Tensor:
        axis = points.new_tensor([0.0, 0.0, NECK_AXIS_Z_MM])
        arm = (points - axis) * points.new_tensor([1.0, 0.0, 1.0])
        azimuth = torch.atan2(arm[..., 0], arm[..., 2]) / math.pi
        radius = _look_up(self.neck, azimuth, _share(points[..., 1], NECK_Y_MM), "zeros") + margin_mm
        length = arm.norm(dim=-1, keepdim=True).clamp(min=1e-3)
        within = (points[..., 1:2] > NECK_Y_MM[0]) & (points[..., 1:2] < NECK_Y_MM[1])
        missing = (radius - length).clamp(min=0.0) * (within & (radius > 2 * margin_mm))
        return points + arm / length * missing

    def _out_of_chest(self, points: Tensor, margin_mm: float) -> Tensor:
        """The shortest of three ways out: up, forwards, backwards."""
        x, y, z = points.unbind(-1)
        across = _share(x, CHEST_X_MM)
        reach = _look_up(self.chest, across, _share(y, CHEST_Y_MM), "border") + margin_mm
        height = _look_up(self.top, across, _share(z, CHEST_Z_MM), "border")[..., 0] + margin_mm
        ways = torch.stack([height - y, reach[..., 0] - z, reach[..., 1] + z], dim=-1)
        shortest, way = ways.min(dim=-1)
        step = shortest.clamp(min=0.0)
        zero = torch.zeros_like(step)
        up, forwards = way == 0, way == 1
        move = torch.where(forwards, step, -step)
        return points + torch.stack([zero, step.where(up, zero), move.where(~up, zero)], dim=-1)


def sphere_directions() -> Tensor:
    """(49,97,3) unit vectors of the skull's table: south to north, azimuth -180 to 180 degrees."""
    latitude = torch.linspace(-math.pi / 2, math.pi / 2, ROWS)[:, None].expand(-1, COLUMNS)
    azimuth = torch.linspace(-math.pi, math.pi, COLUMNS)[None]
    around = latitude.cos()
    return torch.stack([around * azimuth.sin(), latitude.sin(), around * azimuth.cos()], dim=-1)


def sample_sphere(table: Tensor, directions: Tensor) -> Tensor:
    """Values (B,M,C) of a lat-long table (B,C,49,97) in unit directions (B,M,3), bilinear."""
    azimuth = torch.atan2(directions[..., 0], directions[..., 2]) / math.pi
    height = torch.asin(directions[..., 1].clamp(-1, 1)) * (2 / math.pi)
    return _look_up(table, azimuth, height, "border")


def _look_up(table: Tensor, u: Tensor, v: Tensor, beyond: str) -> Tensor:
    """Values (B,M,C) of a table (B,C,R,K) at columns ``u`` and rows ``v`` (B,M) in [-1, 1]."""
    grid = torch.stack([u, v], dim=-1)[:, None]
    return grid_sample(table, grid, align_corners=True, padding_mode=beyond)[:, :, 0].transpose(1, 2)


def _share(values: Tensor, span: tuple[float, float, int]) -> Tensor:
    return (values - span[0]) * (2 / (span[1] - span[0])) - 1


def build_collision(posed: Tensor, rest: Tensor, pose: BodyPose, assets: SynthAssets) -> Collision:
    """Tables of B people from their head and bust (B,N+M,3), in the head frame and with the body at rest."""

    def hits(name: str, vertices: Tensor) -> tuple[Tensor, Tensor]:
        rays = assets.rays[name]
        return blend_all(vertices, rays.corners, rays.weights), rays.weights.sum(-1)

    axis = posed.new_tensor([1.0, 0.0, 1.0])
    neck, _ = hits("neck", posed)
    neck = (neck - posed.new_tensor([0.0, 0.0, NECK_AXIS_Z_MM])) * axis
    (front, there), (back, _), (top, above) = (hits(name, rest) for name in ("front", "back", "top"))
    nowhere = posed.new_tensor(NOWHERE_MM)
    return Collision(
        skull=_skull(hits("skull", posed)[0]),
        neck=(neck.norm(dim=-1) * (assets.rays["neck"].weights.sum(-1) > 0))[:, None],
        chest=torch.stack([front[..., 2], -back[..., 2]], dim=1).where(there > 0, nowhere),
        top=top[..., 1].where(above > 0, nowhere)[:, None],
        pose=pose,
    )


def _skull(hits: Tensor) -> Tensor:
    """(B,1,49,97) radius along the grid's own directions from where the mean's rays ended up (B,49,97,3)."""
    arm = hits - hits.new_tensor(SKULL_MM)
    radius = arm.norm(dim=-1, keepdim=True)
    directions = sphere_directions().to(hits.device)
    slid = arm / radius - directions
    table = torch.cat([slid, radius], dim=-1).permute(0, 3, 1, 2)
    wanted = directions.flatten(0, 1).expand(len(hits), -1, 3)
    at = wanted
    for _ in range(SLIDE_ROUNDS):
        at = normalize(wanted - sample_sphere(table[:, :3], at), dim=-1)
    return sample_sphere(table[:, 3:], at).reshape(len(hits), 1, ROWS, COLUMNS)
