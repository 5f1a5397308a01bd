"""The geometry measure on a synthetic ball, whose true distances are known."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from backend.camera import Camera
from backend.errors import NoFaceFound
from backend.evaluate import CameraMesh, DatasetBroken, EvaluationItem, FolderPredictor, evaluate_geometry
from backend.evaluate.align import Similarity
from backend.frames import rotation_from_angles
from backend.raster import rasterize_arrays
from backend.raster.benchmark import ball

SIZE = 64
CAMERA = Camera(150.0, 150.0, 31.5, 31.5, SIZE, SIZE)
CENTRE = np.array([0.0, 0.0, 600.0])
RADIUS = 100.0


def bumpy_ball(hair_mm: float = 0.0) -> CameraMesh:
    """A ball with a nose, a brow and a chin, so that no rotation goes unseen; hair lifts its upper part."""
    vertices, triangles = ball(50, 60, 1.0)
    lift = np.zeros(len(vertices))
    for direction, height, width in (
        ((0, 0, -1), 22, 0.25),
        ((0.3, -0.2, -0.9), 12, 0.2),
        ((-0.3, 0.4, -0.9), 14, 0.2),
    ):
        unit = np.array(direction) / np.linalg.norm(direction)
        lift += height * np.exp(-((vertices - unit) ** 2).sum(1) / width**2)
    lift += hair_mm * (vertices[:, 1] < -0.5)
    return CameraMesh(vertices * (RADIUS + lift)[:, None] + CENTRE, triangles)


@dataclass(frozen=True)
class Scripted:
    """Gives the same mesh for every item, or refuses."""

    answer: CameraMesh | None

    def mesh(self, item: EvaluationItem) -> CameraMesh:
        if self.answer is None:
            raise NoFaceFound("No face was found.")
        return self.answer


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Two photos of the bumpy ball: face below, hair above, a frame of background."""
    truth = bumpy_ball()
    seen = rasterize_arrays(truth.vertices_cam, truth.triangles, CAMERA)
    depth = np.where(seen.covered, seen.depth, np.nan).astype(np.float32)
    rows = np.arange(SIZE)[:, None]
    regions = np.where(seen.covered, np.where(rows < 18, 2, 1), 0).astype(np.uint8)
    lines = []
    for name in ("one", "two"):
        Image.new("RGB", (SIZE, SIZE)).save(tmp_path / f"{name}.png")
        np.save(tmp_path / f"{name}.npy", depth)
        Image.fromarray(regions).save(tmp_path / f"{name}_r.png")
        camera = {"fx": CAMERA.fx, "fy": CAMERA.fy, "cx": CAMERA.cx, "cy": CAMERA.cy}
        lines.append(
            json.dumps(
                {
                    "id": name,
                    "image": f"{name}.png",
                    "camera": camera,
                    "depth": f"{name}.npy",
                    "regions": f"{name}_r.png",
                }
            )
        )
    (tmp_path / "manifest.jsonl").write_text("\n".join(lines))
    return tmp_path


def test_the_truth_itself_has_no_error(dataset):
    result = evaluate_geometry(dataset, Scripted(bumpy_ball()))
    assert result["n"] == 2
    assert [image["id"] for image in result["per_image"]] == ["one", "two"]
    for region in (result["face"], result["non_face"], *(image["face"] for image in result["per_image"])):
        assert set(region) == {"mean_mm", "median_mm", "coverage"}
        assert region["mean_mm"] < 0.01
        assert region["coverage"] == 1.0


@pytest.mark.parametrize(
    "similarity",
    [
        Similarity(1.0, np.eye(3), np.array([6.0, -4.0, 30.0])),
        Similarity(1.15, np.eye(3), np.array([0.0, 0.0, 40.0])),
        Similarity(0.95, rotation_from_angles(4, -3, 5) @ np.diag([1, -1, -1]), np.array([3.0, 2.0, 20.0])),
    ],
    ids=["shifted", "larger", "turned"],
)
def test_a_similarity_is_aligned_away(dataset, similarity):
    truth = bumpy_ball()
    moved = CameraMesh(similarity.apply(truth.vertices_cam - CENTRE) + CENTRE, truth.triangles)
    result = evaluate_geometry(dataset, Scripted(moved))
    assert result["face"]["mean_mm"] < 0.3
    assert result["non_face"]["mean_mm"] < 0.6


def test_hair_that_is_too_thick_by_ten_millimetres_says_so(dataset):
    """The face decides the alignment, so the hair's error is not shared out."""
    result = evaluate_geometry(dataset, Scripted(bumpy_ball(hair_mm=10.0)))
    assert result["face"]["median_mm"] < 0.2
    assert result["non_face"]["median_mm"] == pytest.approx(10.0, abs=0.8)
    assert result["non_face"]["coverage"] == 1.0


def test_hair_that_is_missing_costs_coverage(dataset):
    truth = bumpy_ball()
    below = (truth.vertices_cam[truth.triangles][..., 1] > CENTRE[1] - 50).all(1)
    result = evaluate_geometry(dataset, Scripted(CameraMesh(truth.vertices_cam, truth.triangles[below])))
    assert result["face"]["mean_mm"] < 0.2
    assert 0.05 < result["non_face"]["coverage"] < 0.95
    assert result["non_face"]["mean_mm"] > 5


@pytest.mark.parametrize(
    "answer",
    [
        None,
        CameraMesh(np.zeros((0, 3)), np.zeros((0, 3), int)),
        CameraMesh(bumpy_ball().vertices_cam + np.array([900.0, 0, 0]), bumpy_ball().triangles),
    ],
    ids=["refused", "empty", "elsewhere"],
)
def test_a_miss_is_counted_and_not_dropped(dataset, answer):
    result = evaluate_geometry(dataset, Scripted(answer))
    miss = {"mean_mm": None, "median_mm": None, "coverage": 0.0}
    assert result["n"] == 2
    assert result["face"] == result["non_face"] == result["per_image"][1]["face"] == miss
    if answer is None:
        assert result["per_image"][0]["refused"] == "No face was found."


def test_saved_meshes_score_the_same(dataset, tmp_path):
    saved = tmp_path / "saved"
    first = evaluate_geometry(dataset, Scripted(bumpy_ball(5.0)), saved)
    assert sorted(path.name for path in saved.iterdir()) == ["one.ply", "two.ply"]
    again = evaluate_geometry(dataset, FolderPredictor(saved))
    assert again["non_face"]["mean_mm"] == pytest.approx(first["non_face"]["mean_mm"], abs=1e-3)
    (saved / "two.ply").unlink()
    without = evaluate_geometry(dataset, FolderPredictor(saved))
    assert without["per_image"][1]["face"]["coverage"] == 0.0
    assert "two.ply" in without["per_image"][1]["refused"]
    assert without["face"]["coverage"] == 0.5
    (saved / "two.ply").write_bytes(b"no ply")
    with pytest.raises(DatasetBroken, match=r"two\.ply"):
        evaluate_geometry(dataset, FolderPredictor(saved))


def test_a_point_cloud_is_no_surface(dataset):
    cloud = trimesh.PointCloud(bumpy_ball().vertices_cam).export(file_type="ply")
    for name in ("one", "two"):
        (dataset / f"{name}.ply").write_bytes(cloud)
    with pytest.raises(DatasetBroken, match="no triangles"):
        evaluate_geometry(dataset, FolderPredictor(dataset))
