"""Caps, beanies, hats, hoods and headscarves: a sheet around the skull with a rim, and hair pressed in."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from backend.head_parse import HEADWEAR

from .cloth import Cloth, paint, sample_casual, sample_suiting
from .collision import SKULL_MM, sample_sphere
from .hair.chance import normal
from .head import HeadShape
from .person import Strands, Surface, Who, stack

SHELL_ROWS, RIM_ROWS, COLUMNS = 18, 7, 65
"""Rows from the pole to the rim and from there on (brim, cuff, visor); the last column repeats the first."""
TEXELS = (96, 192)
KINDS = {"none": 0.925, "cap": 0.022, "beanie": 0.016, "hat": 0.012, "hood": 0.01, "scarf": 0.015}
"""How often each is worn; occluders are worth more than their share of official portraits."""
COVERING = ("hood", "scarf")
"""They go around the face rather than around the head."""
CLOTH_MM, PRESSED_MM = 3.0, 2.0
"""Cloth lies this far above pressed hair, and pressed hair above the skin."""
BODY_MM = 6.0
EAR_MM = 7.0
"""More room for ears, whose folds the skull's table does not know."""
NECK_MM, DRAPE_MM = 98.0, 60.0
"""Least distance of the cloth of hoods and scarves from the skull's middle, and how much farther below."""
BLEND = 0.22
"""Share of the way from the pole to the rim within which hair below the rim regains its volume."""


@dataclass(frozen=True)
class HeadwearParams:
    """One piece of headwear in numbers; lengths in mm."""

    kind: str
    """A key of :data:`KINDS`."""
    cloth: Cloth
    front_mm: float
    """Height of the rim at the forehead, of a hood or scarf above the eyes' line."""
    back_mm: float
    """Height of the rim at the nape."""
    thickness_mm: float
    """How far it lies off the skull at the rim."""
    tall_mm: float
    """How much farther at the top."""
    brim_mm: float
    """Width of brim or visor, or height of a cuff."""
    droop: float
    """Slope of the brim, down positive."""
    curl: float
    """How much its sides turn up, or down along a visor."""
    open_mm: tuple[float, float]
    """Half width and half height of the face's opening of a hood or scarf."""
    drape_mm: float
    """How far a hood or scarf stands off below the chin."""
    folds_mm: float
    seed: int


def sample_headwear(rng: np.random.Generator, who: Who) -> HeadwearParams:
    """Random headwear; most wear none, and few men wear scarves."""
    kind = str(rng.choice(list(KINDS), p=np.array(list(KINDS.values()))))
    if kind == "scarf" and rng.random() < who.masculinity:
        kind = "none"
    return make_headwear(rng, kind)


def make_headwear(rng: np.random.Generator, kind: str) -> HeadwearParams:
    """Random headwear of one kind."""
    between = {
        # front, back, thickness, tall, brim, droop, curl, folds
        "none": ((60, 60), (0, 0), (5, 5), (0, 0), (0, 0), (0, 0), (0, 0), (0, 0)),
        "cap": ((66, 86), (5, 25), (5, 8), (6, 16), (62, 80), (0.15, 0.55), (0.2, 0.8), (0.3, 1.0)),
        "beanie": ((58, 88), (-25, 10), (5, 9), (2, 28), (0, 60), (0, 0), (0, 0), (0.5, 2.5)),
        "hat": ((68, 86), (15, 35), (6, 9), (28, 60), (45, 95), (-0.1, 0.3), (-0.1, 0.6), (0.2, 0.8)),
        "hood": ((64, 100), (0, 0), (12, 24), (2, 14), (8, 18), (0, 0), (0, 0), (1.5, 4.0)),
        "scarf": ((58, 88), (0, 0), (5, 9), (0, 10), (4, 9), (0, 0), (0, 0), (0.8, 2.5)),
    }[kind]  # fmt: skip
    front, back, thickness, tall, brim, droop, curl, folds = (float(rng.uniform(*span)) for span in between)
    hood = kind == "hood"
    cloth = sample_suiting(rng) if kind == "hat" and rng.random() < 0.6 else sample_casual(rng)
    return HeadwearParams(
        kind=kind,
        cloth=replace(cloth, folds=min(cloth.folds, 0.4)),
        front_mm=front,
        back_mm=back,
        thickness_mm=thickness,
        tall_mm=tall,
        brim_mm=0.0 if kind == "beanie" and rng.random() < 0.4 else brim,
        droop=droop,
        curl=curl,
        open_mm=(
            float(rng.uniform(70, 84) if hood else rng.uniform(56, 68)),
            float(rng.uniform(100, 125) if hood else rng.uniform(84, 96)),
        ),
        drape_mm=float(rng.uniform(40, 75) if hood else rng.uniform(25, 60)),
        folds_mm=folds,
        seed=int(rng.integers(1 << 40)),
    )


@dataclass(frozen=True)
class _Layout:
    """How sheets lie around B skulls: polar about a pole, up to an angle that depends on the direction."""

    frame: Tensor
    """(B,3,3) rows: two axes across the pole, and the pole."""
    reach: Tensor
    """(B,C) angle from the pole to the rim."""
    covering: Tensor
    """(B,1) bool."""

    def directions(self, share: Tensor) -> Tensor:
        """(B,R,C,3) unit, at shares (R,) of the way from the pole to the rim."""
        around = torch.linspace(-math.pi, math.pi, COLUMNS, device=share.device)
        angle = share[:, None] * self.reach[:, None]
        flat = [angle.sin() * around.cos(), angle.sin() * around.sin(), angle.cos()]
        return torch.stack(flat, dim=-1).flatten(1, 2).matmul(self.frame).unflatten(1, angle.shape[1:])

    def share(self, directions: Tensor) -> Tensor:
        """(B,M) share of the way from the pole to the rim of directions (B,M,3): above 1 beyond it."""
        across, along, up = (directions @ self.frame.mT).unbind(-1)
        column = (torch.atan2(along, across) / (2 * math.pi) + 0.5) * (COLUMNS - 1)
        left = column.floor().clamp(0, COLUMNS - 2)
        near, far = self.reach.gather(1, left.long()), self.reach.gather(1, left.long() + 1)
        return up.clamp(-1, 1).acos() / torch.lerp(near, far, column - left)


def _column(params: list[HeadwearParams], name: str, device: torch.device) -> Tensor:
    return stack([float(getattr(p, name)) for p in params], device)[:, None]


def _layout(params: list[HeadwearParams], device: torch.device) -> _Layout:
    covering = torch.tensor([p.kind in COVERING for p in params], device=device)[:, None]
    # Azimuth 0 of a hat lies straight ahead; of a hood, which opens ahead, at the top.
    hat = torch.tensor([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], device=device)
    back = torch.tensor([0.0, math.sin(0.25), -math.cos(0.25)], device=device)
    up = torch.tensor([0.0, math.cos(0.25), math.sin(0.25)], device=device)
    hood = torch.stack([up, torch.linalg.cross(back, up), back])
    frame = torch.where(covering[..., None], hood, hat)
    around = torch.linspace(-math.pi, math.pi, COLUMNS, device=device)
    rim = torch.where(covering[..., None], _face_rim(params, around), _hat_rim(params, around))
    direction = normalize(rim - rim.new_tensor(SKULL_MM), dim=-1)
    reach = (direction * frame[:, None, 2]).sum(-1).clamp(-0.999, 0.999).acos()
    return _Layout(frame, reach, covering)


def _hat_rim(params: list[HeadwearParams], around: Tensor) -> Tensor:
    """(B,C,3) where a tilted plane cuts an ellipsoid like a skull."""
    front, back = (_column(params, name, around.device) for name in ("front_mm", "back_mm"))
    height = (front + back) / 2 + (front - back) / 2 * around.cos()
    wide = (1 - ((height - 25) / 115) ** 2).clamp(min=0.05).sqrt()
    return torch.stack([78 * wide * around.sin(), height, 5 + 100 * wide * around.cos()], dim=-1)


def _face_rim(params: list[HeadwearParams], around: Tensor) -> Tensor:
    """(B,C,3) around the face: from the forehead past the cheeks to below the chin."""
    top = _column(params, "front_mm", around.device)
    wide, high = stack([p.open_mm for p in params], around.device).T[..., None]
    y = top - high + high * around.cos()
    x = -wide * around.sin()
    z = 52 + 28 * around.cos().clamp(min=0) - 6 * around.sin() ** 2
    return torch.stack([x, y, z.expand_as(x)], dim=-1)


def _radius(params: list[HeadwearParams], layout: _Layout, head: HeadShape, directions: Tensor) -> Tensor:
    """(B,M) how far the cloth reaches from the skull's middle, without folds."""
    device = directions.device
    skull = sample_sphere(head.collision.skull, directions)[..., 0]
    share = layout.share(directions).clamp(0, 1)
    thickness, tall, drape = (_column(params, n, device) for n in ("thickness_mm", "tall_mm", "drape_mm"))
    # A crown that is tall keeps its height nearly to its edge.
    rise = tall * (1 - share**3)
    below = ((0.05 - directions[..., 1]) / 0.75).clamp(0, 1)
    cloth = skull + thickness + rise
    # The rim hugs the face; behind it the cloth falls over neck and shoulders.
    hood = torch.tensor([p.kind == "hood" for p in params], device=device)[:, None]
    loose = 1 - share**4 + torch.where(hood, 0.25, 0.2)
    cloth = cloth + EAR_MM * ((directions[..., 0].abs() - 0.8) / 0.15).clamp(0, 1) * layout.covering
    around_neck = torch.maximum(cloth, (NECK_MM + (DRAPE_MM + drape) * below) * loose)
    return torch.where(layout.covering, around_neck, cloth)


def build_headwear(params: list[HeadwearParams], head: HeadShape) -> tuple[Surface, ...]:
    """The headwear of B people as one grid, not shown on those who wear none; nothing where nobody does."""
    if all(p.kind == "none" for p in params):
        return ()
    device = head.device
    layout = _layout(params, device)
    share = torch.linspace(0, 1, SHELL_ROWS, device=device)
    directions = layout.directions(share)
    radius = _radius(params, layout, head, directions.flatten(1, 2)).unflatten(1, directions.shape[1:3])
    radius = radius + _folds(params, directions)
    shell = directions.new_tensor(SKULL_MM) + directions * radius[..., None]
    points = torch.cat([shell, _rim(params, shell)], dim=1)
    hood = layout.covering[..., None, None]
    points = torch.where(hood, head.push_out(points, BODY_MM), points)
    triangles, uvs = _grid(device)
    surface = Surface(
        vertices=points.flatten(1, 2),
        triangles=triangles,
        uvs=uvs,
        texture=torch.stack([_texture(p, device) for p in params]),
        region=torch.full((len(triangles),), HEADWEAR, dtype=torch.uint8, device=device),
        shown=torch.tensor([p.kind != "none" for p in params], device=device),
        specular=torch.full((len(params),), 0.05, device=device),
        roughness=torch.full((len(params),), 0.9, device=device),
    )
    return (surface,)


def _folds(params: list[HeadwearParams], directions: Tensor) -> Tensor:
    """(B,R,C) mm of soft random waves over the sphere."""
    seeds = torch.tensor([p.seed for p in params], device=directions.device)
    size = _column(params, "folds_mm", directions.device)[..., None]
    total = torch.zeros_like(directions[..., 0])
    for wave in range(5):
        name = torch.arange(4, device=directions.device)
        k = normal(seeds, name, wave)
        phase = (directions * (k[:, None, None, :3] * (3 + wave))).sum(-1) + 3 * k[:, 3, None, None]
        total = total + phase.sin() / (1 + 0.4 * wave)
    return size * 0.7 * total


def _rim(params: list[HeadwearParams], shell: Tensor) -> Tensor:
    """(B,RIM_ROWS,C,3) beyond the last row of the shell: visor, brim, cuff or hem."""
    device, kinds = shell.device, [p.kind for p in params]
    edge = shell[:, -1]
    around = torch.linspace(-math.pi, math.pi, COLUMNS, device=device)
    brim, droop, bend = (_column(params, name, device) for name in ("brim_mm", "droop", "curl"))
    outward = torch.stack([around.sin(), torch.zeros_like(around), around.cos()], dim=-1)
    up = edge.new_tensor([0.0, 1.0, 0.0])
    t = torch.linspace(0, 1, RIM_ROWS + 1, device=device)[1:, None]
    ahead = (1 - (around / math.radians(66)) ** 2).clamp(min=0).sqrt()
    visor = (brim * ahead)[:, None, :, None] * t[..., None] * edge.new_tensor([0.0, 0.0, 1.0])
    sunk = (-droop * brim * ahead)[:, None] * t - bend[..., None] * 0.35 * edge[
        :, None, :, 0
    ].abs() * t * ahead
    cap = visor + sunk[..., None] * up
    hat = (brim[..., None] * t)[..., None] * outward
    lifted = brim[..., None] * (-droop[..., None] * t + bend[..., None] * t**2 * around.sin() ** 2)
    hat = hat + lifted[..., None] * up
    # A cuff folds outwards and up again over the shell.
    level = (t * RIM_ROWS).round().long().flatten() * SHELL_ROWS // (3 * RIM_ROWS)
    fold = shell[:, SHELL_ROWS - 1 - level.clamp(max=SHELL_ROWS - 2)]
    skull = fold - fold.new_tensor(SKULL_MM)
    cuff = fold + normalize(skull, dim=-1) * 5.0 - edge[:, None]
    cuff = cuff * (brim > 0)[..., None, None]
    hem = edge[:, None] - shell[:, -2:-1]
    inner = normalize(hem, dim=-1) * (brim[..., None] * t.sin() * 0.6)[..., None]
    inner = (
        inner
        - normalize(edge - edge.new_tensor(SKULL_MM), dim=-1)[:, None]
        * (brim[..., None] * 0.5 * t**2)[..., None]
    )
    choice = {"cap": cap, "hat": hat, "beanie": cuff, "hood": inner, "scarf": inner, "none": cap}
    beyond = torch.stack([choice[kind][b] for b, kind in enumerate(kinds)])
    return edge[:, None] + beyond


def _grid(device: torch.device) -> tuple[Tensor, Tensor]:
    """Triangles (T,3) and UVs (T,3,2) of the sheet, facing outwards."""
    rows = SHELL_ROWS + RIM_ROWS
    row, column = torch.meshgrid(
        torch.arange(rows - 1, device=device), torch.arange(COLUMNS - 1, device=device), indexing="ij"
    )
    a = (row * COLUMNS + column).flatten()
    b, c, d = a + COLUMNS, a + COLUMNS + 1, a + 1
    triangles = torch.cat([torch.stack([a, b, c], dim=1), torch.stack([a, c, d], dim=1)])
    u = (triangles % COLUMNS).float() / (COLUMNS - 1)
    v = 1 - (triangles // COLUMNS).float() / (rows - 1)
    return triangles, torch.stack([u, v], dim=-1)


def _texture(params: HeadwearParams, device: torch.device) -> Tensor:
    """(96,192,3) linear albedo."""
    height, width = TEXELS
    y, x = torch.meshgrid(
        torch.linspace(0, 190, height, device=device),
        torch.linspace(0, 560, width, device=device),
        indexing="ij",
    )
    cloth = paint(params.cloth, x, y, (params.seed % 97 / 97, params.seed % 89 / 89))
    if params.kind == "beanie":
        return cloth * (1 + 0.28 * (x * (2 * math.pi / 11)).sin())[..., None]
    if params.kind == "cap":
        return cloth * (1 - 0.3 * ((x % 93.3) < 3.5).float() * (y < 130))[..., None]
    if params.kind == "hat":
        band = ((y > 103) & (y < 128)).float()[..., None]
        return cloth * (1 - band) + band * y.new_tensor(params.cloth.second) * 0.5
    return cloth


def tuck_in(hair: Strands, params: list[HeadwearParams], head: HeadShape) -> Strands:
    """Hair below headwear pressed onto the skull; in a hood or scarf only what frames the face is left."""
    worn = torch.tensor([p.kind != "none" for p in params], device=head.device)
    if not bool(worn.any()):
        return hair
    who = torch.nonzero(worn).squeeze(1).tolist()
    points, width = hair.points.clone(), hair.width_mm.clone()
    for person in who:
        one = [params[person]]
        layout = _layout(one, head.device)
        line = hair.points[person : person + 1].flatten(1, 2)
        centre = line.new_tensor(SKULL_MM)
        arm = line - centre
        length = arm.norm(dim=-1).clamp(min=1.0)
        direction = arm / length[..., None]
        share = layout.share(direction)
        skull = sample_sphere(head.collision.skull[person : person + 1], direction)[..., 0]
        free = ((share - 1) / BLEND).clamp(0, 1)
        limit = skull + PRESSED_MM + free**2 * 150 + (free >= 1) * 1e4
        line = centre + direction * torch.minimum(length, limit)[..., None]
        points[person] = line.reshape(points.shape[1:])
        if one[0].kind in COVERING:
            root = share.reshape(points.shape[1:3])[:, 0]
            width[person] = width[person] * (root > 1.02) * (one[0].kind == "hood")
    return replace(hair, points=points, width_mm=width)
