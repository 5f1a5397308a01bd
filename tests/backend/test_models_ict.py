"""ICT-FaceKit: its folder of OBJ files becomes a head with ARKit's names and one unit square a part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from model_files import write_ict

from backend.errors import ModelUnusable
from backend.models.ict import FACE_SHARE, LANDMARKS_68, PARTS, SKIN_FACE, read
from backend.models.raw import RawModel
from backend.models.registry import format_of, read_model


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ict")
    (path / "FaceXModel").mkdir()
    write_ict(path / "FaceXModel")
    return path


@pytest.fixture(scope="module")
def raw(repository: Path) -> RawModel:
    return read(repository)


def test_centimetres_and_displacements(raw: RawModel) -> None:
    np.testing.assert_allclose(np.linalg.norm(raw.mean[10_000:], axis=1), 80.0, atol=1e-3)
    np.testing.assert_allclose(raw.identity[0, :, 1], 5.0, atol=1e-3)
    np.testing.assert_allclose(raw.identity[1, :, 1], -2.5, atol=1e-3)


def test_expressions_have_arkits_names_and_its_halves_are_added(raw: RawModel) -> None:
    assert raw.expression_names == ("browInnerUp", "jawOpen", "eyeBlinkLeft")
    np.testing.assert_allclose(raw.expression[:, :, 1].T, [[3.0, 4.0, 3.0]] * len(raw.mean), atol=1e-3)


def test_skin_tiles_share_one_square(raw: RawModel) -> None:
    assert raw.uvs is not None
    start, stop = SKIN_FACE
    np.testing.assert_allclose(
        raw.uvs[start:stop, 0], [[0.25, 1 - FACE_SHARE / 2]] * (stop - start), atol=1e-6
    )
    np.testing.assert_allclose(raw.uvs[stop, 0], [0.25, (1 - FACE_SHARE) / 2], atol=1e-6)


def test_shading_helpers_stay_out(repository: Path) -> None:
    model = read_model(repository)
    assert len(model.polygons) == sum(stop - start for start, stop in PARTS.values())
    assert model.commercial_use
    assert model.licence_notice is None
    assert model.regions["mouth_inside"].sum() == 13294 - 11248
    assert not (model.regions["mouth_inside"] & model.regions["face"]).any()
    assert model.landmarks_68.vertices[30, 0] == LANDMARKS_68[30]


def test_it_is_known_by_its_content(repository: Path) -> None:
    assert format_of(repository).key == format_of(repository / "FaceXModel").key == "ict"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("vertex_indices.json", b"{", "damaged"),
        ("vertex_indices.json", b'{"expressions": ["../../secret"]}', "names no expressions"),
        ("jawOpen.obj", b"v 1 2 3\n", "1 points instead"),
        ("identity001.obj", b"v 1 2 nan\n", "damaged"),
        ("generic_neutral_mesh.obj", b"v 0 0 0\nf 1 2 3 4 5\n", "neither triangles nor quads"),
        ("generic_neutral_mesh.obj", b"v 0 0 0\nf 1 2 9\n", "points that it does not have"),
        ("generic_neutral_mesh.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "26,719"),
        ("generic_neutral_mesh.obj", b"", "no mesh"),
    ],
)
def test_a_damaged_file_is_named(
    repository: Path, tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    for file in (repository / "FaceXModel").iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / name).unlink()
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelUnusable, match=words):
        read(tmp_path)
