"""A reconstruction as files for other programs: GLB, NPZ, PLY and a report."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import cv2
import numpy as np
import trimesh
from numpy.typing import NDArray
from trimesh.exchange.gltf import export_glb
from trimesh.visual import TextureVisuals
from trimesh.visual.material import PBRMaterial

from .files import write_file
from .frames import MM_PER_M
from .normals import vertex_normals
from .raster import triangulate
from .reconstruction import Reconstruction, TexturedMesh
from .repose import posed_vertices
from .wire import encode_png

JPEG_QUALITY = 95
UNLIT = "KHR_materials_unlit"
"""glTF extension for textures that already contain the light, as a photo does."""


@dataclass(frozen=True)
class Surface:
    """Triangles of several meshes together."""

    vertices_cam: NDArray[np.float32]
    """(N,3) mm, camera space of the photo, with the photo's expression."""
    triangles: NDArray[np.int64]
    """(T,3)."""
    uvs: NDArray[np.float32]
    """(T,3,2), v up."""
    mesh_index: NDArray[np.uint8]
    """(T,) which mesh each triangle belongs to."""
    mesh_names: tuple[str, ...]


def head_surface(reconstruction: Reconstruction, *, with_body: bool = False) -> Surface:
    """All visible meshes of the head as the photo's camera sees them."""
    meshes = [mesh for mesh in reconstruction.meshes if mesh.visible and (mesh.follows_head or with_body)]
    vertices, triangles, uvs, index = [], [], [], []
    start = 0
    for number, mesh in enumerate(meshes):
        cut = triangulate(mesh.polygons)
        vertices.append(reconstruction.pose.to_camera(posed_vertices(reconstruction, mesh)))
        triangles.append(cut.vertices + start)
        uvs.append(cut.of_corners(mesh.uvs))
        index.append(np.full(len(cut.vertices), number, np.uint8))
        start += len(mesh.vertices)
    return Surface(
        np.concatenate(vertices).astype(np.float32),
        np.concatenate(triangles),
        np.concatenate(uvs),
        np.concatenate(index),
        tuple(mesh.name for mesh in meshes),
    )


def glb_bytes(reconstruction: Reconstruction) -> bytes:
    """Visible meshes as binary glTF: metres, y up, the face looks along +z, origin at the head centre.

    Nodes carry the names of the meshes. The expression is that of the photo. Textures contain the
    photo's light, so materials are unlit (with a rough white one for programs that cannot).
    """
    scene = trimesh.Scene()
    materials: dict[tuple[str, bool], PBRMaterial] = {}
    for mesh in reconstruction.meshes:
        if mesh.visible and len(mesh.polygons):
            key = (mesh.image, mesh.has_alpha)
            if key not in materials:
                materials[key] = _material(mesh, reconstruction.images[mesh.image])
            geometry = _geometry(reconstruction, mesh, materials[key])
            scene.add_geometry(geometry, node_name=mesh.name, geom_name=mesh.name)
    return export_glb(scene, include_normals=True, tree_postprocessor=_make_unlit)


def _geometry(reconstruction: Reconstruction, mesh: TexturedMesh, material: PBRMaterial) -> trimesh.Trimesh:
    """One mesh with a vertex for each different pair of position and texture coordinate."""
    cut = triangulate(mesh.polygons)
    positions = posed_vertices(reconstruction, mesh)
    normals = vertex_normals(positions, cut.vertices)
    corners = cut.vertices.reshape(-1)
    uvs = np.ascontiguousarray(cut.of_corners(mesh.uvs).reshape(-1, 2), np.float32)
    pairs = np.concatenate([corners[:, None], uvs.view(np.int32)], axis=1)
    _, first, joined = np.unique(pairs, axis=0, return_index=True, return_inverse=True)
    return trimesh.Trimesh(
        vertices=positions[corners[first]] / MM_PER_M,
        faces=joined.reshape(-1, 3),
        vertex_normals=normals[corners[first]],
        visual=TextureVisuals(uv=uvs[first], material=material),
        process=False,
    )


def _material(mesh: TexturedMesh, pixels: NDArray[np.uint8]) -> PBRMaterial:
    return PBRMaterial(
        name=mesh.image,
        baseColorTexture=EncodedPicture.of(pixels, keep_alpha=mesh.has_alpha),
        metallicFactor=0.0,
        roughnessFactor=1.0,
        alphaMode=_alpha_mode(mesh),
        alphaCutoff=0.5 if _alpha_mode(mesh) == "MASK" else None,
        doubleSided=True,
    )


def _alpha_mode(mesh: TexturedMesh) -> str:
    """glTF's name for the mesh's edge. Viewers sort blended meshes as a whole, so only thin layers blend:
    a face that ends in its collar is cut out instead."""
    if not mesh.has_alpha:
        return "OPAQUE"
    return "MASK" if mesh.name in ("face", "back") else "BLEND"


class EncodedPicture:
    """A finished picture file where trimesh expects a Pillow image, which it would encode slowly again."""

    def __init__(self, data: bytes, kind: str) -> None:
        self.format = kind
        self.data = data

    @staticmethod
    def of(pixels: NDArray[np.uint8], *, keep_alpha: bool) -> EncodedPicture:
        """JPEG, or PNG where alpha is needed."""
        if keep_alpha:
            return EncodedPicture(encode_png(pixels), "PNG")
        bgr = cv2.cvtColor(np.ascontiguousarray(pixels[..., :3]), cv2.COLOR_RGB2BGR)
        _, data = cv2.imencode(".jpg", bgr, (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY))
        return EncodedPicture(data.tobytes(), "JPEG")

    def save(self, file: IO[bytes], format: str) -> None:  # noqa: A002 - Pillow's name
        """Write the file as it is."""
        file.write(self.data)

    def tobytes(self) -> bytes:
        """What trimesh hashes materials by."""
        return self.data


def _make_unlit(tree: dict[str, Any]) -> None:
    tree["extensionsUsed"] = sorted({*tree.get("extensionsUsed", ()), UNLIT})
    for material in tree["materials"]:
        material["extensions"] = {UNLIT: {}}


def npz_bytes(reconstruction: Reconstruction) -> bytes:
    """Everything that numbers can say, for ``numpy.load(allow_pickle=False)``.

    ``vertices`` (N,3) camera space mm, ``faces`` (T,3), ``uvs`` (T,3,2), ``mesh_index`` (T,) into
    ``mesh_names``, ``identity`` (K,) standard deviations, ``expression`` (E,) with
    ``expression_names``, ``camera_matrix`` (3,3) with ``image_size`` (width, height), and
    ``rotation`` (3,3) with ``translation_mm`` (3,) from the head to the camera; where it was estimated,
    ``light`` (9,3), see :mod:`backend.harmonics`.
    """
    surface = head_surface(reconstruction, with_body=True)
    camera, pose = reconstruction.camera, reconstruction.pose
    light = {} if reconstruction.light is None else {"light": reconstruction.light}
    stream = io.BytesIO()
    np.savez_compressed(
        stream,
        **light,
        vertices=surface.vertices_cam,
        faces=surface.triangles.astype(np.int32),
        uvs=surface.uvs,
        mesh_index=surface.mesh_index,
        mesh_names=np.array(surface.mesh_names),
        identity=reconstruction.identity,
        expression=reconstruction.expression,
        expression_names=np.array(reconstruction.expression_names),
        camera_matrix=camera.matrix,
        image_size=np.array([camera.width, camera.height]),
        rotation=pose.rotation,
        translation_mm=pose.translation_mm,
    )
    return stream.getvalue()


def ply_bytes(vertices: NDArray[np.floating], triangles: NDArray[np.integer]) -> bytes:
    """Vertices (N,3) and triangles (T,3) as binary PLY in whatever frame and unit they are."""
    data = trimesh.Trimesh(vertices, triangles, process=False).export(file_type="ply")
    assert isinstance(data, bytes)
    return data


def report(reconstruction: Reconstruction, device: str) -> dict[str, Any]:
    """What happened, for ``report.json``: device, timings, pose, counts, warnings, interim stages."""
    timings = {name: round(value, 1) for name, value in reconstruction.timings_ms.items()}
    return {
        "device": device,
        "timings_ms": {**timings, "total": round(sum(reconstruction.timings_ms.values()), 1)},
        "pose_deg": {name: round(value, 2) for name, value in reconstruction.pose.angles_deg.items()},
        "counts": {
            mesh.name: {"vertices": len(mesh.vertices), "polygons": len(mesh.polygons)}
            for mesh in reconstruction.meshes
        },
        "surprise": {group: round(value, 2) for group, value in reconstruction.surprise.items()},
        "warnings": list(reconstruction.warnings),
        "interim": list(reconstruction.interim),
        "model": reconstruction.model,
    }


def json_bytes(value: dict[str, Any]) -> bytes:
    """A report as readable JSON."""
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def write_glb(reconstruction: Reconstruction, path: Path) -> None:
    """Write :func:`glb_bytes`; StorageFailed if the disk does not take it."""
    write_file(path, glb_bytes(reconstruction))


def write_npz(reconstruction: Reconstruction, path: Path) -> None:
    """Write :func:`npz_bytes`; StorageFailed if the disk does not take it."""
    write_file(path, npz_bytes(reconstruction))


def write_ply(vertices: NDArray[np.floating], triangles: NDArray[np.integer], path: Path) -> None:
    """Write :func:`ply_bytes`; StorageFailed if the disk does not take it."""
    write_file(path, ply_bytes(vertices, triangles))
