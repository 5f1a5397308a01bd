"""Shells of a synthetic head: an ellipsoid with a face on its front, whose depth is known exactly."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import trimesh
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from backend.camera import Camera
from backend.crop import HeadCrop
from backend.depth import HeadDepth
from backend.frames import Pose, rotation_from_angles
from backend.hair_mesh import build_shells
from backend.head_parse import EAR, FACE, HAIR, HeadParse
from backend.raster import rasterize_arrays, triangulate
from backend.reconstruction import TexturedMesh
from backend.shell_depth import ShellOptions, shell_region
from tests.backend.poking import STRAY, share_poking_through

SIZE = 128
CAMERA = Camera(240.0, 240.0, 63.5, 63.5, SIZE, SIZE)
CENTRE = np.array([0.0, 0.0, 700.0])
RADII = np.array([110.0, 140.0, 120.0])
POSE = Pose(rotation_from_angles(12.0, -6.0, 4.0), CENTRE)
OPTIONS = ShellOptions(grid=64, overlap_px=4.0, comb_px=0.0, between_px=2.5)
"""Pixels are four times as large as the product's. What calms depth maps has tests of its own."""


def ellipsoid_depths() -> tuple[np.ndarray, np.ndarray]:
    """Near and far depth (S,S) of the ellipsoid along each pixel's ray, NaN where the ray misses."""
    columns, rows = np.meshgrid(np.arange(SIZE), np.arange(SIZE))
    rays = CAMERA.unproject(np.stack([columns, rows], -1).astype(float), np.ones((SIZE, SIZE)))
    a = ((rays / RADII) ** 2).sum(-1)
    b = (rays * CENTRE / RADII**2).sum(-1)
    c = ((CENTRE / RADII) ** 2).sum() - 1
    with np.errstate(invalid="ignore"):
        root = np.sqrt(b * b - a * c)
    return ((b - root) / a).astype(np.float32), ((b + root) / a).astype(np.float32)


def head() -> tuple[HeadDepth, HeadParse, HeadCrop]:
    front, back = ellipsoid_depths()
    covered = np.isfinite(front)
    columns, rows = np.meshgrid(np.arange(SIZE), np.arange(SIZE))
    face = np.hypot((columns - 63.5) / 20, (rows - 75) / 26) < 1
    labels = np.where(face, FACE, np.where(covered, HAIR, 0)).astype(np.uint8)
    matte = covered.astype(np.float32)
    depth = HeadDepth(front, back, np.where(face, front, np.nan).astype(np.float32))
    crop = HeadCrop(np.zeros((SIZE, SIZE, 3), np.uint8), np.ones((SIZE, SIZE), bool), CAMERA, 1.0, 0.0, 0.0)
    return depth, HeadParse(labels, matte, matte), crop


def corners(mesh: TexturedMesh) -> np.ndarray:
    """(T,3,3) corners of the mesh's triangles in camera space, mm."""
    return POSE.to_camera(mesh.vertices.astype(np.float64))[triangulate(mesh.polygons).vertices]


def seen(meshes: list[TexturedMesh], camera: Camera = CAMERA, pose: Pose = POSE) -> np.ndarray:
    """Nearest depth (H,W) of the meshes, infinite where there is none."""
    depths = [
        rasterize_arrays(pose.to_camera(m.vertices), triangulate(m.polygons).vertices, camera).depth
        for m in meshes
    ]
    return np.minimum.reduce(depths)


@pytest.mark.parametrize("grid", [64, 128])
def test_shells_lie_on_the_depth_maps(grid):
    depth, parse, crop = head()
    front, back = build_shells(depth, parse, crop, POSE, replace(OPTIONS, grid=grid))
    region = shell_region(depth, parse)
    inner = region & (np.hypot(*np.gradient(np.nan_to_num(depth.front))) < 5)
    assert inner.sum() > 0.5 * region.sum()
    np.testing.assert_allclose(seen([front])[inner], depth.front[inner], atol=1.0)
    inner = np.isfinite(depth.back) & (np.hypot(*np.gradient(np.nan_to_num(depth.back))) < 5)
    np.testing.assert_allclose(seen([back])[inner], depth.back[inner], atol=1.0)


def test_front_shell_covers_hair_and_a_band_but_not_the_face():
    depth, parse, crop = head()
    front, _ = build_shells(depth, parse, crop, POSE, OPTIONS)
    covered = np.isfinite(seen([front]))
    assert covered[shell_region(depth, parse)].all()
    assert not covered[75, 63], "nothing lies over the middle of the face"
    on_band = covered & np.isfinite(depth.face)
    assert 0.1 < on_band.sum() / np.isfinite(depth.face).sum() < 0.6
    below = seen([front])[on_band] - depth.face[on_band]
    assert below.min() > -0.3
    step_mm = np.hypot(*np.gradient(depth.front))
    along_view = np.sqrt(1 + (step_mm * CAMERA.fx / CENTRE[2]) ** 2)
    # The tuck starts from the farthest depth within two pixels, diagonals included.
    allowed = OPTIONS.tuck_mm * along_view + 2 * np.sqrt(2) * step_mm + 0.6
    assert (below < allowed[on_band]).all()


def test_the_far_side_of_thin_hair_stays_behind_its_near_side():
    """A network may put the front where the silhouette has its far side: the back came out through it."""
    depth, parse, crop = head()
    thin = np.arange(SIZE) > 78
    depth = replace(depth, back=np.where(thin, depth.front, depth.back).astype(np.float32))
    front, back = build_shells(depth, parse, crop, POSE, replace(OPTIONS, comb_px=1.25))
    inner = cv2.erode((thin & np.isfinite(depth.front)).astype(np.uint8), np.ones((13, 13), np.uint8)) > 0
    inner &= shell_region(depth, parse)
    assert inner.sum() > 100
    assert (seen([back]) > seen([front]))[inner].all()


@pytest.mark.parametrize("yaw", [-20.0, 20.0])
def test_no_gap_opens_between_face_and_hair_when_the_head_turns(yaw):
    depth, parse, crop = head()
    shells = build_shells(depth, parse, crop, POSE, OPTIONS)
    columns, rows = np.meshgrid(np.arange(SIZE), np.arange(SIZE))
    index = np.arange(SIZE * SIZE).reshape(SIZE, SIZE)
    quads = np.stack([index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]], -1)
    quads = quads[np.isfinite(depth.face[quads // SIZE, quads % SIZE]).all(-1)]
    points = CAMERA.unproject(np.stack([columns, rows], -1).astype(float), depth.face).reshape(-1, 3)
    face = replace(shells[0], vertices=POSE.to_head(np.nan_to_num(points)).astype(np.float32), polygons=quads)
    turned = POSE.turned(yaw_deg=yaw)
    without_back = np.isfinite(seen([shells[0], face], pose=turned))
    near_face = np.isfinite(seen([face], pose=turned))
    grown = near_face.copy()
    for axis, shift in ((0, 1), (0, -1), (1, 1), (1, -1)):
        grown |= np.roll(near_face, shift, axis)
    assert without_back[grown].all()


def test_the_whole_is_closed_at_the_silhouette():
    depth, parse, crop = head()
    front, back = build_shells(depth, parse, crop, POSE, OPTIONS)
    rim = POSE.to_camera(back.vertices[border_vertices(back)].astype(np.float64))
    assert len(rim) > 60
    # The back starts on the front's surface, a few pixels inside its outline.
    points = corners(front)
    nearest = [abs(trimesh_distance(points, point)) for point in rim]
    assert max(nearest) < 1.5


def trimesh_distance(triangles: np.ndarray, point: np.ndarray) -> float:
    """Distance of a point (3,) to the nearest of (T,3,3) triangles."""
    nearest = trimesh.triangles.closest_point(triangles, np.broadcast_to(point, (len(triangles), 3)))
    return float(np.linalg.norm(nearest - point, axis=1).min())


def border_vertices(mesh: TexturedMesh) -> np.ndarray:
    triangles = triangulate(mesh.polygons).vertices
    edges = np.sort(
        np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1
    )
    unique, count = np.unique(edges, axis=0, return_counts=True)
    assert count.max() <= 2, "an edge belongs to at most two triangles"
    return np.unique(unique[count == 1])


def test_rim_is_round_and_not_stepped():
    """The back's rim stays within a quarter of a grid cell of the outline, less its inset."""
    depth, parse, crop = head()
    _, back = build_shells(depth, parse, crop, POSE, OPTIONS)
    rim = CAMERA.project(POSE.to_camera(back.vertices[border_vertices(back)].astype(np.float64)))

    # Silhouette of an ellipsoid: b^2 = a c. Its distance follows from the slope of that difference.
    def difference(pixels: np.ndarray) -> np.ndarray:
        rays = CAMERA.unproject(pixels, np.ones(len(pixels)))
        a, b = ((rays / RADII) ** 2).sum(-1), (rays * CENTRE / RADII**2).sum(-1)
        return b * b - a * (((CENTRE / RADII) ** 2).sum() - 1)

    steps = [difference(rim + np.eye(2)[i] * 0.01) - difference(rim - np.eye(2)[i] * 0.01) for i in (0, 1)]
    distance = difference(rim) / (np.hypot(*steps) / 0.02)
    assert np.abs(np.abs(distance) - OPTIONS.back_inset_px).max() < 0.25 * SIZE / OPTIONS.grid + 0.8


def test_shells_face_outwards():
    depth, parse, crop = head()
    for mesh, towards_camera in zip(build_shells(depth, parse, crop, POSE, OPTIONS), (1, -1), strict=True):
        triangles = corners(mesh)
        normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
        facing = -(normals * triangles.mean(1)).sum(1) * towards_camera
        area = np.linalg.norm(normals, axis=1)
        assert (facing > -1e-6 * area * 700).mean() > 0.995
        assert facing.sum() > 0


def test_uvs_are_crop_positions():
    depth, parse, crop = head()
    for mesh in build_shells(depth, parse, crop, POSE, OPTIONS):
        used = mesh.polygons >= 0
        pixels = CAMERA.project(POSE.to_camera(mesh.vertices.astype(np.float64)))[mesh.polygons[used]]
        expected = np.column_stack([(pixels[:, 0] + 0.5) / SIZE, 1 - (pixels[:, 1] + 0.5) / SIZE])
        np.testing.assert_allclose(mesh.uvs[used], expected, atol=1e-4)
        assert (mesh.uvs[~used] == 0).all()
        assert mesh.polygons.dtype == np.int32
        assert (mesh.polygons[:, 3] >= 0).mean() > 0.8


def test_depth_jumps_are_cut_without_a_gap_at_the_photos_pose():
    depth, parse, crop = head()
    front = depth.front.copy()
    front[:40] -= 60  # a fringe of hair far before the rest
    whole, _ = build_shells(depth, parse, crop, POSE, OPTIONS)
    mesh, _ = build_shells(replace(depth, front=front), parse, crop, POSE, OPTIONS)
    triangles = corners(mesh)
    pixels = CAMERA.project(triangles)
    at_jump = (np.abs(pixels[..., 1].mean(1) - 40) < 3) & (np.abs(pixels[..., 0].mean(1) - 63.5) < 20)
    assert at_jump.any()
    assert np.ptp(triangles[at_jump][..., 2], axis=1).max() < 20
    # Half-way between the grid's vertices: on a vertex, rounding decides what a pixel hits.
    between = CAMERA.cropped(1.0, 0.5, 0.5, SIZE, SIZE)
    covered = np.isfinite(seen([mesh], between))
    assert covered[np.isfinite(seen([whole], between))].all()


def test_specks_and_spikes_are_dropped():
    depth, parse, crop = head()
    front = depth.front.copy()
    front[100, 60] -= 90  # one wrong pixel
    matte = parse.matte.copy()
    matte[3:7, 3:7] = 1.0  # a speck beside the head
    shells = build_shells(replace(depth, front=front), replace(parse, matte=matte), crop, POSE, OPTIONS)
    triangles = corners(shells[0])
    pixels = CAMERA.project(triangles)
    near_spike = np.hypot(pixels[..., 0] - 60, pixels[..., 1] - 100).min(1) < 6
    assert near_spike.any()
    assert triangles[near_spike][..., 2].min() > depth.front[95:106, 55:66].min() - 1
    for shell in shells:
        assert CAMERA.project(POSE.to_camera(shell.vertices)).min() > 9


def test_haze_far_from_the_outline_gets_no_surface():
    depth, parse, crop = head()
    hazy = replace(parse, matte=np.maximum(parse.matte, 0.1).astype(np.float32))
    mesh, _ = build_shells(depth, hazy, crop, POSE, replace(OPTIONS, fringe_px=6.0))
    reach = CAMERA.project(POSE.to_camera(mesh.vertices.astype(np.float64)))
    rows, columns = np.nonzero(parse.matte > 0.5)
    away = np.hypot(reach[:, :1] - columns, reach[:, 1:] - rows).min(1)
    assert 3 < away.max() < 6.0 + 2 * SIZE / OPTIONS.grid


def test_open_where_the_head_goes_on():
    """Where the silhouette cuts through a thick part (the neck), the two rims stay apart."""
    depth, parse, crop = head()
    cut = np.arange(SIZE)[:, None] < 90
    parse = replace(parse, matte=parse.matte * cut)
    front, back = build_shells(depth, parse, crop, POSE, OPTIONS)
    bottom = [POSE.to_camera(m.vertices) for m in (front, back)]
    at = [p[np.abs(CAMERA.project(p) - [86.0, 87.0]).max(1) < 4.0][:, 2] for p in bottom]
    # Rims that close meet within 1.5 mm; here, near the outline, they lie 87 mm apart.
    assert at[1].min() - at[0].max() > 50


def test_simplified_shells_keep_their_shape():
    depth, parse, crop = head()
    full = build_shells(depth, parse, crop, POSE, OPTIONS)
    light = build_shells(depth, parse, crop, POSE, replace(OPTIONS, max_triangles=800))
    for before, after in zip(full, light, strict=True):
        assert len(triangulate(after.polygons).vertices) <= 800 < len(triangulate(before.polygons).vertices)
        a, b = seen([before]), seen([after])
        both = np.isfinite(a) & np.isfinite(b)
        assert both.sum() > 0.9 * np.isfinite(a).sum()
        assert np.median(np.abs(a[both] - b[both])) < 0.5


def test_a_photo_without_hair_depth_gives_empty_shells():
    depth, parse, crop = head()
    nothing = np.full_like(depth.front, np.nan)
    empty = replace(parse, matte=np.zeros_like(parse.matte), labels=np.zeros_like(parse.labels))
    for mesh in build_shells(HeadDepth(nothing, nothing, nothing), empty, crop, POSE, OPTIONS):
        assert mesh.polygons.shape == (0, 4)
        assert mesh.uvs.shape == (0, 4, 2)


def with_wide_cheeks() -> tuple[HeadDepth, HeadParse, HeadCrop]:
    """A head whose lower half is skin, five pixels wider than the fitted face; a depth map falls there."""
    depth, parse, crop = head()
    skin = np.isfinite(depth.front) & (np.arange(SIZE) > 60)[:, None]
    inward = cv2.distanceTransform((parse.matte > 0).astype(np.uint8), cv2.DIST_L2, 5)
    face = np.where(skin & (inward > 5), depth.front, np.nan).astype(np.float32)
    fallen = np.where(skin & (inward <= 5), np.float32(CENTRE[2] + 60), depth.front)
    labels = np.where(skin, FACE, parse.labels).astype(np.uint8)
    return HeadDepth(fallen, depth.back, face), replace(parse, labels=labels), crop


def below_limb_mm(options: ShellOptions) -> np.ndarray:
    """(M,) how much deeper than the nearest limb the shell's skin lies."""
    depth, parse, crop = with_wide_cheeks()
    front, _ = build_shells(depth, parse, crop, POSE, options)
    points = POSE.to_camera(front.vertices.astype(np.float64))
    pixels = CAMERA.project(points)
    at = np.rint(pixels).astype(int)
    skin = (at[:, 1] > 70) & np.isfinite(depth.front)[at[:, 1], at[:, 0]]
    face = np.isfinite(depth.face)
    _, nearest = cKDTree(np.argwhere(face)[:, ::-1]).query(pixels[skin])
    return points[skin][:, 2] - depth.face[face][nearest]


def test_a_cheek_wider_than_the_fitted_one_goes_on_round_its_limb():
    """It does not fall to the depth of the outline, where it would hang in crumbs below the ear."""
    # The strip is 5 pixels wide, the shell reaches another one beyond, and the face is asked 3 pixels inside.
    reach_mm = OPTIONS.strip_slope * 9 * CENTRE[2] / CAMERA.fx
    assert below_limb_mm(OPTIONS).max() < reach_mm
    assert below_limb_mm(replace(OPTIONS, strip_px=0.0)).max() > reach_mm + 20


@pytest.mark.parametrize("columns", [slice(88, 96), slice(84, 89)], ids=["ear", "limb"])
def test_hair_stays_before_skin_that_it_covers(columns):
    """An ear or a neck of the fitted head, and a limb beside the photo's own, came out through hair."""
    depth, parse, crop = head()
    beside_limb = depth.front.copy()
    beside_limb[:, columns.stop :] += 80
    depth = replace(depth, front=beside_limb)
    skin_mm = np.full((SIZE, SIZE), np.nan, np.float32)
    skin_mm[60:80, columns] = depth.front[60:80, columns] - 12
    covered = np.isfinite(skin_mm)
    assert (parse.labels[covered] == HAIR).all()
    front, _ = build_shells(depth, parse, crop, POSE, OPTIONS, skin_mm)
    inner = cv2.erode(covered.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert (seen([front]) < skin_mm)[inner].all()
    far = parse.labels == HAIR
    far[:, 70:110] = False
    whole, _ = build_shells(depth, parse, crop, POSE, OPTIONS)
    np.testing.assert_array_equal(seen([front])[far], seen([whole])[far])


def test_an_ear_that_the_photo_shows_stays_before_the_shell():
    depth, parse, crop = head()
    labels = parse.labels.copy()
    labels[60:80, 88:96] = EAR
    skin_mm = np.where(labels == EAR, depth.front - 12, np.nan).astype(np.float32)
    front, _ = build_shells(depth, replace(parse, labels=labels), crop, POSE, OPTIONS, skin_mm)
    assert (seen([front]) > skin_mm)[labels == EAR].all()


def test_what_only_a_jump_held_joins_what_is_around_it_where_it_is_a_crumb():
    """A patch of hair far behind the hair around it: it neither hangs in the air nor leaves a hole."""
    depth, parse, crop = head()
    far = depth.front.copy()
    far[32:38, 60:66] += 90

    def pieces_and_farthest(smallest: float) -> tuple[int, float]:
        options = replace(OPTIONS, spike_mm=200.0, smallest_piece=smallest)
        front, _ = build_shells(replace(depth, front=far), parse, crop, POSE, options)
        triangles = triangulate(front.polygons).vertices
        links = (np.ones(2 * len(triangles)), (np.repeat(triangles[:, 0], 2), triangles[:, 1:].ravel()))
        pieces, _ = connected_components(coo_matrix(links, (len(front.vertices),) * 2), directed=False)
        return pieces, float((seen([front]) - depth.front)[31:39, 59:67].max())

    pieces, farthest = pieces_and_farthest(0.01)
    assert pieces == 2
    assert farthest > 80
    pieces, farthest = pieces_and_farthest(0.05)
    assert pieces == 1
    assert farthest < 15


def test_the_back_stays_behind_the_front_when_the_head_turns():
    depth, parse, crop = head()
    front, back = build_shells(depth, parse, crop, POSE, OPTIONS)
    camera = CAMERA.cropped(3.0, 0.0, 0.0, 3 * SIZE, 3 * SIZE)
    opaque = replace(front, has_alpha=False)
    assert max(share_poking_through(opaque, back, None, POSE, camera)) < STRAY
    nearer = replace(back, vertices=back.vertices + np.float32([0, 0, 60]))
    assert max(share_poking_through(opaque, nearer, None, POSE, camera)) > 20 * STRAY
