"""The shipped head and the file format of models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.errors import AssetBroken
from backend.morphable import HEAD_ASSET, MorphableModel, load_head_model, load_model, save_model

MB = 1_000_000


@pytest.fixture(scope="module")
def head() -> MorphableModel:
    return load_head_model()


def edges_of(polygons: np.ndarray) -> np.ndarray:
    return np.stack([polygons, np.roll(polygons, -1, axis=1)], axis=-1).reshape(-1, 2)


def unit(head: MorphableModel, name: str) -> np.ndarray:
    return head.expression[head.expression_names.index(name)]


def test_asset_is_small_and_carries_its_card() -> None:
    assert HEAD_ASSET.stat().st_size < 8 * MB
    assert "CC0" in HEAD_ASSET.with_name("head.LICENSE.md").read_text()


def test_counts(head: MorphableModel) -> None:
    assert head.identity.shape == (80, len(head.mean), 3)
    assert len(head.expression_names) == len(set(head.expression_names)) == 52
    assert head.expression_names[0] == "eyeBlinkLeft"
    assert (np.diff(head.identity_std) <= 0).all()
    taken = head.source_vertex[head.source_vertex >= 0]
    assert len(set(taken.tolist())) == len(taken)
    np.testing.assert_array_equal(head.source_vertex < 0, head.regions["teeth"])


def test_skin_is_one_manifold_piece_that_is_open_at_the_neck_only(head: MorphableModel) -> None:
    skin = head.polygons[head.part("skin")]
    edges = edges_of(skin)
    assert len(np.unique(edges, axis=0)) == len(edges), "an edge is used twice in the same direction"
    undirected, count = np.unique(np.sort(edges, axis=1), axis=0, return_counts=True)
    assert count.max() == 2
    border = undirected[count == 1]
    vertices, degree = np.unique(border, return_counts=True)
    assert (degree == 2).all()
    assert head.mean[vertices, 1].max() < -130.0
    assert _pieces(border) == 1
    assert _pieces(undirected) == 1


def _pieces(edges: np.ndarray) -> int:
    """Connected components by naive label spreading."""
    label = {int(v): int(v) for v in np.unique(edges)}
    changed = True
    while changed:
        changed = False
        for a, b in edges.tolist():
            low = min(label[a], label[b])
            if label[a] != low or label[b] != low:
                label[a] = label[b] = low
                changed = True
    return len(set(label.values()))


def test_eyes_are_closed_balls_before_their_sockets(head: MorphableModel) -> None:
    for side, sign in (("left", 1), ("right", -1)):
        ball = head.polygons[head.part(f"eye_{side}")]
        _, count = np.unique(np.sort(edges_of(ball), axis=1), axis=0, return_counts=True)
        assert (count == 2).all()
        centre = head.eye_centre(side, head.mean)
        assert sign * centre[0] > 25.0
        radius = np.linalg.norm(head.mean[head.regions[f"eye_{side}"]] - centre, axis=1)
        assert np.ptp(radius) < 1.5


def test_size_is_that_of_a_person(head: MorphableModel) -> None:
    pupils = np.linalg.norm(head.eye_centre("left", head.mean) - head.eye_centre("right", head.mean))
    skin = head.mean[head.regions["skin"]]
    chin = head.landmarks_68.of(head.mean)[8]
    assert 58 < pupils < 67
    assert 205 < skin[:, 1].max() - chin[1] < 245


def test_origin_lies_between_the_ears(head: MorphableModel) -> None:
    ears = head.mean[head.regions["ear_left"] | head.regions["ear_right"]]
    np.testing.assert_allclose((ears.min(axis=0) + ears.max(axis=0)) / 2, 0, atol=0.5)


def test_mean_is_its_own_mirror_image(head: MorphableModel) -> None:
    np.testing.assert_array_equal(head.mirror[head.mirror], np.arange(len(head.mean)))
    np.testing.assert_allclose(head.mean[head.mirror] * [-1, 1, 1], head.mean, atol=0.01)


def test_components_are_even_or_odd_under_mirroring(head: MorphableModel) -> None:
    flipped = head.identity[:, head.mirror] * np.array([-1, 1, 1], np.float32)
    even = np.abs(flipped - head.identity).max(axis=(1, 2))
    odd = np.abs(flipped + head.identity).max(axis=(1, 2))
    assert (np.minimum(even, odd) < 0.1).all()


def test_left_is_the_subjects_left(head: MorphableModel) -> None:
    left, right = unit(head, "eyeBlinkLeft"), unit(head, "eyeBlinkRight")
    moved = np.linalg.norm(left, axis=1) > 1.0
    assert (head.mean[moved, 0] > 0).all()
    np.testing.assert_allclose(right[head.mirror] * [-1, 1, 1], left, atol=0.3)


def test_blink_closes_the_eye(head: MorphableModel) -> None:
    upper, lower = [385, 386, 387], [380, 374, 373]
    open_, shut = head.mean, head.mean + unit(head, "eyeBlinkLeft")
    gap_open = head.landmarks_478.of(open_)[upper, 1] - head.landmarks_478.of(open_)[lower, 1]
    gap_shut = head.landmarks_478.of(shut)[upper, 1] - head.landmarks_478.of(shut)[lower, 1]
    assert (gap_open > 5.0).all()
    assert (np.abs(gap_shut) < 2.5).all()


def test_jaw_carries_lower_teeth_and_tongue_and_leaves_upper_teeth(head: MorphableModel) -> None:
    fall = -unit(head, "jawOpen")[:, 1]
    lower = head.regions["teeth_lower"]
    assert fall[lower].min() > 5.0
    assert fall[head.regions["tongue"]].max() > 10.0
    assert np.abs(fall[head.regions["teeth"] & ~lower]).max() < 0.01


EXPRESSIONS: tuple[dict[str, float], ...] = (
    {},
    {"mouthSmile": 0.6, "mouthUpperUp": 0.7, "jawOpen": 0.2},
    {"jawOpen": 1.0},
    {"mouthPucker": 1.0},
    {"mouthFunnel": 1.0},
)


def shape_of(
    head: MorphableModel, weights: dict[str, float], identity: np.ndarray | None = None
) -> np.ndarray:
    """A shape by expression names, those of a pair without their side."""
    expression = np.zeros(52)
    for number, name in enumerate(head.expression_names):
        stem = name.removesuffix("Left").removesuffix("Right")
        expression[number] = weights.get(name, weights.get(stem, 0.0))
    return head.shape(np.zeros(80) if identity is None else identity, expression).astype(np.float64)


def test_bite_is_normal(head: MorphableModel) -> None:
    crowns = head.regions["teeth"] & ~head.regions["gums"] & (np.abs(head.mean[:, 0]) < 4.0)
    lower = crowns & head.regions["teeth_lower"]
    upper = crowns & ~lower
    lips = head.landmarks_478.of(head.mean)
    overlap = head.mean[lower, 1].max() - head.mean[upper, 1].min()
    assert 2.0 < overlap < 3.5
    inner_edge = head.mean[upper][head.mean[upper, 1] < head.mean[upper, 1].min() + 1.0, 2].min()
    assert 1.0 < inner_edge - head.mean[lower, 2].max() < 3.5
    assert 4.0 < lips[13, 2] - head.mean[upper, 2].max() < 12.0
    assert 2.0 < lips[13, 1] - head.mean[upper, 1].min() < 6.0


def test_a_smile_shows_the_upper_arch_from_corner_to_corner(head: MorphableModel) -> None:
    shape = shape_of(head, EXPRESSIONS[1])
    points = head.landmarks_478.of(shape)
    teeth = head.regions["teeth"] & ~head.regions["teeth_lower"]
    gums = teeth & head.regions["gums"]
    assert np.ptp(shape[teeth, 0]) > np.linalg.norm(points[78] - points[308])
    between = teeth & (np.abs(shape[:, 0]) < 20.0)
    assert shape[between & gums, 1].max() > points[13, 1] + 8.0
    edges = np.array([shape[between & (np.abs(shape[:, 0] - x) < 2.0), 1].min() for x in range(-18, 19, 4)])
    assert (edges < points[13, 1] - 6.0).all()
    assert np.ptp(edges) < 3.0


@pytest.mark.parametrize("weights", EXPRESSIONS, ids=lambda weights: "+".join(weights) or "rest")
def test_teeth_and_tongue_stay_behind_lips_and_cheeks(
    head: MorphableModel, weights: dict[str, float]
) -> None:
    pick = np.flatnonzero(head.regions["teeth"])[::3]
    tongue = np.flatnonzero(head.regions["tongue"] & (head.mean[:, 2] > 60.0))
    pick = np.concatenate([pick, tongue])
    walls = np.concatenate([_front(head), _opening(head)])
    people = np.zeros((9, 80))
    for number in range(4):
        people[1 + 2 * number : 3 + 2 * number, number] = -2.0, 2.0
    for person in people:
        shape = shape_of(head, weights, person)
        wall = shape[walls]
        middle = shape[head.regions["teeth"]].mean(axis=0)
        np.testing.assert_array_equal(_crossed(middle, shape[pick], wall), False)


def _front(head: MorphableModel) -> np.ndarray:
    """(T,3) triangles of the outer skin around the mouth."""
    outer = _outer_skin(head)
    near = outer[(head.mean[outer, 2] > 20.0).all(axis=1) & (head.mean[outer, 1] < 10.0).all(axis=1)]
    return np.concatenate([near[:, :3], near[:, [0, 2, 3]]])


def _opening(head: MorphableModel) -> np.ndarray:
    """(T,3) triangles from lip to lip, made by walking both from one corner of the mouth to the other."""
    known = {(a, b) for a, b in edges_of(_outer_skin(head)).tolist()}
    following = {a: b for a, b in known if (b, a) not in known and head.mean[a, 1] > -100.0}
    rim = [max(following, key=lambda v: head.mean[v, 0])]
    while following[rim[-1]] != rim[0]:
        rim.append(following[rim[-1]])
    corner = int(head.mean[rim, 0].argmin())
    one, other = rim[: corner + 1], [rim[0], *rim[:corner:-1], rim[corner]]
    strip, a, b = [], 0, 0
    while a + 1 < len(one) or b + 1 < len(other):
        ahead = a + 1 < len(one) and (
            b + 1 == len(other) or head.mean[one[a + 1], 0] > head.mean[other[b + 1], 0]
        )
        strip.append([one[a], other[b], one[a + 1] if ahead else other[b + 1]])
        a, b = (a + 1, b) if ahead else (a, b + 1)
    return np.array(strip)


def _outer_skin(head: MorphableModel) -> np.ndarray:
    quads = head.polygons[head.part("skin")]
    return quads[~head.regions["mouth_inside"][quads].any(axis=1)]


def _crossed(start: np.ndarray, ends: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(P,) whether the straight way to each end passes through a triangle (Moeller and Trumbore 1997)."""
    way = (ends - start)[:, None]
    a, b = triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    across = np.cross(way, b)
    scale = (across * a).sum(-1)
    offset = start - triangles[:, 0]
    turned = np.cross(offset, a)
    with np.errstate(divide="ignore", invalid="ignore"):
        u = (across * offset).sum(-1) / scale
        v = (way * turned).sum(-1) / scale
        along = (b * turned).sum(-1) / scale
        beside = (u < 0) | (v < 0) | ~(u + v <= 1)
    return (~beside & (along > 0) & (along < 1)).any(axis=1)


def test_the_way_through_a_wall_is_seen() -> None:
    wall = np.array([[[-1.0, -1, 1], [1, -1, 1], [0, 2, 1]]])
    ends = np.array([[0.0, 0, 2], [0, 0, 0.9], [3, 0, 2], [0, 0, -2]])
    np.testing.assert_array_equal(_crossed(np.zeros(3), ends, wall), [True, False, False, False])


def test_lower_teeth_move_as_one_rigid_piece(head: MorphableModel) -> None:
    lower = np.flatnonzero(head.regions["teeth_lower"])[::40]
    still = np.linalg.norm(head.mean[lower, None] - head.mean[lower], axis=-1)
    for name in ("jawOpen", "jawForward", "jawLeft", "jawRight"):
        moved = head.mean[lower] + unit(head, name)[lower]
        np.testing.assert_allclose(np.linalg.norm(moved[:, None] - moved, axis=-1), still, atol=0.02)


def test_tongue_rests_within_the_lower_arch(head: MorphableModel) -> None:
    tongue = head.mean[head.regions["tongue"]]
    lower = head.mean[head.regions["teeth_lower"]]
    level = tongue[(tongue[:, 1] > lower[:, 1].min()) & (tongue[:, 1] < lower[:, 1].max())]
    assert level[:, 2].max() < lower[:, 2].max() - 3.0
    assert np.abs(level[:, 0]).max() < np.abs(lower[:, 0]).max() - 3.0


def test_expressions_leave_the_eyeballs_alone(head: MorphableModel) -> None:
    balls = head.regions["eye_left"] | head.regions["eye_right"]
    assert np.abs(head.expression[:, balls]).max() == 0.0


def test_regions_cover_the_skin_without_overlap(head: MorphableModel) -> None:
    names = ("face", "scalp", "ear_left", "ear_right", "neck", "mouth_inside", "socket_left", "socket_right")
    count = sum(head.regions[name].astype(int) for name in names)
    np.testing.assert_array_equal(count, head.regions["skin"].astype(int))
    for detail in ("nose", "brows", "jaw"):
        assert head.regions[detail].any()
        assert (head.regions["face"] | ~head.regions[detail]).all()


def test_landmarks_lie_on_the_rims_they_name(head: MorphableModel) -> None:
    for embedding in (head.landmarks_478, head.landmarks_68):
        np.testing.assert_allclose(embedding.weights.sum(axis=1), 1, atol=1e-5)
        assert embedding.weights.min() >= 0
    opened = head.landmarks_478.of(head.mean + 0.5 * unit(head, "jawOpen"))
    upper, lower = [80, 81, 82, 13, 312, 311, 310], [88, 178, 87, 14, 317, 402, 318]
    assert (opened[upper, 1] - opened[lower, 1] > 3.0).all()
    for left, right in ((33, 263), (61, 291), (234, 454), (468, 473), (159, 386), (13, 13), (152, 152)):
        flipped = head.landmarks_478.of(head.mean)[right] * [-1, 1, 1]
        assert np.linalg.norm(flipped - head.landmarks_478.of(head.mean)[left]) < 1.0


def test_irises_lie_on_the_eyeballs(head: MorphableModel) -> None:
    points = head.landmarks_478.of(head.mean)
    for side, first in (("right", 468), ("left", 473)):
        centre = head.eye_centre(side, head.mean)
        assert head.regions[f"eye_{side}"][head.landmarks_478.vertices[first : first + 5]].all()
        assert np.linalg.norm((points[first] - centre)[:2]) < 1.5
        rim = np.linalg.norm(points[first + 1 : first + 5, :2] - points[first, :2], axis=1)
        np.testing.assert_allclose(rim, 5.9, atol=0.6)


@pytest.mark.parametrize("parts", [("skin",), ("eye_left", "eye_right"), ("teeth", "tongue")])
def test_layout_has_no_flipped_and_no_overlapping_quads(head: MorphableModel, parts: tuple[str, ...]) -> None:
    corners = np.concatenate([head.uvs[head.part(part)] for part in parts]).astype(np.float64)
    assert corners.min() >= 0 and corners.max() <= 1
    halves = [_area(corners[:, list(k)]) for k in ((0, 1, 2), (0, 2, 3), (1, 2, 3), (1, 3, 0))]
    # A uv is stored to 1/65535, so a sliver in a nostril may come out flat, but nothing is turned over.
    assert np.min(halves) > -1e-8
    size, bits = 2048, 8
    canvas = np.zeros((size, size), np.uint8)
    for quad in np.round((corners * size - 0.5) * 2**bits).astype(np.int32):
        cv2.fillConvexPoly(canvas, quad, 255, shift=bits)
    # Filling includes border pixels, so an overlap shows as more summed area than painted area.
    assert (halves[0] + halves[1]).sum() <= (canvas > 0).mean()


def _area(triangles: np.ndarray) -> np.ndarray:
    a, b = triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    return (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]) / 2


def test_face_gets_most_of_the_skins_texels(head: MorphableModel) -> None:
    skin = head.part("skin")
    quads, corners = head.polygons[skin], head.uvs[skin].astype(np.float64)
    area = _area(corners[:, :3]) + _area(corners[:, [0, 2, 3]])
    face = head.regions["face"][quads].all(axis=1)
    assert area[face].sum() > 0.35
    assert area.sum() > 0.8


def test_shape_matches_its_definition(head: MorphableModel) -> None:
    rng = np.random.default_rng(0)
    identity, expression = rng.standard_normal(80), rng.random(52)
    naive = head.mean.astype(np.float64)
    for weight, component in zip(identity, head.identity, strict=True):
        naive = naive + weight * component
    for weight, component in zip(expression, head.expression, strict=True):
        naive = naive + weight * component
    np.testing.assert_allclose(head.shape(identity, expression), naive, atol=1e-3)


def test_saving_and_loading_keeps_the_model(head: MorphableModel, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    shifted = replace(
        head, mean=head.mean + 1, identity=head.identity + rng.random(head.identity.shape, np.float32)
    )
    save_model(shifted, tmp_path / "model.npz")
    loaded = load_model(tmp_path / "model.npz")
    step = np.abs(shifted.identity).max() / 32767
    np.testing.assert_array_equal(loaded.mean, shifted.mean)
    np.testing.assert_allclose(loaded.identity, shifted.identity, atol=step)
    assert loaded.expression_names == shifted.expression_names
    assert loaded.regions.keys() == shifted.regions.keys()
    np.testing.assert_array_equal(loaded.regions["lips"], shifted.regions["lips"])


def test_missing_asset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssetBroken, match=r"model\.npz"):
        load_model(tmp_path / "model.npz")


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "text"])
def test_damaged_asset_is_refused(tmp_path: Path, damage: str) -> None:
    data = bytearray(HEAD_ASSET.read_bytes())
    if damage == "cut":
        data = data[: len(data) // 2]
    elif damage == "flipped":
        middle = len(data) // 2
        data[middle : middle + 64] = bytes(b ^ 0xFF for b in data[middle : middle + 64])
    elif damage == "empty":
        data = bytearray()
    else:
        data = bytearray(b"not a model")
    path = tmp_path / "head.npz"
    path.write_bytes(data)
    with pytest.raises(AssetBroken) as caught:
        load_model(path)
    assert "Install Likeness again" in caught.value.hint


def test_inconsistent_asset_is_refused(head: MorphableModel, tmp_path: Path) -> None:
    wild = head.polygons.copy()
    wild[0, 0] = len(head.mean)
    for broken in (
        replace(head, polygons=wild),
        replace(head, mirror=head.mirror[:-1]),
        replace(head, mean=np.where(head.mean > 100, np.nan, head.mean).astype(np.float32)),
    ):
        save_model(broken, tmp_path / "model.npz")
        with pytest.raises(AssetBroken):
            load_model(tmp_path / "model.npz")
