"""Cuts the skin's triangles along smooth borders between face, scalp, ears and neck."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from backend.head_parse import BODY, EAR, FACE, OTHER_HEAD
from backend.morphable import MorphableModel
from tools.head_model.topology import edges_of

Array = NDArray[np.floating]

SMOOTHING = 4
"""Rounds of averaging that turn a mask with teeth into a level set without; more would shrink the ears."""

SNAP = 0.06
"""Cuts this near to a vertex (as a share of the edge) go through it: slivers shade badly."""

CORNERS = 8
"""Vertices that a cut of a cut may depend on."""


@dataclass
class CutMesh:
    """Triangles that may have been split; a new vertex is a weighted sum of old ones."""

    triangles: list[tuple[int, int, int]]
    uvs: list[NDArray[np.float64]]
    """(3,2) per triangle."""
    count: int
    """Vertices there were to begin with."""
    added: list[dict[int, float]] = field(default_factory=list)

    def along(self, level: Array) -> None:
        """Split every triangle that ``level`` (count,) crosses; it is 0 along the border."""
        values = [*level, *(sum(w * level[v] for v, w in point.items()) for point in self.added)]
        largest = np.abs(level).max()
        values = [v if abs(v) > 1e-6 * largest else 0.0 for v in values]
        cuts: dict[tuple[int, int], int] = {}
        triangles, uvs = self.triangles, self.uvs
        self.triangles, self.uvs = [], []
        for triangle, uv in zip(triangles, uvs, strict=True):
            self._split(triangle, uv, values, cuts)

    def _split(
        self,
        triangle: tuple[int, int, int],
        uv: NDArray[np.float64],
        values: list[float],
        cuts: dict[tuple[int, int], int],
    ) -> None:
        signs = [values[v] > 0 for v in triangle]
        lone = next((k for k in range(3) if signs.count(signs[k]) == 1), None)
        if lone is None:
            self.triangles.append(triangle)
            self.uvs.append(uv)
            return
        order = [lone, (lone + 1) % 3, (lone + 2) % 3]
        a, b, c = (triangle[k] for k in order)
        ua, ub, uc = (uv[k] for k in order)
        ab, share_ab = self._cut(a, b, values, cuts)
        ac, share_ac = self._cut(a, c, values, cuts)
        uab, uac = ua + share_ab * (ub - ua), ua + share_ac * (uc - ua)
        self.triangles += [(a, ab, ac), (ab, b, c), (ab, c, ac)]
        self.uvs += [np.stack([ua, uab, uac]), np.stack([uab, ub, uc]), np.stack([uab, uc, uac])]

    def _cut(
        self, a: int, b: int, values: list[float], cuts: dict[tuple[int, int], int]
    ) -> tuple[int, float]:
        """The vertex on edge a-b where the level is 0, and how far it is from a."""
        share = float(np.clip(values[a] / (values[a] - values[b]), SNAP, 1 - SNAP))
        key = min(a, b), max(a, b)
        if key not in cuts:
            mixed: dict[int, float] = {}
            for vertex, weight in ((a, 1 - share), (b, share)):
                for root, part in self._roots(vertex).items():
                    mixed[root] = mixed.get(root, 0.0) + weight * part
            cuts[key] = self.count + len(self.added)
            self.added.append(mixed)
        return cuts[key], share

    def _roots(self, vertex: int) -> dict[int, float]:
        return {vertex: 1.0} if vertex < self.count else self.added[vertex - self.count]

    def table(self) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Corners (C,8) and weights (C,8) of the added vertices."""
        corners = np.zeros((len(self.added), CORNERS), np.int32)
        weights = np.zeros((len(self.added), CORNERS), np.float32)
        for row, point in enumerate(self.added):
            corners[row, : len(point)] = list(point)
            weights[row, : len(point)] = list(point.values())
        return corners, weights


def cut_regions(mesh: CutMesh, model: MorphableModel) -> NDArray[np.uint8]:
    """Cut the head's skin along its borders; returns the class (T,) of every triangle."""
    levels = {label: level_of(mask, model) for label, mask in _masks(model).items()}
    for level in levels.values():
        mesh.along(level)
    corners = np.array(mesh.triangles)
    added, weights = mesh.table()
    region = np.full(len(corners), FACE, np.uint8)
    for label, level in levels.items():
        every = np.concatenate([level, (weights * level[added]).sum(axis=1)])
        region[every[corners].mean(axis=1) > 0] = label
    return region


def _masks(model: MorphableModel) -> dict[int, NDArray[np.bool_]]:
    """From the one that gives way to the one that wins."""
    regions = model.regions
    return {
        OTHER_HEAD: regions["scalp"],
        BODY: regions["neck"],
        EAR: regions["ear_left"] | regions["ear_right"],
    }


def level_of(mask: NDArray[np.bool_], model: MorphableModel) -> Array:
    """(N,) smooth function, positive in the mask and negative outside."""
    a, b = np.unique(np.sort(edges_of(model.polygons[model.part("skin")]), axis=1), axis=0).T
    degree = np.bincount(np.r_[a, b], minlength=len(mask)).clip(min=1)
    value = mask.astype(np.float64)
    for _ in range(SMOOTHING):
        around = np.bincount(a, value[b], len(mask)) + np.bincount(b, value[a], len(mask))
        value = (value + around / degree) / 2
    return value - 0.5
