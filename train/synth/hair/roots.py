"""Where hair can grow, and where it does on whom: hairlines, receding temples, bald crowns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from ..assets import SynthAssets, load_assets
from ..blend import blend_all
from ..collision import SKULL_MM
from ..head import HeadShape

HAIRLINE_DEG = (0.0, 12.0, 25.0, 37.0, 47.0, 54.0, 60.0, 66.0,
                71.0, 76.0, 82.0, 100.0, 112.0, 125.0, 150.0, 180.0)  # fmt: skip
HAIRLINE_MM = (94.0, 94.5, 94.0, 91.0, 84.0, 74.0, 60.0, 42.0,
               18.0, 2.0, 24.0, 30.0, 6.0, -26.0, -40.0, -43.0)  # fmt: skip
"""Height of an average hairline on the mean head by direction from straight ahead (0) over the temples, the
sideburns (76) and the ears (90) to the nape (180). Trichion as far above the brows as the chin is below the
nose (the thirds of Vitruvius)."""
LOWER_MM = 14.0
"""How far below the average the lowest hairlines reach."""
SKULL_RADII_MM = (76.0, 112.0, 100.0)
"""Of an ellipsoid like a skull."""
CROWN_MM = (0.0, 112.0, -72.0)
"""Middle of the whorl on the mean head."""
FRONT_DENSITY = 1.5
SOFT_MM = 3.5
"""The hairline frays over this width."""
EACH = 4
"""Strands in the family of one guide: only guides are grown, the others follow them."""
LOCKS = (40, 150, 400)
"""How many locks the scalp is divided into, coarse to fine."""


@dataclass(frozen=True)
class RootPlan:
    """Roots on the mean head, shared by everybody: N strands in families of G guides."""

    corners: Tensor
    """(N,3) int64 head vertices."""
    weights: Tensor
    """(N,3)."""
    mean: Tensor
    """(N,3) mm."""
    knots: Tensor
    """(N,16) weights of the hairline's knots."""
    locks: Tensor
    """(3,G) int64 the guide that leads each guide's lock, coarse to fine."""

    @property
    def guides(self) -> slice:
        """Every strand that leads a family; the three after it are the rest of the family."""
        return slice(None, None, EACH)


def knot_weights(mean: Tensor) -> Tensor:
    """(N,16) linear weights of the hairline's knots in the directions of places (N,3)."""
    degrees = torch.rad2deg(torch.atan2(mean[:, 0].abs(), mean[:, 2] - SKULL_MM[2]))
    at = torch.tensor(HAIRLINE_DEG, device=mean.device)
    right = torch.bucketize(degrees, at).clamp(1, len(at) - 1)
    share = ((degrees - at[right - 1]) / (at[right] - at[right - 1])).clamp(0, 1)
    weights = torch.zeros(len(mean), len(at), device=mean.device)
    weights.scatter_(1, right[:, None], share[:, None])
    return weights.scatter_(1, right[:, None] - 1, 1 - share[:, None])


@cache
def plan_roots(device: str, count: int) -> RootPlan:
    """``count`` (a multiple of 4) roots spread evenly over all skin that bears hair on anybody."""
    assets = load_assets(device)
    triangles = _hairy_triangles(assets)
    corners = assets.mean[triangles]
    area = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]).norm(dim=1)
    total = (area * _closeness(corners.mean(dim=1))).cumsum(0)
    # One root in each of `count` equal shares of the area, along a curve that keeps neighbours together.
    generator = torch.Generator().manual_seed(count)
    jitter = torch.rand(count, generator=generator).to(device)
    wanted = (torch.arange(count, device=device) + jitter) / count * total[-1]
    chosen = triangles[torch.searchsorted(total, wanted).clamp(max=len(triangles) - 1)]
    u, v = torch.rand(2, count, generator=generator).sort(dim=0).values
    weights = torch.stack([u, v - u, 1 - v], dim=1).to(device)
    mean = torch.einsum("sk,ska->sa", weights, assets.mean[chosen])
    order = torch.from_numpy(_families(mean.cpu().numpy())).to(device)
    chosen, weights, mean = chosen[order], weights[order], mean[order]
    return RootPlan(chosen, weights, mean, knot_weights(mean), find_locks(mean[::EACH]))


def _families(mean: NDArray[np.float32]) -> NDArray[np.int64]:
    """(N,) order of places (N,3) in which every four are neighbours, led by the one in their middle.

    The scalp is halved across its widest extent again and again, as for a k-d tree.
    """

    def halved(members: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        places = mean[members]
        if len(members) == EACH:
            off_middle = np.linalg.norm(places - places.mean(axis=0), axis=1)
            return [members[np.argsort(off_middle, kind="stable")]]
        order = np.argsort(places[:, np.ptp(places, axis=0).argmax()], kind="stable")
        half = len(members) // EACH // 2 * EACH
        return halved(members[order[:half]]) + halved(members[order[half:]])

    return np.concatenate(halved(np.arange(len(mean))))


def _closeness(mean: Tensor) -> Tensor:
    """(S,) density of the roots: nothing covers those of the forehead's hairline, combed back as they are."""
    above = mean[:, 1] - knot_weights(mean) @ mean.new_tensor(HAIRLINE_MM)
    frontal = (mean[:, 2] / 60).clamp(0, 1)
    return 1 + FRONT_DENSITY * frontal * torch.exp(-((above / 25) ** 2))


def find_locks(mean: Tensor) -> Tensor:
    """(3,G) int64 the guide that leads each lock of guides at places (G,3)."""
    count = len(mean)
    leaders = [torch.arange(0, count, max(count // number, 1), device=mean.device) for number in LOCKS]
    return torch.stack([leader[torch.cdist(mean, mean[leader]).argmin(dim=1)] for leader in leaders])


def _hairy_triangles(assets: SynthAssets) -> Tensor:
    """(S,3) in an order in which neighbours stay together (Morton's)."""
    heights = knot_weights(assets.mean) @ assets.mean.new_tensor(HAIRLINE_MM) - LOWER_MM
    good = (assets.mean[:, 1] > heights) & assets.mask("skin")
    for name in ("ear_left", "ear_right", "mouth_inside", "eyelids", "nose", "brows"):
        good &= ~assets.mask(name)
    triangles = assets.head_triangles[good[assets.head_triangles].all(dim=1)]
    middle = assets.mean[triangles].mean(dim=1).cpu().numpy()
    cells = ((middle - middle.min(0)) / np.ptp(middle, axis=0).max() * 31).astype(np.int64)
    code = sum(((cells[:, axis] >> bit) & 1) << (3 * bit + axis) for axis in range(3) for bit in range(5))
    return triangles[torch.from_numpy(np.argsort(code, kind="stable")).to(triangles.device)]


@dataclass(frozen=True)
class Roots:
    """The roots of B people."""

    points: Tensor
    """(B,N,3) mm."""
    normals: Tensor
    """(B,N,3)."""
    plan: RootPlan


def place_roots(head: HeadShape, count: int) -> Roots:
    """Put the shared roots on B heads."""
    plan = plan_roots(str(head.device), count)
    points = blend_all(head.vertices, plan.corners, plan.weights)
    normals = blend_all(head.normals, plan.corners, plan.weights)
    return Roots(points, normalize(normals, dim=-1), plan)


@dataclass(frozen=True)
class Hairline:
    """Where somebody's hair begins and what age has left of it."""

    height_mm: float
    """Of the middle of the forehead's hairline over the average."""
    peak_mm: float
    """How far a widow's peak comes down."""
    temples_mm: float
    """How far the temples recede, up to some 70."""
    sideburns_mm: float
    """How far sideburns reach below their usual end; negative where shaved."""
    nape_mm: float
    """How far the nape is shaved up, or negative where hair grows farther down."""
    crown_mm: float
    """Radius of a bald spot."""
    rim_mm: float
    """Height above which nothing grows any more (a horseshoe); 200 where everything does."""
    density: float
    """Share of the strands on the top that are left."""


def hair_left(hairlines: list[Hairline], mean: Tensor, knots: Tensor, noise: Tensor) -> Tensor:
    """(B,N) how much hair grows at places (N,3) of the mean head: 0 none, 1 all.

    ``noise`` (B,N) of unit variance frays the borders.
    """

    def column(name: str) -> Tensor:
        return torch.tensor([getattr(line, name) for line in hairlines], device=mean.device)[:, None]

    # `bend` says which knots of the hairline each number moves.
    at = mean.new_tensor(HAIRLINE_DEG)
    front = (1 - (at - 30) / 40).clamp(0, 1)
    temple = torch.exp(-(((at - 40) / 16) ** 2))
    peak = torch.exp(-((at / 9) ** 2))
    burns = torch.exp(-(((at - 75) / 7) ** 2))
    nape = ((at - 115) / 30).clamp(0, 1)
    line = (
        mean.new_tensor(HAIRLINE_MM)
        + column("height_mm") * front
        + column("temples_mm") * temple
        - column("peak_mm") * peak
        - column("sideburns_mm") * burns
        + column("nape_mm") * nape
    )
    height = mean[:, 1] + SOFT_MM * noise
    above = ((height - line @ knots.T) / SOFT_MM).clamp(0, 1)
    spot = (mean - mean.new_tensor(CROWN_MM)).norm(dim=1) + 2 * SOFT_MM * noise
    crown = ((spot - column("crown_mm")) / (2 * SOFT_MM)).clamp(0, 1)
    crown = crown.where(column("crown_mm") > 0, 1.0)
    # The rim of a horseshoe lies higher at the back.
    back = (-mean[:, 2] / 100).clamp(0, 1)
    rim = ((column("rim_mm") + 10 * back - height) / (2 * SOFT_MM)).clamp(0, 1)
    top = ((mean[:, 1] - 75) / 30).clamp(0, 1)
    return above * crown * rim * (1 - top * (1 - column("density")))


def skull_normals(points: Tensor) -> Tensor:
    """Outward directions (...,3) of an ellipsoid like a skull at points (...,3)."""
    arm = (points - points.new_tensor(SKULL_MM)) / points.new_tensor(SKULL_RADII_MM) ** 2
    return normalize(arm, dim=-1)
