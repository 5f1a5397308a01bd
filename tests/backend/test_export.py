"""What leaves for other programs: read back by other readers than wrote it."""

from __future__ import annotations

import io
import json
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh
from backend_fakes import small_reconstruction

from backend.export import (
    glb_bytes,
    head_surface,
    json_bytes,
    npz_bytes,
    ply_bytes,
    report,
    write_glb,
    write_npz,
    write_ply,
)
from backend.repose import posed_vertices


def glb_tree(data: bytes) -> dict:
    """The JSON chunk of a GLB file by the letter of the glTF 2.0 specification."""
    magic, version, length = struct.unpack("<4sII", data[:12])
    assert (magic, version, length) == (b"glTF", 2, len(data))
    size, kind = struct.unpack("<I4s", data[12:20])
    assert kind == b"JSON"
    return json.loads(data[20 : 20 + size])


def test_glb_holds_the_visible_meshes_by_name() -> None:
    scene = trimesh.load(io.BytesIO(glb_bytes(small_reconstruction())), file_type="glb")
    assert sorted(scene.geometry) == ["body", "face", "hair"]
    assert {"face", "hair", "body"} <= set(scene.graph.nodes)


def test_glb_is_in_metres_with_the_face_towards_plus_z() -> None:
    reconstruction = small_reconstruction()
    scene = trimesh.load(io.BytesIO(glb_bytes(reconstruction)), file_type="glb")
    face = scene.geometry["face"]
    expected = posed_vertices(reconstruction, reconstruction.mesh("face")) / 1000
    distance = np.linalg.norm(face.vertices[:, None] - expected[None], axis=-1)
    assert distance.min(axis=1).max() < 1e-6
    assert distance.min(axis=0).max() < 1e-6
    assert face.face_normals[:, 2].min() > 0.9
    assert face.vertex_normals[:, 2].min() > 0.9


def test_glb_keeps_texture_coordinates_at_their_corners() -> None:
    """The square's left lower corner shows the picture's left lower corner (glTF counts v downwards)."""
    reconstruction = small_reconstruction()
    scene = trimesh.load(io.BytesIO(glb_bytes(reconstruction)), file_type="glb")
    face = scene.geometry["face"]
    corner = np.argmin(face.vertices[:, 0] + face.vertices[:, 1])
    np.testing.assert_allclose(face.visual.uv[corner], [0, 0], atol=1e-6)


def test_glb_materials() -> None:
    tree = glb_tree(glb_bytes(small_reconstruction()))
    materials = {material["name"]: material for material in tree["materials"]}
    assert materials["face"]["alphaMode"] == "OPAQUE"
    assert materials["hair"]["alphaMode"] == "BLEND"
    assert "KHR_materials_unlit" in tree["extensionsUsed"]
    assert all("KHR_materials_unlit" in material["extensions"] for material in tree["materials"])
    assert sorted(image["mimeType"] for image in tree["images"]) == ["image/jpeg", "image/png", "image/png"]


def test_glb_pictures_keep_their_colours() -> None:
    reconstruction = small_reconstruction()
    scene = trimesh.load(io.BytesIO(glb_bytes(reconstruction)), file_type="glb")
    hair = np.asarray(scene.geometry["hair"].visual.material.baseColorTexture)
    np.testing.assert_array_equal(hair, reconstruction.images["hair"])


def test_npz_is_in_the_camera_and_needs_no_pickle() -> None:
    reconstruction = small_reconstruction()
    with np.load(io.BytesIO(npz_bytes(reconstruction)), allow_pickle=False) as file:
        arrays = dict(file)
    assert arrays["mesh_names"].tolist() == ["face", "hair", "body"]
    assert arrays["faces"].max() < len(arrays["vertices"])
    assert arrays["uvs"].shape == (*arrays["faces"].shape, 2)
    face = reconstruction.pose.to_camera(posed_vertices(reconstruction, reconstruction.mesh("face")))
    np.testing.assert_allclose(arrays["vertices"][:4], face, rtol=1e-6)
    np.testing.assert_array_equal(arrays["identity"], reconstruction.identity)
    assert dict(zip(arrays["expression_names"], arrays["expression"], strict=True)).keys() == {
        "jawOpen",
        "mouthClose",
    }
    in_pixels = arrays["vertices"] @ arrays["camera_matrix"].T
    np.testing.assert_allclose(
        in_pixels[:4, :2] / in_pixels[:4, 2:], reconstruction.camera.project(face), rtol=1e-5
    )


def test_npz_has_light_where_it_was_estimated() -> None:
    light = np.arange(27, dtype=np.float32).reshape(9, 3)
    for known, expected in ((light, light), (None, None)):
        data = npz_bytes(replace(small_reconstruction(), light=known))
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            found = file["light"] if "light" in file.files else None
        np.testing.assert_array_equal(found, expected)


def test_the_head_leaves_its_body_behind() -> None:
    assert head_surface(small_reconstruction()).mesh_names == ("face", "hair")


def test_ply_survives() -> None:
    surface = head_surface(small_reconstruction())
    mesh = trimesh.load(
        io.BytesIO(ply_bytes(surface.vertices_cam, surface.triangles)), file_type="ply", process=False
    )
    np.testing.assert_allclose(mesh.vertices, surface.vertices_cam, rtol=1e-6)
    np.testing.assert_array_equal(mesh.faces, surface.triangles)


def test_the_report_counts() -> None:
    text = report(small_reconstruction(), "CPU")
    assert text["counts"]["face"] == {"vertices": 4, "polygons": 1}
    assert text["timings_ms"] == {"fit": 12.5, "total": 12.5}
    assert text["pose_deg"] == pytest.approx({"yaw": 10, "pitch": 5, "roll": 2}, abs=0.01)
    assert json.loads(json_bytes(text)) == text


def test_writers_write(tmp_path: Path) -> None:
    reconstruction = small_reconstruction()
    surface = head_surface(reconstruction)
    write_glb(reconstruction, tmp_path / "head.glb")
    write_npz(reconstruction, tmp_path / "head.npz")
    write_ply(surface.vertices_cam, surface.triangles, tmp_path / "head.ply")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["head.glb", "head.npz", "head.ply"]
