"""Clothes: what people wear, draped over the bust; collars stand round the neck."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

from backend.head_parse import BODY

from .cloth import Cloth, paint, sample_casual, sample_shirting, sample_silk, sample_suiting
from .collar import COLLARS, build_collars
from .head import HeadShape, vertex_normals
from .person import Surface, Who, stack

HEIGHT, WIDTH = 160, 320
"""Texels: front and back, 3.2 mm high and 3.9 mm wide, twice a pixel of the crop."""

X_SPAN_MM, Y_SPAN_MM = (-310.0, 310.0), (-570.0, -50.0)
"""What the texture shows of the mean body; ``tools/synth_assets/garment.py`` lays the UVs out so."""

CLOTH_MM, JACKET_MM, HIDDEN_MM = 3.5, 8.0, -8.0
"""How far cloth and jacket lie above the skin, and unused cloth below it."""

COVERED_MM = 1.5
"""What lies so far below another surface at all corners of a triangle is never seen."""

NECKLINE_SLOPE = 0.25
"""Rise of the cloth over the skin at a neckline: gentle, so that it surfaces along a smooth line between the
vertices, which are some 10 mm apart."""

LAPEL_TOP_MM = -150.0
"""Height where lapels vanish behind the neck."""

BULGE = 2.2
"""Thickness of a tie's knot over that of a jacket, so that it fills the gap of the collar."""

KNOT_TOP_MM, KNOT_MM = -138.0, 46.0
"""Where a tie begins and how high its knot is."""

JACKET_GAP_DEG = 62.0
"""Half of the gap between the ends of a jacket's collar, where its lapels begin."""

MEN = {"suit": 0.5, "open suit": 0.09, "shirt": 0.09, "polo": 0.05, "tee": 0.11, "jumper": 0.05,
       "v jumper": 0.04, "hoodie": 0.03, "turtleneck": 0.02, "zip": 0.02}  # fmt: skip
WOMEN = {"blazer": 0.34, "v blouse": 0.14, "round blouse": 0.15, "shirt": 0.06, "tee": 0.08, "scoop": 0.09,
         "turtleneck": 0.04, "hoodie": 0.02, "bare": 0.04, "scarf": 0.02, "jumper": 0.02}  # fmt: skip
"""How often each is worn in portraits."""

ENDLESS = ("turtleneck", "hoodie", "scarf")
"""Their collars go all the way round."""


@dataclass(frozen=True)
class ClothesParams:
    """What somebody wears."""

    kind: str
    outer: Cloth
    inner: Cloth
    """Shirt or top under a jacket."""
    jacket: bool
    tie: Cloth | None
    buttons: bool
    collar: str
    """One of ``collar.COLLARS``, or ``none``."""
    opening_deg: float
    """Half of the gap that the collar leaves at the throat."""
    neckline_mm: float
    """How far below the line of a shirt's collar the cloth begins."""
    v_depth_mm: float
    """How much farther down at the throat, and over which half width."""
    v_width_mm: float
    sleeveless: bool
    apex_mm: float
    """Height where a jacket closes, below the head centre."""
    lapel_mm: float
    noise: tuple[float, float]


def sample_clothes(rng: np.random.Generator, who: Who) -> ClothesParams:
    """Random clothes for somebody."""
    wardrobe = MEN if rng.random() < who.masculinity else WOMEN
    odds = np.array(list(wardrobe.values()))
    kind = str(rng.choice(list(wardrobe), p=odds / odds.sum()))
    jacket = kind in ("suit", "open suit", "blazer")
    shirt = kind in ("suit", "open suit", "shirt")
    outer = sample_suiting(rng) if jacket else sample_shirting(rng) if shirt else sample_casual(rng)
    if kind == "blazer" and rng.random() < 0.4:
        outer = sample_casual(rng)
    closed = kind in ("suit", "polo", "zip") or (kind == "shirt" and rng.random() < 0.25)
    neckline, depth, width = _neckline(rng, kind, closed)
    collars = {"polo": "polo", "turtleneck": "roll", "hoodie": "hood", "zip": "stand", "scarf": "scarf"}
    return ClothesParams(
        kind=kind,
        outer=outer,
        inner=sample_shirting(rng) if shirt else sample_casual(rng),
        jacket=jacket,
        tie=sample_silk(rng) if kind == "suit" or (kind == "shirt" and closed) else None,
        buttons=shirt or kind == "polo",
        collar="shirt" if shirt else collars.get(kind, "none"),
        opening_deg=0.0 if kind in ENDLESS else float(rng.uniform(3, 6) if closed else rng.uniform(14, 30)),
        neckline_mm=neckline,
        v_depth_mm=depth,
        v_width_mm=width,
        sleeveless=kind == "scoop" and rng.random() < 0.5,
        apex_mm=float(rng.uniform(-470, -340)),
        lapel_mm=float(rng.uniform(28, 55)),
        noise=(float(rng.random()), float(rng.random())),
    )


def _neckline(rng: np.random.Generator, kind: str, closed: bool) -> tuple[float, float, float]:
    """Height, depth of the V and its half width."""
    match kind:
        case "suit" | "zip" | "turtleneck" | "scarf":
            return -34.0, 0.0, 30.0
        case "hoodie" | "polo":
            return -6.0, 0.0, 30.0
        case "shirt" | "open suit":
            return (
                -34.0 if closed else -6.0,
                0.0 if closed else float(rng.uniform(25, 85)),
                float(rng.uniform(22, 38)),
            )
        case "v blouse" | "v jumper":
            return float(rng.uniform(2, 25)), float(rng.uniform(50, 120)), float(rng.uniform(45, 75))
        case "blazer":
            return float(rng.uniform(5, 35)), float(rng.uniform(0, 80)), float(rng.uniform(45, 80))
        case "scoop":
            return float(rng.uniform(25, 45)), float(rng.uniform(20, 60)), float(rng.uniform(70, 110))
        case "bare":
            return float(rng.uniform(85, 125)), 0.0, 30.0
        case _:
            return float(rng.uniform(0, 26)), float(rng.uniform(0, 12)), 60.0


def build_clothes(params: list[ClothesParams], shape: HeadShape) -> tuple[Surface, ...]:
    """Clothes of B people: the garment itself, the collar on the neck, and the collar of a jacket."""
    garment = shape.assets.garment
    body = torch.cat([shape.vertices, shape.bust], dim=1)
    first, second = garment.ends.unbind(1)
    vertices = 0.5 * (body.index_select(1, first) + body.index_select(1, second))
    normals = vertex_normals(vertices, garment.triangles)
    thickness = _thickness(params, shape)
    draped = vertices + normals * thickness[..., None]
    everyone = torch.ones(len(params), device=shape.device)
    cloth = Surface(
        vertices=draped,
        triangles=garment.triangles,
        uvs=garment.uvs,
        texture=torch.stack([paint_clothes(p, shape.device) for p in params]),
        region=torch.full((len(garment.triangles),), BODY, dtype=torch.uint8, device=shape.device),
        shown=everyone.bool(),
        specular=0.06 * everyone,
        roughness=0.85 * everyone,
        occlusion=shape.assets.skin.occlusion[garment.ends].mean(dim=1),
        closed=True,
        hidden=(thickness < -COVERED_MM)[:, garment.triangles].all(dim=2),
    )
    necks = [(p.collar, p.opening_deg, p.inner if p.jacket else p.outer, p.noise) for p in params]
    jackets = [("jacket" if p.jacket else "none", JACKET_GAP_DEG, p.outer, p.noise) for p in params]
    return cloth, build_collars(necks, body, shape.assets), build_collars(jackets, body, shape.assets)


def covered_skin(params: list[ClothesParams], shape: HeadShape) -> Tensor:
    """(B,T) bool: triangles of the skin that lie wholly below the garment."""
    skin, (first, second) = shape.assets.skin, shape.assets.garment.ends.unbind(1)
    same = torch.nonzero(first == second).squeeze(1)
    below = torch.zeros(len(params), len(skin.occlusion), dtype=torch.bool, device=shape.device)
    below[:, first[same]] = _thickness(params, shape)[:, same] > COVERED_MM
    return below[:, skin.triangles].all(dim=2)


def _thickness(params: list[ClothesParams], shape: HeadShape) -> Tensor:
    """(B,G) mm by which each vertex of the garment lies above the skin; below it beyond the neckline."""
    garment = shape.assets.garment
    x, y, z = garment.rest.unbind(dim=1)
    front = ((z + 10.0) / 30.0).clamp(0, 1)

    def amount(name: str) -> Tensor:
        return stack([getattr(p, name) for p in params], shape.device)[:, None]

    wedge = (1 - x.abs() / amount("v_width_mm")).clamp(min=0)
    within = garment.drop - amount("neckline_mm") - amount("v_depth_mm") * wedge * front
    bare_arm = 128.0 - x.abs() + 0.5 * (-200.0 - y).clamp(min=0)
    sleeveless = amount("sleeveless") > 0
    within = torch.where(sleeveless, torch.minimum(within, bare_arm), within)
    strapless = stack([float(p.kind == "bare") for p in params], shape.device)[:, None] > 0
    within = torch.where(strapless, -y - 150.0 - amount("neckline_mm"), within)
    beside_lapels = x.abs() - _half_opening(y, amount("apex_mm"))
    on_jacket = ((beside_lapels / 6.0).clamp(0, 1) * front + (1 - front)) * amount("jacket")
    tied = stack([float(p.tie is not None) for p in params], shape.device)[:, None]
    knot = (1 - (x / 26.0) ** 2).clamp(min=0) * (1 - ((y - KNOT_TOP_MM) / KNOT_MM + 0.5) ** 2).clamp(min=0)
    on_jacket = on_jacket + tied * knot * front * BULGE
    return torch.minimum(NECKLINE_SLOPE * within, CLOTH_MM + (JACKET_MM - CLOTH_MM) * on_jacket).clamp(
        min=HIDDEN_MM
    )


def _half_opening(y: Tensor, apex_mm: Tensor | float) -> Tensor:
    """Half width of the V between a jacket's lapels at a height."""
    share = ((y - apex_mm) / (LAPEL_TOP_MM - apex_mm)).clamp(0, 1.2)
    return 62.0 * share**0.85


def paint_clothes(params: ClothesParams, device: torch.device) -> Tensor:
    """(HEIGHT,WIDTH,3) linear albedo of one garment, front beside back."""
    x, y = _places(str(device))
    out = paint(params.outer, x, y, params.noise)
    front = (slice(None), slice(WIDTH // 2))
    seen, x, y = out[front], x[front], y[front]
    if params.jacket:
        seen = _with_jacket_front(seen, params, x, y)
    elif params.tie is not None:
        seen = _with_tie(seen, params.tie, x, y, params.noise)
    if params.buttons and not params.jacket:
        seen = _with_buttons(seen, x, y, -175.0)
    return torch.cat([seen, out[:, WIDTH // 2 :]], dim=1).clamp_(0.003, 0.9)


@cache
def _places(device: str) -> tuple[Tensor, Tensor]:
    """x and y mm of every texel; the left half is the front."""
    column = torch.arange(WIDTH, device=device)
    u = ((column % (WIDTH // 2)) + 0.5) / (WIDTH // 2)
    v = 1 - (torch.arange(HEIGHT, device=device) + 0.5) / HEIGHT
    x = X_SPAN_MM[0] + u * (X_SPAN_MM[1] - X_SPAN_MM[0])
    y = Y_SPAN_MM[0] + v * (Y_SPAN_MM[1] - Y_SPAN_MM[0])
    shape = (HEIGHT, WIDTH)
    return x[None].expand(shape), y[:, None].expand(shape)


def _with_jacket_front(cloth: Tensor, params: ClothesParams, x: Tensor, y: Tensor) -> Tensor:
    """Shirt and tie in the V of the lapels, the lapels' edges, the closing and its buttons."""
    side = x.abs()
    half = _half_opening(y, params.apex_mm)
    inner = paint(params.inner, x, y, params.noise[::-1])
    if params.tie is not None:
        inner = _with_tie(inner, params.tie, x, y, params.noise)
    elif params.buttons:
        inner = _with_buttons(inner, x, y, -190.0)
    # The shirt lies in the shadow of the lapels.
    inner = inner * (0.55 + 0.45 * ((half - side) / 14.0).clamp(0, 1))[..., None]
    rise = ((y - params.apex_mm) / (LAPEL_TOP_MM - params.apex_mm)).clamp(0, 1)
    lapel_edge = half + params.lapel_mm * (rise * 2.2).clamp(0, 1) * (1 - 0.25 * rise)
    notch = (y - (params.apex_mm + 0.78 * (LAPEL_TOP_MM - params.apex_mm))).abs()
    line = torch.maximum(
        _stroke(side - lapel_edge, 2.6), _stroke(notch + 0.35 * (side - half), 2.2) * (side < lapel_edge)
    )
    line = line * (side > half) * (rise > 0)
    closing = _stroke(x - 4.0, 2.5) * (y < params.apex_mm)
    shade = 1 - 0.45 * torch.maximum(line, closing)
    out = cloth * shade[..., None]
    opening = (((half - side) / 4.0 + 0.5).clamp(0, 1) * (y > params.apex_mm))[..., None]
    return torch.lerp(out, inner, opening)


def _with_tie(cloth: Tensor, tie: Cloth, x: Tensor, y: Tensor, noise: tuple) -> Tensor:
    """A knot at the collar and a blade that widens downwards."""
    below = (KNOT_TOP_MM - y).clamp(min=0)
    knot = (24.0 - 0.25 * below).clamp(min=13.0) * (below < KNOT_MM)
    blade = (12.0 + 0.15 * (below - KNOT_MM)).clamp(max=44.0) * (below >= KNOT_MM)
    edge = knot + blade - x.abs()
    silk = paint(tie, x, y, noise) * (0.7 + 0.3 * (edge / 8).clamp(0, 1))[..., None]
    silk = silk * (1 - 0.5 * _stroke(below - KNOT_MM, 4.0))[..., None]
    share = (edge / 3.0 + 0.5).clamp(0, 1) * (y < KNOT_TOP_MM)
    return torch.lerp(cloth, silk, share[..., None])


def _with_buttons(cloth: Tensor, x: Tensor, y: Tensor, top: float) -> Tensor:
    """A placket with its seams, and a button every 85 mm."""
    below = y < top
    seams = torch.maximum(_stroke(x - 16.0, 2.0), 0.6 * _stroke(x + 14.0, 2.0)) * below
    apart = (y - top - 20) / 85.0
    button = ((6.5 - torch.hypot(x, (apart - apart.round()) * 85.0)) / 2.5).clamp(0, 1) * below
    return cloth * (1 - 0.18 * seams - 0.35 * button)[..., None]


def _stroke(distance: Tensor, width: float) -> Tensor:
    return (1.3 - distance.abs() / width).clamp(0, 1)


__all__ = ["COLLARS", "ClothesParams", "build_clothes", "paint_clothes", "sample_clothes"]
