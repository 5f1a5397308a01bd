"""Rendering the head: a card comes back pixel for pixel, layers blend in depth order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.assemble import body_mesh
from backend.camera import Camera
from backend.frames import Pose, rotation_from_angles
from backend.reconstruction import Reconstruction, TexturedMesh
from backend.repose import _blend, posed_vertices, render_coarse, render_view, sample_texture

CAMERA = Camera.centred(120.0, 48, 40)
OPAQUE = np.full((CAMERA.height, CAMERA.width, 4), 255, np.uint8)
POSE = Pose(rotation_from_angles(20, -5, 3), np.array([5.0, -3.0, 600.0]))


def _reconstruction(meshes: tuple[TexturedMesh, ...], images: dict[str, np.ndarray]) -> Reconstruction:
    return Reconstruction(
        camera=CAMERA,
        pose=POSE,
        identity=np.zeros(1, np.float32),
        expression=np.zeros(1, np.float32),
        expression_names=("jawOpen",),
        meshes=meshes,
        images=images,
        model="test",
    )


def _smooth_picture(channels: int = 4) -> np.ndarray:
    y, x = np.mgrid[:40, :48]
    planes = [x * 4, y * 5, 120 + 60 * np.sin(x / 6), np.full_like(x, 255)]
    return np.stack(planes[:channels], axis=-1).astype(np.uint8)


def test_a_card_across_the_view_renders_as_its_own_picture() -> None:
    picture = _smooth_picture()
    head = _reconstruction((body_mesh(CAMERA, POSE, OPAQUE),), {"body": picture})
    rendered = render_coarse(head, POSE, supersample=1)
    difference = np.abs(rendered[2:-2, 2:-2].astype(int) - picture[2:-2, 2:-2])
    assert difference.max() <= 1


def test_what_does_not_follow_the_head_stays() -> None:
    head = _reconstruction((body_mesh(CAMERA, POSE, OPAQUE),), {"body": _smooth_picture()})
    still = render_coarse(head, POSE, supersample=1)
    turned = render_coarse(head, POSE.turned(yaw_deg=30), supersample=1)
    assert (still == turned).all()


def test_supersampling_keeps_pixels_in_place() -> None:
    head = _reconstruction((body_mesh(CAMERA, POSE, OPAQUE),), {"body": _smooth_picture()})
    once = render_coarse(head, POSE, supersample=1).astype(int)
    twice = render_coarse(head, POSE, supersample=2).astype(int)
    assert np.abs(once - twice)[3:-3, 3:-3].max() <= 3


def test_blending_equals_a_loop_over_pixels() -> None:
    rng = np.random.default_rng(5)
    layers = []
    for _ in range(4):
        at = np.sort(rng.choice(24, 15, replace=False))
        layers.append((at, rng.random(15).astype(np.float32), rng.random((15, 4)).astype(np.float32)))
    blended = _blend(layers, 4, 6).reshape(-1, 4)
    for pixel in range(24):
        hits = [(d[i], c[i]) for at, d, c in layers for i in np.flatnonzero(at == pixel)]
        expected = np.zeros(4)
        for _, colour in sorted(hits, key=lambda hit: -hit[0]):
            source = np.append(colour[:3] * colour[3], colour[3])
            expected = source + (1 - colour[3]) * expected
        assert blended[pixel] == pytest.approx(expected, abs=1e-6)


def test_textures_are_sampled_at_texel_centres_with_v_up() -> None:
    image = np.arange(12, dtype=np.uint8).reshape(3, 4, 1).repeat(3, 2)
    uv = np.array([[0.5 / 4, 1 - 0.5 / 3], [3.5 / 4, 0.5 / 3], [0.5, 0.5]])
    sampled = sample_texture(image, uv)
    assert sampled[:, 0] == pytest.approx([0, 11, 5.5], abs=0.51)  # OpenCV rounds uint8 results
    assert (sampled[:, 3] == 1).all()


def test_expression_moves_vertices_by_its_weight() -> None:
    mesh = TexturedMesh(
        "face",
        np.zeros((3, 3), np.float32),
        np.array([[0, 1, 2, -1]], np.int32),
        np.zeros((1, 4, 2), np.float32),
        "face",
        origin_mm=(1.0, 2.0, 3.0),
        expression=np.full((1, 3, 3), 2.0, np.float16),
    )
    head = _reconstruction((mesh,), {})
    object.__setattr__(head, "expression", np.array([0.5], np.float32))
    assert posed_vertices(head, mesh) == pytest.approx(np.tile([2.0, 3.0, 4.0], (3, 1)))


def test_a_head_out_of_frame_renders_as_nothing() -> None:
    head = _reconstruction((body_mesh(CAMERA, POSE, OPAQUE),), {"body": _smooth_picture()})
    away = CAMERA.cropped(1.0, 5000.0, 0.0, 20, 20)
    assert render_coarse(head, POSE, away).max() == 0


def _turned_card(photo_yaw_deg: float) -> Reconstruction:
    """A card that the photo saw from the side by so much, and that follows the head."""
    square = Pose(rotation_from_angles(0, 0, 0), POSE.translation_mm)
    cosine = np.cos(np.radians(photo_yaw_deg))
    card = body_mesh(CAMERA, square, OPAQUE)
    known = np.full(len(card.vertices), cosine, np.float32)
    return _reconstruction((replace(card, follows_head=True, known=known),), {"body": _smooth_picture()})


@pytest.mark.parametrize(("photo_yaw_deg", "expected"), [(0.0, 255), (30.0, 255), (60.0, 159), (84.0, 33)])
def test_what_the_photo_saw_from_the_side_is_worth_less_from_the_front(
    photo_yaw_deg: float, expected: int
) -> None:
    head = _turned_card(photo_yaw_deg)
    known = render_view(head, Pose(rotation_from_angles(0, 0, 0), POSE.translation_mm)).known
    middle = known[15:25, 15:30].astype(int)
    assert np.abs(middle - expected).max() <= 3


def test_what_nobody_looked_at_is_unknown() -> None:
    head = _reconstruction((body_mesh(CAMERA, POSE, OPAQUE),), {"body": _smooth_picture()})
    view = render_view(head, POSE)
    assert view.colour[..., 3].min() > 0
    assert view.known.max() == 0


def test_half_a_pixel_is_half_known() -> None:
    head = _turned_card(0.0)
    picture = _smooth_picture()
    picture[..., 3] = 102
    square = Pose(rotation_from_angles(0, 0, 0), POSE.translation_mm)
    known = render_view(replace(head, images={"body": picture}), square).known
    assert np.abs(known[10:-10, 10:-10].astype(int) - 102).max() <= 2


def test_from_where_it_was_taken_the_render_is_the_photo() -> None:
    """Whatever was lost on the way through a texture."""
    square = Pose(rotation_from_angles(0, 0, 0), POSE.translation_mm)
    card = body_mesh(CAMERA, square, OPAQUE)
    at = square.to_camera(card.vertices).astype(np.float32)
    seen = replace(card, follows_head=True, known=np.ones(len(at), np.float32), seen_at=at)
    photo = np.random.default_rng(6).integers(0, 256, (CAMERA.height, CAMERA.width, 3), np.uint8)
    head = _reconstruction((seen,), {"body": np.full_like(OPAQUE, 255), "photo": photo})
    rendered = render_view(head, square).colour
    np.testing.assert_array_equal(rendered[2:-2, 2:-2, :3], photo[2:-2, 2:-2])


def test_from_where_it_was_taken_a_soft_edge_over_its_plate_is_the_photo() -> None:
    """A texture's soft edges are calmer than the photo's: its hair is bluish, the card's grey."""
    square = Pose(rotation_from_angles(0, 0, 0), POSE.translation_mm)
    plate = np.full((CAMERA.height, CAMERA.width, 3), (40, 90, 200), np.uint8)
    picture = np.full_like(OPAQUE, 100)
    picture[..., 3] = 150
    photo = np.rint(plate + 150 / 255 * ((80.0, 100.0, 120.0) - plate)).astype(np.uint8)
    card = body_mesh(CAMERA, square, picture)
    at = square.to_camera(card.vertices).astype(np.float32)
    seen = replace(card, follows_head=True, known=np.ones(len(at), np.float32), seen_at=at)
    head = _reconstruction((seen,), {"body": picture, "photo": photo, "plate": plate})
    rendered = render_view(head, square).colour
    alpha = rendered[..., 3:] / 255
    still = alpha * rendered[..., :3] + (1 - alpha) * plate
    np.testing.assert_allclose(still[2:-2, 2:-2], photo[2:-2, 2:-2], atol=1.5)
