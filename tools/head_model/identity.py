"""Samples heads from hm08's targets and compresses them into a mean and principal components."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .source import Source

RACES = ("african", "asian", "caucasian")
GENDERS = ("female", "male")
AGES = ("baby", "child", "young", "old")
MUSCLES = ("minmuscle", "averagemuscle", "maxmuscle")
WEIGHTS = ("minweight", "averageweight", "maxweight")

AGE_ANCHORS_YEARS = (1.0, 10.0, 25.0, 90.0)
"""What MakeHuman's four age targets stand for."""

LOCAL_SIGMA = {
    "head": 0.08,
    "ears": 0.2,
    "nose": 0.2,
    "mouth": 0.17,
    "eyes": 0.16,
    "chin": 0.2,
    "cheek": 0.18,
    "forehead": 0.2,
    "eyebrows": 0.22,
    "neck": 0.12,
}
"""Spread of the local sliders (1 = end of MakeHuman's range), chosen so that samples look like people and
faces differ by about as much as those of a model made from scans."""

ASYMMETRY_SIGMA = 0.08
"""Spread of the asymmetry sliders and of the difference between left and right of a pair."""

SIZE_SIGMA = 0.015
"""Head size varies by about 3.5 % among adults; sex and age account for the larger part of it."""

CHILDREN = 0.08
"""Share of samples between 6 and 18 years; the others are adults up to 80."""

LEFT_OUT = ("head-trans", "neck-trans", "head-angle", "measure-")
"""Targets that tilt or shift the head on the body: that is pose, not identity."""


@dataclass(frozen=True)
class Sampler:
    """Draws random heads as linear combinations of target displacements."""

    base: NDArray[np.float32]
    """(N,3) hm08 itself, mm."""
    targets: NDArray[np.float32]
    """(T,N,3) displacements, mm."""
    names: tuple[str, ...]
    pairs: tuple[tuple[tuple[int, int], tuple[int, int], float], ...]
    """Sliders: target numbers (positive, negative; -1 none) on the left and on the right, and spread."""

    def sample(self, count: int, seed: int) -> NDArray[np.float32]:
        """(count,N,3) heads in hm08's pose."""
        rng = np.random.default_rng(seed)
        weights = np.stack([self._weights(rng) for _ in range(count)])
        heads = self.base + np.tensordot(weights, self.targets, 1)
        size = 1.0 + SIZE_SIGMA * rng.standard_normal((count, 1, 1))
        return (heads * size).astype(np.float32)

    def average_adult(self) -> NDArray[np.float32]:
        """(N,3) the middle of ancestries and sexes at 35 years."""
        weights = self.macro_weights(35.0, 0.5, np.full(3, 1 / 3), 0.5, 0.5)
        return self.base + np.tensordot(weights, self.targets, 1)

    def _weights(self, rng: np.random.Generator) -> NDArray[np.float32]:
        years = rng.uniform(6, 18) if rng.random() < CHILDREN else rng.uniform(18, 80)
        ancestry = rng.dirichlet([0.7] * 3)
        weight, muscle = np.clip(rng.normal(0.5, 0.2, 2), 0, 1)
        weights = self.macro_weights(years, rng.beta(0.5, 0.5), ancestry, muscle, weight)
        for left, right, sigma in self.pairs:
            value = sigma * rng.standard_normal()
            apart = ASYMMETRY_SIGMA * rng.standard_normal()
            for (up, down), amount in ((left, value + apart / 2), (right, value - apart / 2)):
                number = up if amount >= 0 else down
                if number >= 0:
                    weights[number] += min(abs(amount), 1.0)
        return weights

    def macro_weights(
        self, years: float, male: float, ancestry: NDArray[np.floating], muscle: float, weight: float
    ) -> NDArray[np.float32]:
        """Products of MakeHuman's macro sliders, as its target names spell them."""
        age = _hat(years, AGE_ANCHORS_YEARS)
        sex = np.array([1 - male, male])
        stock = np.outer(_hat(muscle, (0.0, 0.5, 1.0)), _hat(weight, (0.0, 0.5, 1.0)))
        weights = np.zeros(len(self.names), np.float32)
        index = {name: number for number, name in enumerate(self.names)}
        for g, gender in enumerate(GENDERS):
            for a, stage in enumerate(AGES):
                for r, race in enumerate(RACES):
                    weights[index[f"{race}-{gender}-{stage}"]] = sex[g] * age[a] * ancestry[r]
                for m, muscles in enumerate(MUSCLES):
                    for w, heaviness in enumerate(WEIGHTS):
                        name = f"universal-{gender}-{stage}-{muscles}-{heaviness}"
                        weights[index[name]] = sex[g] * age[a] * stock[m, w]
        return weights


def load_sampler(source: Source, base: NDArray[np.floating], vertices: NDArray[np.int32]) -> Sampler:
    """Collect all targets of the head, restricted to the head's vertices."""
    names: list[str] = []
    shapes: list[NDArray[np.float32]] = []

    def add(folder: str, name: str) -> int:
        names.append(name)
        shapes.append(source.target(folder, name)[vertices].astype(np.float32))
        return len(names) - 1

    for name in source.target_names("macrodetails"):
        add("macrodetails", name)

    def number(folder: str, signed: tuple[str, str]) -> tuple[int, int]:
        return add(folder, signed[0]) if signed[0] else -1, add(folder, signed[1]) if signed[1] else -1

    pairs = []
    catalogue = json.loads((source.data / "mpfb2" / "targets" / "target.json").read_text())
    for folder, sigma in LOCAL_SIGMA.items():
        for entry in sorted(catalogue[folder]["categories"], key=lambda c: c["name"]):
            if entry["name"].startswith(LEFT_OUT):
                continue
            left, right = _sides(entry)
            pairs.append((number(folder, left), number(folder, right), sigma))
    for name in source.target_names("asym"):
        if not name.startswith("asymm-"):
            pairs.append(((add("asym", name), -1), (-1, -1), ASYMMETRY_SIGMA))
    return Sampler(base.astype(np.float32), np.stack(shapes), tuple(names), tuple(pairs))


def _sides(entry: dict) -> tuple[tuple[str, str], tuple[str, str]]:
    """(positive, negative) target names of a slider on the left and on the right; "" where there is none."""
    if "opposites" in entry:
        names = entry["opposites"]
        first = "left" if entry["has_left_and_right"] else "unsided"
        left = (names[f"positive-{first}"], names[f"negative-{first}"])
        return left, (names.get("positive-right", ""), names.get("negative-right", ""))
    left = [name for name in entry["targets"] if not name.startswith("r-")]
    right = [name for name in entry["targets"] if name.startswith("r-")]
    return (*left, "", "")[:2], (*right, "", "")[:2]


@dataclass(frozen=True)
class IdentityModel:
    """The linear model of eq. 1, without expressions."""

    mean: NDArray[np.float32]
    """(N,3) mm."""
    components: NDArray[np.float32]
    """(K,N,3) mm for one standard deviation."""
    std: NDArray[np.float32]
    """(K,) mm, standard deviation along the weighted-orthonormal direction."""


def build_identity(
    heads: NDArray[np.float32], mirror: NDArray[np.int32], weights: NDArray[np.float32], count: int
) -> IdentityModel:
    """Weighted PCA of aligned heads (S,N,3) and their mirror images.

    ``weights`` (N,) say how much an error at a vertex counts; vertices of weight 0 (eyes, teeth)
    move along by regression. Adding the mirror images makes the mean symmetric and every
    component either symmetric or antisymmetric.
    """
    flipped = heads[:, mirror] * np.array([-1, 1, 1], np.float32)
    samples = np.concatenate([heads, flipped])
    mean = samples.mean(axis=0)
    samples -= mean
    flat = samples.reshape(len(samples), -1)
    emphasis = np.repeat(np.sqrt(weights / weights.mean()), 3).astype(np.float32)
    weighted = flat * emphasis
    gram = (weighted @ weighted.T).astype(np.float64) / len(samples)
    values, vectors = np.linalg.eigh(gram)
    values, vectors = values[::-1][:count], vectors[:, ::-1][:, :count]
    components = (vectors.T.astype(np.float32) @ flat) / np.sqrt(len(samples))
    components *= _signs(components)[:, None]
    return IdentityModel(mean, components.reshape(count, -1, 3), np.sqrt(values).astype(np.float32))


def align(
    heads: NDArray[np.float32], reference: NDArray[np.float32], weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Move heads (S,N,3) rigidly (no scale: size is identity) onto a reference by weighted Procrustes."""
    w = (weights / weights.sum()).astype(np.float64)[:, None]
    target_centre = (w * reference).sum(axis=0)
    target = (reference - target_centre) * w
    out = np.empty_like(heads)
    for number, head in enumerate(heads):
        centre = (w * head).sum(axis=0)
        u, _, vt = np.linalg.svd((head - centre).T @ target)
        turn = u @ np.diag([1, 1, np.sign(np.linalg.det(u @ vt))]) @ vt
        out[number] = (head - centre) @ turn + target_centre
    return out


def _hat(value: float, anchors: tuple[float, ...]) -> NDArray[np.float64]:
    """Linear interpolation weights of a value among anchors."""
    return np.array([np.interp(value, anchors, row) for row in np.eye(len(anchors))])


def _signs(components: NDArray[np.float32]) -> NDArray[np.float32]:
    """Eigenvectors have no sign of their own: fix it, so that a rebuild gives the same file."""
    largest = np.abs(components).argmax(axis=1)
    return np.sign(components[np.arange(len(components)), largest])
