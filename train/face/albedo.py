"""The true albedo of synthetic people at the head's vertices, and its coefficients in the shipped basis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import grid_sample

from backend.albedo import AlbedoBasis
from backend.morphable import load_head_model
from backend.raster import triangulate

from ..synth.assets import load_assets
from ..synth.skin import SkinParams, paint_skin

TEXELS = 256
"""Side of the texture that is looked up: 1.8 mm on the face, as fine as its vertices."""
BROW_COVER = 0.6
"""Share of the skin that dense brows hide."""
NO_TINT = (0.0, 0.0, 0.0, 0.0)
TRUST = {"face": 1.0, "ear_left": 0.3, "ear_right": 0.3}
"""How much each region counts; elsewhere photos show hair and clothes."""
ERROR = 0.02
"""Spread of albedo that the basis does not know, against which coefficients are held near 0."""

Numbers = NDArray[np.float32]


def albedo_truth(scene: Mapping[str, Any]) -> Numbers:
    """Coefficients (A,) in standard deviations of the person of a manifest's ``scene``.

    Those with the least squared error on the face under a standard normal prior.
    """
    return albedo_truths([scene])[0]


def albedo_truths(scenes: Sequence[Mapping[str, Any]]) -> Numbers:
    """:func:`albedo_truth` of S scenes at once: (S,A)."""
    people = [scene["person"] for scene in scenes]
    skins = [skin_of(person["skin"]) for person in people]
    return nearest_coefficients(vertex_albedo(skins, [person["facial"] for person in people]).numpy())


def nearest_coefficients(colours: Numbers) -> Numbers:
    """(S,A) standard deviations for linear albedos (S,N,3) of the shipped head, as :func:`albedo_truth`."""
    mean, projector = _projection()
    return (colours.reshape(len(colours), -1) - mean) @ projector.T


def skin_of(numbers: Mapping[str, Any]) -> SkinParams:
    """The skin of a manifest; without what hair shows through on the scalp, which the basis does not know."""
    listed = {name: tuple(v) if isinstance(v, list) else v for name, v in numbers.items()}
    return SkinParams(**{**listed, "scalp_tint": NO_TINT})


def vertex_albedo(skins: list[SkinParams], facial: Sequence[Mapping[str, Any]]) -> Tensor:
    """(B,N,3) linear albedo at the vertices of the shipped head, with the brows of ``facial``.

    Only the skin's vertices mean anything.
    """
    assets = load_assets()
    places = _places()
    textures = paint_skin(skins, assets, TEXELS).permute(0, 3, 1, 2)
    colours = _looked_up(textures, places)
    brows = _looked_up(assets.masks["brows"][None, None], places).clamp(0, 1) * BROW_COVER
    density = torch.tensor([person["brow_density"] for person in facial], dtype=torch.float32)
    hair = torch.tensor([tuple(person["brow_colour"]) for person in facial], dtype=torch.float32)
    return torch.lerp(colours, hair[:, None].expand_as(colours), brows * density[:, None, None])


def _looked_up(pictures: Tensor, places: Tensor) -> Tensor:
    """(B,N,C) pictures (B,C,H,W) at places (N,2), -1 to 1 from the left and from the top."""
    grid = places[None, None].expand(len(pictures), -1, -1, -1)
    found = grid_sample(pictures, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return found[:, :, 0].transpose(1, 2)


@cache
def _places() -> Tensor:
    """(N,2) where in its texture each of the head's vertices lies, -1 to 1 from the left and from the top."""
    model = load_assets().model
    skin = model.part("skin")
    corners = triangulate(model.polygons[skin])
    uvs = np.zeros((len(model.mean), 2), np.float32)
    # At a seam the last corner wins: both sides of it show the same skin.
    uvs[corners.vertices.ravel()] = corners.of_corners(model.uvs[skin]).reshape(-1, 2)
    return torch.from_numpy(np.stack([2 * uvs[:, 0] - 1, 1 - 2 * uvs[:, 1]], axis=1))


@cache
def _projection() -> tuple[Numbers, Numbers]:
    model = load_head_model()
    assert model.albedo is not None
    trust = sum(share * model.regions[name] for name, share in TRUST.items())
    return model.albedo.mean.reshape(-1), projector_of(model.albedo, trust.astype(np.float32))


def projector_of(basis: AlbedoBasis, trust: Numbers) -> Numbers:
    """(A,3N) that takes an albedo less the mean to the coefficients of a regularised least-squares fit.

    ``trust`` (N,) weighs the vertices. Neighbours err together, so all of them count as much as one for
    each component would.
    """
    rows = basis.components.reshape(len(basis), -1).astype(np.float64)
    weights = np.repeat(trust, 3).astype(np.float64)
    weights *= len(basis) / (weights.sum() * ERROR**2)
    weighted = rows * weights
    system = weighted @ rows.T + np.eye(len(basis))
    return np.linalg.solve(system, weighted).astype(np.float32)
