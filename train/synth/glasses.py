"""Glasses: rims, bridge and temples fitted to a face; a clear lens is not drawn, a dark one is solid."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from backend.head_parse import GLASSES

from .head import HeadShape
from .person import Surface, Who, stack

RIM_COLUMNS, BRIDGE_COLUMNS, TEMPLE_COLUMNS = 40, 9, 12
BEFORE_EYE_MM = 27.0
"""From the eyeball's centre to the lens: its radius, and 14 mm that opticians leave before the cornea."""
LENS_DROP_MM = 3.0
"""Lenses are centred this far below the pupils."""
TILT_DEG = 8.0
"""Pantoscopic: a lens leans towards the cheek."""
WRAP_PER_MM = 0.0016
"""Curve of the front across the face."""
TOUCHES_MM, FARTHEST_MM = 1.0, 9.0
"""Least room between frame and skin, and how far the frame is moved ahead for it at most."""
EAR_MM = (2.0, -4.0)
"""Where the temple comes to rest: out from the ear's inner edge, up from its top."""

FRAMES = {"acetate": 0.42, "metal": 0.34, "half rim": 0.10, "rimless": 0.06, "sun": 0.08}
"""How often each is worn by those who wear glasses; guessed from official portraits."""
METALS = ((0.35, 0.34, 0.33), (0.45, 0.33, 0.14), (0.05, 0.05, 0.055), (0.25, 0.16, 0.12))
ACETATES = (
    (0.012, 0.012, 0.013),
    (0.07, 0.03, 0.012),
    (0.16, 0.07, 0.025),
    (0.02, 0.03, 0.07),
    (0.2, 0.02, 0.03),
)


@dataclass(frozen=True)
class GlassesParams:
    """Glasses in numbers. Lengths in mm."""

    frame: str
    """``none`` or a key of :data:`FRAMES`."""
    half_width: float
    half_height: float
    square: float
    """Exponent of the lens's outline: 2 is an ellipse, 5 nearly a box."""
    drop: float
    """How much lower the outline hangs at its outer end: aviators are above 0, cats' eyes below."""
    rim_top: float
    rim_bottom: float
    rim_depth: float
    temple: float
    """Height of the temples."""
    colour: tuple[float, float, float]
    """Linear albedo of the frame."""
    gloss: float
    lens: tuple[float, float, float]
    """Linear albedo of dark lenses."""
    slid_mm: float
    """How far they have slid down the nose."""


def sample_glasses(rng: np.random.Generator, who: Who) -> GlassesParams:
    """Random glasses, or none."""
    worn = rng.random() < 0.14 + 0.2 * np.clip((who.age - 35) / 30, 0, 1)
    frame = str(rng.choice(list(FRAMES), p=list(FRAMES.values())))
    metal = frame in ("metal", "half rim", "rimless") or (frame == "sun" and rng.random() < 0.4)
    width = float(rng.uniform(22, 28) + 2 * (frame == "sun"))
    rim = float(rng.uniform(0.9, 1.6) if metal else rng.uniform(2.0, 5.0))
    palette = METALS if metal else ACETATES
    tone = np.array(palette[int(rng.integers(len(palette)))]) * np.exp(rng.normal(0, 0.25))
    dark = rng.uniform(0.008, 0.05) * np.array([1.0, rng.uniform(0.7, 1.0), rng.uniform(0.5, 1.0)])
    bare = {"rimless": (0.35, 0.35), "half rim": (max(rim, 1.8), 0.3)}
    top, bottom = bare.get(frame, (rim * float(rng.uniform(1.0, 1.4)), rim))
    return GlassesParams(
        frame=frame if worn else "none",
        half_width=width,
        half_height=float(width * rng.uniform(0.62, 0.98 if frame != "half rim" else 0.75)),
        square=float(rng.choice([2.0, rng.uniform(2.3, 3.2), rng.uniform(3.0, 5.0)])),
        drop=float(rng.normal(0.02, 0.1)),
        rim_top=float(top),
        rim_bottom=float(bottom),
        rim_depth=1.4 if metal else float(rng.uniform(2.5, 4.0)),
        temple=1.8 if metal else float(rng.uniform(3.0, 8.0)),
        colour=tuple(tone.clip(0.006, 0.6).tolist()),
        gloss=0.9 if metal else float(rng.uniform(0.4, 0.9)),
        lens=tuple(dark.tolist()),
        slid_mm=float(abs(rng.normal(0, 2.0)) + 6 * (rng.random() < 0.06)),
    )


def build_glasses(params: list[GlassesParams], shape: HeadShape) -> tuple[Surface, ...]:
    """Frames and dark lenses of B people; nothing where nobody wears any."""
    if all(p.frame == "none" for p in params):
        return ()
    rims = [_rim(params, shape, side) for side in ("left", "right")]
    ahead = _room(rims, shape)
    parts, lenses = [], []
    for side, (path, out, normal) in zip((1.0, -1.0), rims, strict=True):
        path = path + ahead
        half = 0.5 * _rim_width(params, shape.device)[..., None]
        parts.append(_tube(path, half * out, _half(params, "rim_depth", shape) * normal, closed=True))
        parts.append(_temple(params, path, side, shape))
        lenses.append(path)
    parts.append(_bridge(params, *lenses, shape))
    worn = torch.tensor([p.frame != "none" for p in params], device=shape.device)
    dark = torch.tensor([p.frame == "sun" for p in params], device=shape.device)
    gloss = stack([p.gloss for p in params], shape.device)
    colours = stack([p.colour for p in params], shape.device)
    tints = stack([p.lens for p in params], shape.device)
    glass = [_disk(path) for path in lenses]
    return (
        _surface(parts, colours, worn, gloss, 0.35),
        _surface(glass, tints, dark, torch.ones_like(gloss), 0.06),
    )


Part = tuple[Tensor, Tensor]
"""Vertices (B,N,3) and triangles (T,3)."""


def _surface(parts: list[Part], colour: Tensor, shown: Tensor, specular: Tensor, roughness: float) -> Surface:
    starts = np.cumsum([0] + [vertices.shape[1] for vertices, _ in parts[:-1]]).tolist()
    triangles = torch.cat([tri + start for (_, tri), start in zip(parts, starts, strict=True)])
    return Surface(
        vertices=torch.cat([vertices for vertices, _ in parts], dim=1),
        triangles=triangles,
        uvs=torch.full((len(triangles), 3, 2), 0.5, device=colour.device),
        texture=colour[:, None, None],
        region=torch.full((len(triangles),), GLASSES, dtype=torch.uint8, device=colour.device),
        shown=shown,
        specular=specular,
        roughness=torch.full_like(specular, roughness),
    )


def _half(params: list[GlassesParams], name: str, shape: HeadShape) -> Tensor:
    return 0.5 * stack([getattr(p, name) for p in params], shape.device)[:, None, None]


def _angles(device: torch.device) -> Tensor:
    """(40,) counter-clockwise from the outer end on the subject's left."""
    return torch.arange(RIM_COLUMNS, device=device) * (2 * math.pi / RIM_COLUMNS)


def _rim_width(params: list[GlassesParams], device: torch.device) -> Tensor:
    """(B,40) mm, from that of the bottom to that of the top."""
    top, bottom = (stack([getattr(p, n) for p in params], device)[:, None] for n in ("rim_top", "rim_bottom"))
    return torch.lerp(bottom, top, (0.5 + 1.5 * _angles(device).sin()).clamp(0, 1))


def _rim(params: list[GlassesParams], shape: HeadShape, side: str) -> tuple[Tensor, Tensor, Tensor]:
    """Outline of one lens (B,40,3), its outward directions in the lens, and the lens's normals."""
    angle = _angles(shape.device)
    sign = 1.0 if side == "left" else -1.0

    def column(name: str) -> Tensor:
        return stack([getattr(p, name) for p in params], shape.device)[:, None]

    power = 2 / column("square")
    x = angle.cos().sign() * angle.cos().abs() ** power * column("half_width")
    y = angle.sin().sign() * angle.sin().abs() ** power * column("half_height")
    y = y - column("drop") * x * (y < 0) + 0.35 * column("drop") * x * (y > 0)
    eye = shape.vertices[:, shape.assets.mask(f"eye_{side}")].mean(dim=1)
    other = shape.vertices[:, shape.assets.mask("eye_right" if side == "left" else "eye_left")].mean(dim=1)
    middle, level = (eye + other) / 2, (eye[:, 1:2] + other[:, 1:2]) / 2
    # Wide lenses move apart until the nose fits between them.
    off = torch.maximum((eye - middle)[:, :1].abs(), column("half_width") + 8.5 + column("rim_bottom") / 2)
    across = off + x
    height = level - LENS_DROP_MM - column("slid_mm") + y
    z = middle[:, 2:3] + BEFORE_EYE_MM + column("slid_mm") * 0.5
    z = z - WRAP_PER_MM * across**2 + math.tan(math.radians(TILT_DEG)) * y
    path = torch.stack([middle[:, :1] + sign * across, height, z], dim=-1)
    normal = torch.stack(
        [2 * WRAP_PER_MM * sign * across, -0.14 * torch.ones_like(z), torch.ones_like(z)], dim=-1
    )
    normal = normalize(normal, dim=-1)
    tangent = path.roll(-1, dims=1) - path.roll(1, dims=1)
    return path, sign * normalize(torch.linalg.cross(tangent, normal), dim=-1), normal


def _room(rims: list[tuple[Tensor, Tensor, Tensor]], shape: HeadShape) -> Tensor:
    """(B,1,3) how far frames are moved ahead to clear brows and cheeks."""
    points = torch.cat([path for path, _, _ in rims], dim=1)
    missing = (shape.push_out(points, TOUCHES_MM) - points).norm(dim=-1).amax(dim=1).clamp(max=FARTHEST_MM)
    return missing[:, None, None] * points.new_tensor([0.0, 0.0, 1.0])


def _bridge(params: list[GlassesParams], left: Tensor, right: Tensor, shape: HeadShape) -> Part:
    """An arc between the lenses' inner ends."""
    at = RIM_COLUMNS // 2 - 3
    start, end = left[:, at, None], right[:, at, None]
    t = torch.linspace(0, 1, BRIDGE_COLUMNS, device=shape.device)[:, None]
    path = torch.lerp(start, end, t) + 4 * t * (1 - t) * start.new_tensor([0.0, 2.5, 2.0])
    half = _half(params, "rim_top", shape).clamp(min=0.5)
    up, ahead = path.new_tensor([0.0, 1.0, 0.0]), path.new_tensor([0.0, 0.0, 1.0])
    return _tube(path, half * up.expand_as(path), _half(params, "rim_depth", shape) * ahead.expand_as(path))


def _temple(params: list[GlassesParams], rim: Tensor, side: float, shape: HeadShape) -> Part:
    """From the lens's outer end back to the top of the ear."""
    ear = shape.vertices[:, shape.assets.mask("ear_left" if side > 0 else "ear_right")]
    inner = side * (side * ear[..., 0]).amin(dim=1)
    rest = torch.stack(
        [inner + side * EAR_MM[0], ear[..., 1].amax(dim=1) + EAR_MM[1], ear[..., 2].mean(dim=1)], dim=-1
    )
    hinge = rim[:, 3]
    corner = hinge + hinge.new_tensor([3.0 * side, 0.0, -3.0])
    t = torch.linspace(0, 1, TEMPLE_COLUMNS - 1, device=shape.device)[:, None]
    arm = torch.lerp(corner[:, None], rest[:, None], t)
    arm = arm + 4 * t * (1 - t) * arm.new_tensor([2.0 * side, 0.0, 0.0])
    path = torch.cat([hinge[:, None], arm], dim=1)
    path = torch.cat([path[:, :2], shape.push_out(path[:, 2:-2], TOUCHES_MM), path[:, -2:]], dim=1)
    up, out = path.new_tensor([0.0, 1.0, 0.0]), path.new_tensor([1.0, 0.0, 0.2 * side])
    thick = _half(params, "rim_depth", shape).clamp(max=1.4) * 0.7
    return _tube(path, _half(params, "temple", shape) * up.expand_as(path), thick * out.expand_as(path))


def _tube(path: Tensor, first: Tensor, second: Tensor, closed: bool = False) -> Part:
    """A bar of rectangular section along ``path`` (B,P,3), with half axes (B,P,3)."""
    corners = [path + a * first + b * second for a, b in ((1, 1), (-1, 1), (-1, -1), (1, -1))]
    vertices = torch.stack(corners, dim=2).flatten(1, 2)
    count = path.shape[1]
    column = torch.arange(count if closed else count - 1, device=path.device)[:, None]
    corner = torch.arange(4, device=path.device)
    here, there = column * 4, (column + 1) % count * 4
    a, b = here + corner, here + (corner + 1) % 4
    c, d = there + (corner + 1) % 4, there + corner
    return vertices, torch.stack([a, b, c, a, c, d], dim=-1).reshape(-1, 3)


def _disk(path: Tensor) -> Part:
    """The lens within an outline (B,P,3)."""
    count = path.shape[1]
    at = torch.arange(count, device=path.device)
    fan = torch.stack([torch.full_like(at, count), at, (at + 1) % count], dim=1)
    return torch.cat([path, path.mean(dim=1, keepdim=True)], dim=1), fan
