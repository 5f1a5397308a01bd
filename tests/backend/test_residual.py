"""The smooth residual against the dense problem that it solves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backend.morphable import LandmarkEmbedding, load_head_model
from backend.residual import ResidualSmoother, graph_laplacian


def _grid(side: int) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[:side, :side]
    points = np.stack([x, y, 0 * x], -1).reshape(-1, 3).astype(np.float32)
    first = (np.arange(side - 1)[:, None] * side + np.arange(side - 1)).ravel()
    return points, np.stack([first, first + 1, first + side + 1, first + side], 1).astype(np.int32)


def test_laplacian_against_a_loop_over_the_edges() -> None:
    points, quads = _grid(4)
    neighbours: dict[int, set[int]] = {n: set() for n in range(len(points))}
    for quad in quads:
        for a, b in zip(quad, np.roll(quad, -1), strict=True):
            neighbours[a].add(b)
            neighbours[b].add(a)
    naive = np.eye(len(points))
    for n, around in neighbours.items():
        naive[n, list(around)] = -1 / len(around)
    np.testing.assert_allclose(graph_laplacian(quads, len(points)).toarray(), naive)


def test_spread_is_the_least_of_its_energy() -> None:
    points, quads = _grid(5)
    rng = np.random.default_rng(0)
    embedding = LandmarkEmbedding(
        np.array([[0, 1, 5], [12, 13, 17], [22, 23, 24]], np.int32),
        rng.dirichlet(np.ones(3), 3).astype(np.float32),
    )
    model = replace(load_head_model(), mean=points, polygons=quads, landmarks_478=embedding)
    confidence, wanted = np.array([1.0, 0.5, 0.0]), rng.normal(size=(3, 3))
    found = ResidualSmoother(model, confidence, 2.0, 0.01).spread(wanted)
    laplacian = graph_laplacian(quads, 25).toarray()
    embed = np.zeros((3, 25))
    np.add.at(embed, (np.arange(3)[:, None], embedding.vertices), embedding.weights)
    rows = np.concatenate([np.sqrt(2.0) * laplacian, np.sqrt(confidence)[:, None] * embed, 0.1 * np.eye(25)])
    sides = np.concatenate([np.zeros((25, 3)), np.sqrt(confidence)[:, None] * wanted, np.zeros((25, 3))])
    np.testing.assert_allclose(found, np.linalg.lstsq(rows, sides, rcond=None)[0], atol=1e-6)
