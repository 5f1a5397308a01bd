from __future__ import annotations

import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from backend import landmarks
from backend.errors import AssetBroken
from backend.landmarks import MediaPipeDetector, read_asset

from . import bad_input

NOSE_TIP = 1


@pytest.fixture(scope="module")
def detector() -> MediaPipeDetector:
    return MediaPipeDetector()


def test_astronaut(detector: MediaPipeDetector) -> None:
    (face,) = detector.detect(bad_input.astronaut())
    assert face.points_px.shape == (478, 2) and face.points_px.dtype == np.float32
    assert (
        face.points_z.shape == (478,) and face.points_z[NOSE_TIP] < face.points_z[[10, 152, 234, 454]].min()
    )
    assert face.expression_scores["mouthSmileLeft"] > 0.5 > face.expression_scores["jawOpen"]
    assert "_neutral" not in face.expression_scores
    assert np.hypot(*(face.points_px[NOSE_TIP] - (225, 122))) < 12
    assert face.size_px == pytest.approx(108, abs=6)


def test_nobody_is_there(detector: MediaPipeDetector) -> None:
    assert detector.detect(bad_input.scenery()) == []
    assert detector.detect(np.full((1, 1, 3), 200, np.uint8)) == []


def test_faces_come_largest_first_and_once(detector: MediaPipeDetector) -> None:
    picture = np.full((512, 900, 3), 128, np.uint8)
    picture[:220, :220] = cv2.resize(bad_input.astronaut(), (220, 220), interpolation=cv2.INTER_AREA)
    picture[180:500, 560:880] = cv2.resize(bad_input.astronaut(), (320, 320), interpolation=cv2.INTER_AREA)
    large, little = detector.detect(picture)
    assert large.size_px > 1.3 * little.size_px
    assert large.box[0] > 560 and little.box[2] < 220


@pytest.mark.parametrize("height", [40, 70])
def test_small_faces_are_found_in_tiles(detector: MediaPipeDetector, height: int) -> None:
    (face,) = detector.detect(bad_input.with_face_of(height))
    assert face.size_px == pytest.approx(height, rel=0.1)


def test_a_face_that_fills_the_frame(detector: MediaPipeDetector) -> None:
    (whole,) = detector.detect(bad_input.astronaut())
    x0, y0, x1, y1 = (round(edge) for edge in whole.box)
    (face,) = detector.detect(np.ascontiguousarray(bad_input.astronaut()[y0:y1, x0:x1]))
    shifted = face.points_px + np.array([x0, y0])
    assert np.hypot(*(shifted - whole.points_px).T).mean() < 4.0


def test_points_do_not_depend_on_the_picture_around(detector: MediaPipeDetector) -> None:
    (here,) = detector.detect(bad_input.astronaut())
    bordered = cv2.copyMakeBorder(bad_input.astronaut(), 160, 40, 90, 400, cv2.BORDER_REPLICATE)
    (there,) = detector.detect(bordered)
    offset = there.points_px - here.points_px - (90, 160)
    assert np.hypot(*offset.T).mean() < 1.0
    large = cv2.resize(bad_input.astronaut(), None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    (big,) = detector.detect(large)
    assert np.hypot(*((big.points_px + 0.5) / 4 - 0.5 - here.points_px).T).mean() < 1.0


def test_several_threads_may_ask_at_once(detector: MediaPipeDetector) -> None:
    found: list[int] = []
    picture = bad_input.astronaut()
    threads = [threading.Thread(target=lambda: found.append(len(detector.detect(picture)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [1, 1, 1, 1]


def test_missing_or_altered_model_file(tmp_path: Path) -> None:
    with pytest.raises(AssetBroken, match="missing"):
        read_asset(tmp_path / "gone.task", landmarks.LANDMARKER_SHA256)
    altered = tmp_path / "altered.task"
    altered.write_bytes(landmarks.LANDMARKER_ASSET.read_bytes()[:-1] + b"?")
    with pytest.raises(AssetBroken, match="damaged"):
        read_asset(altered, landmarks.LANDMARKER_SHA256)
