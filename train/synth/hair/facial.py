"""Hair of the face: brows, lashes and beards, all of the class FACE."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from backend.head_parse import FACE

from ..head import HeadShape
from ..person import Strands, Who, stack
from .chance import normal, uniform, vectors
from .facial_roots import LASHES, MOUTH_MM, FacialRoots, lash_roots, lip_share, roots_on

BROW_HAIRS, BEARD_HAIRS, KNOTS = 900, 2600, 8
BROW_SPAN_MM = (14.0, 55.0)
"""From the brows' inner to their outer end, off the middle of the mean head."""
CHIN_WIDTH_MM, NECK_MM = 30.0, -96.0
"""On the mean head: half width of a goatee, height below which necks are shaved."""
PUSHED = (0, 3, KNOTS - 1)
"""Knots of a beard's hair that are kept out of the skin; those between follow."""
HANGS_MM = 40.0
"""Hair this long hangs at its tips, wherever it was combed."""
SHINE = 0.25

BEARDS = {"shaven": 0.60, "stubble": 0.13, "full": 0.13, "goatee": 0.06, "moustache": 0.05, "long": 0.03}
"""How often men wear each; guessed from official portraits."""
HAIR_TO_BROW = 0.62
"""Brows are darker than the hair of the head; only white does not spare them."""


@dataclass(frozen=True)
class FacialParams:
    """Brows, lashes and beard in numbers. Lengths in mm."""

    seed: int
    """Of the strands' own random numbers."""
    brow_colour: tuple[float, float, float]
    """Linear albedo, of the lashes too."""
    brow_density: float
    """Share of the brow's hairs that are there, 0.3 to 1."""
    brow_height: float
    """0.4 (plucked to a line) to 1 (as high as brows get)."""
    brow_mm: float
    bushy: float
    """How much the hairs of the brows stand off and stray, 0 to 1."""
    lash_mm: float
    beard: str
    """A key of :data:`BEARDS`, for statistics."""
    beard_colour: tuple[float, float, float]
    beard_grey: float
    """Share of white hairs."""
    moustache_mm: float
    chin_mm: float
    cheek_mm: float
    """Of the jaw as well."""
    neck_mm: float
    cheek_line_mm: float
    """How far below the usual border the cheeks are shaved."""
    beard_density: float
    beard_curl: float
    """0 straight to 1 frizzy."""


def sample_facial(rng: np.random.Generator, who: Who, hair: tuple[float, float, float]) -> FacialParams:
    """Random hair for the face of somebody whose hair has the linear colour ``hair``."""
    man = bool(rng.random() < who.masculinity)
    old = float(np.clip((who.age - 50) / 35, 0, 1))
    kind = str(rng.choice(list(BEARDS), p=list(BEARDS.values()))) if man else "shaven"
    moustache, chin, cheek, neck = _beard_lengths(rng, kind)
    dark = np.array(hair) * rng.uniform(0.35, 0.95)
    made_up = not man and rng.random() < 0.6
    return FacialParams(
        seed=int(rng.integers(1 << 40)),
        brow_colour=_plain(dark * (HAIR_TO_BROW if made_up or old < 0.5 else 1.0)),
        brow_density=float(np.clip(rng.normal(0.85 - 0.2 * old, 0.15), 0.3, 1)),
        brow_height=float(np.clip(rng.normal(0.85 if man else 0.66, 0.13), 0.4, 1)),
        brow_mm=float(rng.uniform(5, 9) + 3 * old * man),
        bushy=float(np.clip(rng.normal(0.35 if man else 0.12, 0.15) + 0.35 * old * man, 0, 1)),
        lash_mm=float(rng.uniform(5, 8) if not man else rng.uniform(3.5, 6)) * (1 + 0.4 * made_up),
        beard=kind,
        beard_colour=_plain(np.array(hair) * np.array([1.0, 0.93, 0.85]) * rng.uniform(0.6, 1.1)),
        beard_grey=float(np.clip(rng.normal((who.age - 48) / 30, 0.25), 0, 1)),
        moustache_mm=moustache,
        chin_mm=chin,
        cheek_mm=cheek,
        neck_mm=neck,
        cheek_line_mm=float(np.clip(rng.normal(10, 9), -4, 35)),
        beard_density=float(rng.uniform(0.55, 1.0)),
        beard_curl=float(np.clip(rng.normal(0.25 + 0.5 * (who.melanin > 0.6), 0.2), 0, 1)),
    )


def _beard_lengths(rng: np.random.Generator, kind: str) -> tuple[float, float, float, float]:
    """Of moustache, chin, cheeks and neck."""
    match kind:
        case "stubble":
            length = float(rng.uniform(0.8, 3.5))
            return length, length, length * float(rng.uniform(0.6, 1)), length * 0.6
        case "full":
            length = float(rng.uniform(4, 18))
            return min(length, 9.0), length, length * float(rng.uniform(0.4, 1)), length * 0.3
        case "goatee":
            length = float(rng.uniform(3, 16))
            return min(length, 8.0) * float(rng.random() < 0.75), length, float(rng.choice([0.0, 1.0])), 0.0
        case "moustache":
            return float(rng.uniform(5, 12)), 0.0, 0.0, 0.0
        case "long":
            length = float(rng.uniform(25, 110))
            return float(rng.uniform(8, 16)), length, length * float(rng.uniform(0.3, 0.7)), length * 0.4
        case _:
            return 0.0, 0.0, 0.0, 0.0


def _plain(colour: np.ndarray) -> tuple[float, float, float]:
    red, green, blue = np.clip(colour, 0.006, 0.7).tolist()
    return red, green, blue


def grow_facial(params: list[FacialParams], head: HeadShape) -> Strands:
    """Brows, lashes and beards of B people, 8 points a hair; absent hairs have width 0."""
    seeds = torch.tensor([p.seed for p in params], device=head.device)
    parts = [grow(params, head, seeds) for grow in (_brows, _lashes, _beard)]
    points, colour, width = (torch.cat(column, dim=1) for column in zip(*parts, strict=True))
    shine = torch.full((len(params),), SHINE, device=head.device)
    return Strands(points=points, colour=colour, width_mm=width, region=FACE, specular=shine)


def _column(params: list[FacialParams], name: str, device: torch.device) -> Tensor:
    return stack([getattr(p, name) for p in params], device)[:, None]


def _brows(params: list[FacialParams], head: HeadShape, seeds: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Upright at the inner end, outward along the arch, downward at the tail."""
    device = head.device
    roots = roots_on(str(device), "brows", BROW_HAIRS)
    name = torch.arange(BROW_HAIRS, device=device)
    x, y, _ = roots.mean.unbind(-1)
    inner, outer = BROW_SPAN_MM
    along = ((x.abs() - inner) / (outer - inner)).clamp(0, 1)
    # Hairs below the brow's ridge grow up, those above it down; so brows come to a crest.
    above = (y - _ridge(along)) / 5.0
    up = 1.1 * (1 - along) ** 2 - 0.25 * along - 0.55 * above.clamp(-1, 1) * (along + 0.2)
    out = torch.sign(x) * (0.35 + along).clamp(max=1.0)
    comb = torch.stack([out, up, -0.35 * along], dim=-1)
    bushy = _column(params, "bushy", device)
    comb = comb + (0.15 + 0.4 * bushy)[..., None] * vectors(seeds, name, 50)
    length = _column(params, "brow_mm", device) * (0.6 + 0.5 * uniform(seeds, name, 51)) * (1 - 0.4 * along)
    lift = 0.12 + 0.35 * bushy * uniform(seeds, name, 52)
    points = _sprout(roots.on(head.vertices), normalize(roots.on(head.normals), dim=-1), comb, lift, length)
    within = (above.abs() + 0.12 * normal(seeds, name, 53)) < 1.15 * _column(params, "brow_height", device)
    there = within & (uniform(seeds, name, 54) < _column(params, "brow_density", device))
    colour = stack([p.brow_colour for p in params], device)[:, None]
    shade = torch.exp(0.25 * normal(seeds, name, 55))[..., None]
    width = 0.3 * (0.7 + 0.6 * uniform(seeds, name, 56)) * there
    return points, (colour * shade).expand(-1, BROW_HAIRS, -1), width


def _ridge(along: Tensor) -> Tensor:
    """Height of the middle of the brows on the mean head."""
    return 40.0 + 6.0 * torch.sin(np.pi * (0.1 + 0.62 * along)) - 1.0 * along


def _lashes(params: list[FacialParams], head: HeadShape, seeds: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Away from the eye, the upper ones bent up and the lower ones down."""
    device = head.device
    roots = lash_roots(str(device))
    name = torch.arange(len(roots.mean), device=device) + BROW_HAIRS
    side = torch.where(roots.mean[:, 0] > 0, 1.0, -1.0)
    off_middle = (roots.mean[:, 0].abs() - 31.0) / 15.0
    upper = roots.strength
    length = _column(params, "lash_mm", device) * (0.5 + 0.5 * upper) * (0.75 + 0.25 * off_middle)
    length = length * (0.8 + 0.4 * uniform(seeds, name, 60))
    aside = side * (0.55 * off_middle + 0.1)
    t = torch.linspace(0, 1, KNOTS, device=device)
    up = torch.where(upper > 0, -0.15 * t[:, None] + 0.95 * t[:, None] ** 2, -0.75 * t[:, None])
    path = torch.stack([t[:, None] * aside, up, (0.85 * t[:, None]).expand_as(up)], dim=-1).transpose(0, 1)
    stray = 0.12 * vectors(seeds, name, 61)[:, :, None] * t[:, None]
    points = roots.on(head.vertices)[:, :, None] + length[..., None, None] * (path + stray)
    colour = 0.5 * stack([p.brow_colour for p in params], device)[:, None].expand(-1, len(name), -1)
    width = (0.16 + 0.06 * upper) * (0.8 + 0.4 * uniform(seeds, name, 62))
    return points, colour, width


def _beard(params: list[FacialParams], head: HeadShape, seeds: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Down and back along the jaw, aside from under the nose, forward and down off the chin."""
    device = head.device
    roots = roots_on(str(device), "beard", BEARD_HAIRS)
    if all(p.beard == "shaven" for p in params):
        bare = roots.on(head.vertices)
        return (
            bare[:, :, None].expand(-1, -1, KNOTS, -1),
            torch.zeros_like(bare),
            torch.zeros_like(bare[..., 0]),
        )
    name = torch.arange(BEARD_HAIRS, device=device) + BROW_HAIRS + LASHES
    length = _beard_length(params, roots, seeds, name)
    x, _, z = roots.mean.unbind(-1)
    lip = lip_share(roots.mean)
    chin = (1 - x.abs() / 40).clamp(0, 1) * (z / 80).clamp(0, 1)
    comb = torch.stack(
        [torch.sign(x) * (0.15 + 0.7 * lip), -1 + 0.1 * lip, -0.25 * (1 - chin) + 0.15 * chin], dim=-1
    )
    curl = _column(params, "beard_curl", device)
    stray = (0.12 + 0.4 * curl) / (1 + length / 30)
    comb = comb + stray[..., None] * vectors(seeds, name, 70).clamp(-1.5, 1.5)
    lift = 0.25 + 0.35 * uniform(seeds, name, 71) + 0.25 * curl
    points = _sprout(roots.on(head.vertices), normalize(roots.on(head.normals), dim=-1), comb, lift, length)
    points = _off_skin(points, head)
    colour = stack([p.beard_colour for p in params], device)[:, None]
    shade = torch.exp(0.3 * normal(seeds, name, 72))[..., None]
    # Beards whiten at the chin first.
    white = uniform(seeds, name, 73) < _column(params, "beard_grey", device) * (0.7 + 0.5 * chin)
    colour = torch.where(white[..., None], colour.new_tensor([0.55, 0.54, 0.51]), colour * shade)
    # A strand stands for a few hairs: longer ones lie together.
    thin = 0.28 + 0.11 * length.clamp(max=9.0)
    return points, colour, thin * (0.7 + 0.6 * uniform(seeds, name, 74)) * (length > 0)


def _beard_length(params: list[FacialParams], roots: FacialRoots, seeds: Tensor, name: Tensor) -> Tensor:
    """(B,N) mm, 0 where the beard is shaven."""
    x, y, z = roots.mean.unbind(-1)
    lip = lip_share(roots.mean)
    ragged = 4 * normal(seeds, name, 80)
    chin = (
        ((CHIN_WIDTH_MM - x.abs() + ragged) / 4).clamp(0, 1) * (z > 50) * (y + 0.3 * x.abs() < MOUTH_MM + 6)
    )
    throat = ((NECK_MM - y + 0.12 * (90 - z) + ragged) / 6).clamp(0, 1)

    def mm(field: str) -> Tensor:
        return _column(params, field, roots.mean.device)

    # The border of a trimmed cheek runs from the ear's lower end to the corner of the mouth.
    border = -30 + 0.28 * (60 - z).clamp(-40, 60) - mm("cheek_line_mm") + ragged
    burn = (z < 38) & (y > -45)
    cheek = mm("cheek_mm") * ((y < border) | burn)
    length = torch.lerp(cheek, torch.maximum(mm("chin_mm"), cheek), chin.clamp(0, 1))
    length = torch.lerp(length, mm("neck_mm").expand_as(length), throat * (1 - chin * (z > 70)))
    length = torch.lerp(length, mm("moustache_mm").expand_as(length), lip)
    length = length * burn.where(burn, 0).mul(-0.6).add(1)
    there = uniform(seeds, name, 81) < mm("beard_density") * (0.6 + roots.strength)
    return length * torch.exp(0.2 * normal(seeds, name, 82)) * there * (length > 0.3)


def _sprout(root: Tensor, normals: Tensor, comb: Tensor, lift: Tensor, length: Tensor) -> Tensor:
    """(B,N,8,3) hairs that leave the skin at ``root`` (B,N,3) and bend over into the combed direction."""
    along = normalize(comb - (comb * normals).sum(-1, keepdim=True) * normals, dim=-1)
    t = torch.linspace(0, 1, KNOTS, device=root.device)
    rise = lift[..., None] * (t - 0.45 * t**2)
    step = along[:, :, None] * t[:, None] + normals[:, :, None] * rise[..., None]
    falls = (length / HANGS_MM).clamp(max=1.0)[..., None] * t**2
    step = torch.lerp(step, t[:, None] * step.new_tensor([0.0, -1.0, 0.0]), 0.8 * falls[..., None])
    return root[:, :, None] + step * length[..., None, None]


def _off_skin(points: Tensor, head: HeadShape) -> Tensor:
    """Hairs (B,N,8,3) pushed out as far as they lie deeper in the skin than their roots."""
    known = points[:, :, list(PUSHED)]
    push = head.push_out(known) - known
    depth = push.norm(dim=-1, keepdim=True)
    # The collision's map is coarser than lips and chin, so even roots may seem to lie below the skin.
    excess = push * ((depth - depth[:, :, :1]).clamp(min=0) / depth.clamp(min=1e-3))
    at = torch.arange(KNOTS, device=points.device)
    between = torch.stack([_hat(at, k) for k in range(len(PUSHED))])
    return points + torch.einsum("kt,bnkd->bntd", between, excess)


def _hat(at: Tensor, knot: int) -> Tensor:
    """Weights of one pushed knot for all knots ``at``, linear between its neighbours."""
    weights = np.interp(at.cpu(), PUSHED, np.eye(len(PUSHED))[knot])
    return torch.from_numpy(weights.astype(np.float32)).to(at.device)
