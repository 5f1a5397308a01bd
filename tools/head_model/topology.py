"""Cuts head and neck out of hm08 along one of its own edge loops, and names the parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from .source import BaseMesh

NECK_LOOP_START = (1524, 1523)
"""An edge of the loop that runs round the base of the neck, through the pit of the neck."""

CROWN_VERTEX = 881
"""Top of the skull (``hm08_config.json``: Head zmax): whatever it is connected to is head."""

PART_GROUPS: dict[str, tuple[str, ...]] = {
    "eye_left": ("helper-l-eye",),
    "eye_right": ("helper-r-eye",),
    "teeth": ("helper-upper-teeth", "helper-lower-teeth"),
    "tongue": ("helper-tongue",),
    "lashes": (
        "helper-l-eyelashes-1",
        "helper-l-eyelashes-2",
        "helper-r-eyelashes-1",
        "helper-r-eyelashes-2",
    ),
}
PART_NAMES = ("skin", *PART_GROUPS)


@dataclass(frozen=True)
class Topology:
    """What of hm08 belongs to the head."""

    source_vertex: NDArray[np.int32]
    """(N,) hm08 index of every vertex of the head, ascending."""
    polygons: NDArray[np.int32]
    """(Q,4) quads in head indices."""
    part: NDArray[np.uint8]
    """(Q,) index into :data:`PART_NAMES`."""
    source_polygon: NDArray[np.int32]
    """(Q,) polygon of ``base.obj``."""
    neck_loop: NDArray[np.int32]
    """(L,) the cut, in order, in head indices."""

    def part_vertices(self, name: str) -> NDArray[np.bool_]:
        """(N,) mask of the vertices of one part."""
        mask = np.zeros(len(self.source_vertex), np.bool_)
        mask[self.polygons[self.part == PART_NAMES.index(name)]] = True
        return mask


def cut_head(base: BaseMesh) -> Topology:
    """Keep the side of the neck loop with the crown on it, and the helpers of eyes and mouth."""
    groups = np.array(base.groups)
    body = np.flatnonzero(groups == "body")
    loop = edge_loop(base.polygons[body], *NECK_LOOP_START)
    chosen = [body[_component_with(base.polygons[body], CROWN_VERTEX, loop)]]
    chosen += [np.flatnonzero(np.isin(groups, names)) for names in PART_GROUPS.values()]
    source_polygon = np.concatenate(chosen).astype(np.int32)
    part = np.repeat(np.arange(len(chosen), dtype=np.uint8), [len(c) for c in chosen])
    source_vertex = np.unique(base.polygons[source_polygon]).astype(np.int32)
    to_head = np.full(len(base.vertices), -1, np.int32)
    to_head[source_vertex] = np.arange(len(source_vertex))
    return Topology(
        source_vertex, to_head[base.polygons[source_polygon]], part, source_polygon, to_head[loop]
    )


def edges_of(polygons: NDArray[np.int32]) -> NDArray[np.int32]:
    """(4Q,2) directed edges of quads; row ``4 q + k`` runs from corner k to the next."""
    return np.stack([polygons, np.roll(polygons, -1, axis=1)], axis=-1).reshape(-1, 2)


def edge_loop(polygons: NDArray[np.int32], start: int, second: int) -> NDArray[np.int32]:
    """Follow quads straight across their vertices from an edge until the loop closes.

    Raises ValueError where the walk meets a vertex that does not join exactly four quads.
    """
    around: dict[int, list[set[int]]] = {}
    neighbours: dict[int, set[int]] = {}
    for quad in polygons:
        for k, vertex in enumerate(quad):
            around.setdefault(int(vertex), []).append(set(quad.tolist()))
            neighbours.setdefault(int(vertex), set()).update((int(quad[k - 1]), int(quad[(k + 1) % 4])))
    loop = [start, second]
    while loop[-1] != start or len(loop) == 2:
        before, here = loop[-2:]
        beside = set().union(*(quad for quad in around[here] if before in quad))
        ahead = neighbours[here] - beside
        if len(neighbours[here]) != 4 or len(ahead) != 1:
            raise ValueError(f"edge loop ends at vertex {here}")
        loop.append(ahead.pop())
    return np.array(loop[:-1], np.int32)


def boundary_loops(polygons: NDArray[np.int32]) -> list[NDArray[np.int32]]:
    """Ordered vertex loops along edges that belong to a single quad."""
    directed = edges_of(polygons)
    known = {(int(a), int(b)) for a, b in directed}
    following = {a: b for a, b in known if (b, a) not in known}
    loops = []
    while following:
        start, here = following.popitem()
        loop = [start]
        while here != start:
            loop.append(here)
            here = following.pop(here)
        loops.append(np.array(loop, np.int32))
    return sorted(loops, key=len, reverse=True)


def _component_with(
    polygons: NDArray[np.int32], vertex: int, barrier: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Which quads can be reached from a vertex across edges that do not lie in the barrier loop."""
    closed = {frozenset(pair) for pair in zip(barrier.tolist(), np.roll(barrier, -1).tolist(), strict=True)}
    owner: dict[frozenset[int], int] = {}
    links = []
    for index, edge in enumerate(edges_of(polygons).tolist()):
        key = frozenset(edge)
        if key in closed:
            continue
        if key in owner:
            links.append((owner[key], index // 4))
        else:
            owner[key] = index // 4
    a, b = np.array(links).T
    graph = coo_matrix((np.ones(len(a)), (a, b)), (len(polygons), len(polygons)))
    _, label = connected_components(graph, directed=False)
    inside = label[np.flatnonzero((polygons == vertex).any(axis=1))[0]]
    return label == inside
