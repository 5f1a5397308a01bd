"""Names the parts of the skin: which vertices are face, ear, lid, lip, neck, mouth cavity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from .source import BaseMesh, Source
from .topology import PART_NAMES, Topology, boundary_loops, edges_of

Mask = NDArray[np.bool_]

LIP_RINGS = 7
"""Edge rings of hm08 from the line between the lips to the border of the lips' red."""

EYELID_RINGS = 6
"""Edge rings of hm08 from the lid margin to the fold of the upper lid."""

EAR_CANAL_LEFT = 12137
"""hm08 vertex in the depth of the left ear."""

EAR_RINGS = 10
"""Edge rings of hm08 from the ear canal to the root of the ear."""

EAR_RIM_SIDE_MM = 82.0
"""The rim of the ear stands out farther than any other part of the side of hm08's head."""

BROW_ABOVE_EYE_MM = (12.0, 25.0)
BROW_SIDE_MM = (9.0, 58.0)
"""Where brows grow, from the eyeball's centre up and from the middle out."""

NOSE_SHARE = 0.3
"""hm08's slider that moves the nose shows where it is: the share of its peak that still counts."""


def ears(source: Source, topology: Topology) -> dict[str, Mask]:
    """Masks (N,) of both ears, needed before the head has an origin."""
    canals = {"ear_left": EAR_CANAL_LEFT, "ear_right": source.mirror()[EAR_CANAL_LEFT]}
    skin = topology.part_vertices("skin")
    width = np.abs(source.base().vertices[topology.source_vertex, 0])
    masks = {}
    for name, canal in canals.items():
        rings = ring_distance(topology.polygons, topology.source_vertex == canal)
        rim = (rings <= EAR_RINGS + 3) & (width > EAR_RIM_SIDE_MM)
        masks[name] = skin & ((rings <= EAR_RINGS) | rim)
    return masks


def build_regions(
    source: Source, base: BaseMesh, topology: Topology, mean: NDArray[np.floating], mirror: NDArray[np.int32]
) -> dict[str, Mask]:
    """All masks (N,) over a mean head (N,3) in the head frame (mm).

    face, scalp, ear_left, ear_right, neck and mouth_inside, socket_left, socket_right cover the skin
    without overlap; the others are details inside them or parts of their own.
    """
    skin = topology.part_vertices("skin")
    islands = seam_islands(base, topology)
    rings = {
        name: ring_distance(topology.polygons, islands[name])
        for name in ("mouth", "socket_left", "socket_right")
    }
    regions = {name: topology.part_vertices(name) for name in PART_NAMES if name != "skin"}
    regions |= ears(source, topology)
    regions["skin"] = skin
    inner = {name: rings[name] == 0 for name in rings}
    margin = {name: _loop_mask(base, topology, name) for name in rings}
    regions["mouth_inside"] = inner["mouth"] & ~margin["mouth"]
    regions["socket_left"] = inner["socket_left"] & ~margin["socket_left"]
    regions["socket_right"] = inner["socket_right"] & ~margin["socket_right"]
    hidden = regions["mouth_inside"] | regions["socket_left"] | regions["socket_right"]
    regions["lips"] = (rings["mouth"] <= LIP_RINGS) & ~hidden & skin
    lids = np.minimum(rings["socket_left"], rings["socket_right"]) <= EYELID_RINGS
    regions["eyelids"] = lids & ~hidden & skin
    ears_mask = regions["ear_left"] | regions["ear_right"]
    open_skin = skin & ~hidden & ~ears_mask
    regions["neck"] = open_skin & _below_jaw(mean, islands["neck"])
    regions["face"] = open_skin & ~regions["neck"] & _in_front(mean)
    regions["scalp"] = open_skin & ~regions["neck"] & ~regions["face"]
    slide = np.linalg.norm(source.target("nose", "nose-trans-forward")[topology.source_vertex], axis=1)
    regions["nose"] = regions["face"] & (slide > NOSE_SHARE * slide.max()) & ~regions["lips"]
    regions["brows"] = regions["face"] & _brow_band(mean, regions["eye_left"])
    regions["jaw"] = regions["face"] & (mean[:, 1] < -60.0)
    lower = np.flatnonzero(np.isin(base.groups, ["helper-lower-teeth"]))
    regions["teeth_lower"] = np.isin(topology.source_vertex, base.polygons[lower])
    _check_symmetric(regions, mirror)
    return regions


def _in_front(mean: NDArray[np.floating]) -> Mask:
    """Forehead to chin, ear to ear: the side border stands before the ears and leans with the temple."""
    x, y, z = mean.T
    hairline = y < 85.0 - 0.012 * x**2 / 1.6
    before_ear = z > 14.0 + 0.5 * np.maximum(y - 10.0, 0.0)
    below_ear = (y < -15.0) & (z > 0.0)
    side = before_ear | below_ear
    return hairline & side


def _below_jaw(mean: NDArray[np.floating], island: Mask) -> Mask:
    """The neck island of hm08 and what lies under the line from chin to jaw angle to nape."""
    _, y, z = mean.T
    jaw = np.interp(z, [-110.0, -60.0, -20.0, 0.0, 15.0, 75.0], [-35.0, -42.0, -35.0, -40.0, -66.0, -108.0])
    return island | (y < jaw)


def _brow_band(mean: NDArray[np.floating], eye_left: Mask) -> Mask:
    eye = mean[eye_left].mean(axis=0)
    above, side = mean[:, 1] - eye[1], np.abs(mean[:, 0])
    band = (above > BROW_ABOVE_EYE_MM[0]) & (above < BROW_ABOVE_EYE_MM[1])
    return band & (side > BROW_SIDE_MM[0]) & (side < BROW_SIDE_MM[1])


def seam_islands(base: BaseMesh, topology: Topology) -> dict[str, Mask]:
    """hm08's own UV islands of the skin as vertex masks: head, neck, mouth, socket_left, socket_right.

    Its seams run along the lid margins and the line between the lips.
    """
    skin = topology.part == 0
    quads = topology.polygons[skin]
    label = seam_island_of_polygons(base, topology)
    masks: dict[str, Mask] = {}
    for number in range(label.max() + 1):
        mask = np.zeros(len(topology.source_vertex), np.bool_)
        mask[quads[label == number]] = True
        masks[_island_name(base.vertices[topology.source_vertex[mask]], (label == number).sum())] = mask
    return masks


def seam_island_of_polygons(base: BaseMesh, topology: Topology) -> NDArray[np.int32]:
    """(Qskin,) number of the hm08 UV island of every skin quad."""
    uvs = base.uvs[topology.source_polygon[topology.part == 0]]
    _, index = np.unique(np.round(uvs.reshape(-1, 2), 5), axis=0, return_inverse=True)
    corner = index.reshape(-1, 4)
    edges = edges_of(corner)
    size = corner.max() + 1
    graph = coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), (size, size))
    return connected_components(graph, directed=False)[1][corner[:, 0]]


def skin_islands(base: BaseMesh, topology: Topology) -> NDArray[np.int32]:
    """(Qskin,) 0 for visible skin, 1 mouth cavity, 2 left and 3 right eye socket."""
    quads = topology.polygons[topology.part == 0]
    masks = seam_islands(base, topology)
    islands = np.zeros(len(quads), np.int32)
    for number, name in enumerate(("mouth", "socket_left", "socket_right"), start=1):
        islands[masks[name][quads].all(axis=1)] = number
    return islands


def _island_name(vertices: NDArray[np.floating], polygons: int) -> str:
    if polygons > 2000:
        return "head"
    centre = vertices.mean(axis=0)
    if abs(centre[0]) > 10.0:
        return "socket_left" if centre[0] > 0 else "socket_right"
    return "neck" if np.ptp(vertices[:, 0]) > 130.0 else "mouth"


def _loop_mask(base: BaseMesh, topology: Topology, island: str) -> Mask:
    mask = np.zeros(len(topology.source_vertex), np.bool_)
    mask[margin_loop(base, topology, island)] = True
    return mask


def margin_loop(base: BaseMesh, topology: Topology, island: str) -> NDArray[np.int32]:
    """The closed border of an island in order: lid margin of a socket, line between the lips of the mouth."""
    inside = seam_islands(base, topology)[island]
    quads = topology.polygons[topology.part == 0]
    return boundary_loops(quads[inside[quads].all(axis=1)])[0]


def ring_distance(polygons: NDArray[np.int32], start: Mask) -> NDArray[np.int32]:
    """(N,) number of quads between each vertex and a set of vertices, a large number where unreachable."""
    distance = np.where(start, 0, np.iinfo(np.int32).max).astype(np.int32)
    reached, step = start.copy(), 0
    while True:
        step += 1
        touched = np.zeros_like(reached)
        touched[polygons[reached[polygons].any(axis=1)]] = True
        fresh = touched & ~reached
        if not fresh.any():
            return distance
        distance[fresh] = step
        reached |= fresh


def _check_symmetric(regions: dict[str, Mask], mirror: NDArray[np.int32]) -> None:
    for name, mask in regions.items():
        twin = name.replace("left", "~").replace("right", "left").replace("~", "right")
        if not np.array_equal(mask, regions[twin][mirror]):
            raise ValueError(f"region {name} is not symmetric")
