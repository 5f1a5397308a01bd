from __future__ import annotations

import cv2
import numpy as np
import pytest

from backend.errors import FaceUnusable, NoFaceFound
from backend.frames import Pose, rotation_from_angles
from backend.landmarks import DetectedFace, MediaPipeDetector
from backend.photo import Photo
from backend.photo_checks import check_face, check_pose, choose_face, landmark_yaw_deg

from . import bad_input


@pytest.fixture(scope="module")
def detector() -> MediaPipeDetector:
    return MediaPipeDetector()


@pytest.fixture(scope="module")
def portrait() -> Photo:
    """The astronaut with a face of about 200 px and room around her."""
    large = cv2.resize(bad_input.astronaut(), None, fx=1.9, fy=1.9, interpolation=cv2.INTER_LANCZOS4)
    return Photo(cv2.copyMakeBorder(large, 150, 0, 0, 0, cv2.BORDER_REPLICATE))


@pytest.fixture(scope="module")
def face(detector: MediaPipeDetector, portrait: Photo) -> DetectedFace:
    return detector.detect(portrait.pixels)[0]


def changed(photo: Photo, pixels: np.ndarray) -> Photo:
    return Photo(np.clip(pixels, 0, 255).astype(np.uint8), photo.focal_px, photo.name)


def turned(face: DetectedFace, yaw_deg: float) -> DetectedFace:
    points = np.column_stack([face.points_px, face.points_z]).astype(np.float64)
    points -= points.mean(axis=0)
    y = np.deg2rad(yaw_deg)
    x, z = (
        points[:, 0] * np.cos(y) - points[:, 2] * np.sin(y),
        points[:, 0] * np.sin(y) + points[:, 2] * np.cos(y),
    )
    xy = np.column_stack([x, points[:, 1]]) + face.points_px.mean(axis=0)
    return DetectedFace(xy.astype(np.float32), z.astype(np.float32), {}, (*xy.min(0), *xy.max(0)))


def test_a_good_photo_has_no_warnings(portrait: Photo, face: DetectedFace) -> None:
    assert check_face(portrait, face, [face]) == []


def test_nobody_and_numbers_out_of_range(face: DetectedFace) -> None:
    with pytest.raises(NoFaceFound, match="No face") as caught:
        choose_face([])
    assert caught.value.hint
    assert choose_face([face]) is face and choose_face([face, face], 2) is face
    for number in (0, 2, -1):
        with pytest.raises(NoFaceFound, match="only one face"):
            choose_face([face], number)


def test_several_faces(portrait: Photo, face: DetectedFace) -> None:
    other = turned(face, 5)
    (warning,) = check_face(portrait, face, [face, other])
    assert "2 faces" in warning and "largest" in warning
    (warning,) = check_face(portrait, face, [other, face])
    assert "number 2" in warning


def test_face_of_40_px_is_refused_and_one_of_90_px_warned_about(detector: MediaPipeDetector) -> None:
    tiny = Photo(bad_input.with_face_of(40))
    faces = detector.detect(tiny.pixels)
    with pytest.raises(FaceUnusable, match="pixels high") as caught:
        check_face(tiny, faces[0], faces)
    assert "larger photo" in caught.value.hint
    small = Photo(bad_input.with_face_of(90))
    faces = detector.detect(small.pixels)
    assert any("pixels high" in warning for warning in check_face(small, faces[0], faces))


def test_a_drawing_is_refused(detector: MediaPipeDetector) -> None:
    drawing = Photo(bad_input.cartoon())
    faces = detector.detect(drawing.pixels)
    with pytest.raises(FaceUnusable, match="drawn"):
        check_face(drawing, choose_face(faces), faces)


def test_blur_is_seen_at_any_size(portrait: Photo, face: DetectedFace) -> None:
    blurred = changed(portrait, cv2.GaussianBlur(portrait.pixels, (0, 0), 0.02 * face.size_px))
    assert any("blurred" in warning for warning in check_face(blurred, face, [face]))
    slightly = changed(portrait, cv2.GaussianBlur(portrait.pixels, (0, 0), 0.003 * face.size_px))
    assert not any("blurred" in warning for warning in check_face(slightly, face, [face]))


def test_light_and_colour(portrait: Photo, face: DetectedFace) -> None:
    pixels = portrait.pixels.astype(float)
    grey = pixels.mean(axis=2, keepdims=True).repeat(3, axis=2)
    for changed_pixels, word in ((pixels * 0.15, "dark"), (pixels * 2.2, "burnt"), (grey, "no colours")):
        warnings = check_face(changed(portrait, changed_pixels), face, [face])
        assert any(word in warning for warning in warnings), word


def test_profile_is_refused_and_its_yaw_is_about_right(portrait: Photo, face: DetectedFace) -> None:
    base = landmark_yaw_deg(face)
    for yaw in (-30.0, 20.0):
        assert landmark_yaw_deg(turned(face, yaw)) - base == pytest.approx(yaw, abs=1.0)
    for yaw in (-80.0, 80.0):
        with pytest.raises(FaceUnusable, match="from the side"):
            check_face(portrait, turned(face, yaw), [face])


def test_cropped_heads(portrait: Photo, face: DetectedFace) -> None:
    x0, y0, x1, _ = (round(edge) for edge in face.box)
    for rows, columns, word in (
        (slice(y0 - 5, None), slice(None), "top of the head"),
        (slice(None), slice(x0 - 5, None), "One side"),
    ):
        cropped = changed(portrait, portrait.pixels[rows, columns])
        moved = face.points_px - (columns.start or 0, rows.start or 0)
        shifted = DetectedFace(moved, face.points_z, {}, (*moved.min(0), *moved.max(0)))
        assert any(word in warning for warning in check_face(cropped, shifted, [shifted]))
    half = changed(portrait, portrait.pixels[:, (x0 + x1) // 2 :])
    moved = face.points_px - ((x0 + x1) // 2, 0)
    with pytest.raises(FaceUnusable, match="outside the photo"):
        check_face(half, DetectedFace(moved, face.points_z, {}, (*moved.min(0), *moved.max(0))), [])


def posed(yaw: float, pitch: float = 0.0) -> Pose:
    return Pose(rotation_from_angles(yaw, pitch, 0.0), np.array([0.0, 0.0, 1000.0]))


def test_fitted_pose() -> None:
    assert check_pose(posed(20, 10)) == []
    assert "40 degrees" in check_pose(posed(-40))[0]
    assert "down" in check_pose(posed(0, 35))[0] and "up" in check_pose(posed(0, -35))[0]
    with pytest.raises(FaceUnusable):
        check_pose(posed(70))
