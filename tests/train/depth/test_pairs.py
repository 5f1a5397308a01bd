"""Which frames of a clip make pairs, and how they are written; the product's stages are stood in for."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.camera import Camera
from backend.frames import rotation_from_angles
from backend.photo import Photo
from train.depth.data import pairs_of, read_views
from train.depth.pairs import (
    PROBES,
    TURN_DEG,
    WITHIN_S,
    WORST_FIT_MM,
    Frame,
    HeadWatcher,
    VideoUnreadable,
    chosen_pairs,
    pictures_of,
    tracked,
    turned_deg,
    write_pairs,
)

from . import eggs


def turned(*yaws: float) -> list[np.ndarray]:
    return [rotation_from_angles(yaw, 5.0, 2.0) for yaw in yaws]


@given(st.lists(st.floats(-60, 60), max_size=12), st.integers(1, 4))
def test_pairs_have_turned_enough_and_not_too_far(yaws: list[float], most: int) -> None:
    rotations, seconds = turned(*yaws), [0.3 * k for k in range(len(yaws))]
    found = chosen_pairs(rotations, seconds, most)
    assert len(found) <= most and len(set(found)) == len(found)
    for i, j in found:
        assert i < j and seconds[j] - seconds[i] <= WITHIN_S
        assert TURN_DEG[0] <= turned_deg(rotations[i], rotations[j]) <= TURN_DEG[1]


def test_a_slow_turn_gives_pairs_all_along() -> None:
    rotations = turned(*np.arange(0, 40, 2.0))
    times = [0.1 * k for k in range(20)]
    assert chosen_pairs(rotations, times, 99) == [(k, k + 3) for k in range(17)]
    few = chosen_pairs(rotations, times, 3)
    assert few == [(0, 3), (8, 11), (16, 19)]
    assert chosen_pairs(rotations, [9.0 * k for k in range(20)], 99) == []
    assert all(turned_deg(a, b) == pytest.approx(2.0, abs=1e-6) for a, b in pairwise(rotations))


class Watcher:
    """Sees a head in every picture but black ones; its lens breathes unless it is told."""

    def find(self, photo: Photo) -> Any:
        return "face" if photo.pixels.any() else None

    def fit(self, photo: Photo, face: Any) -> Any:
        value = float(photo.pixels.max())
        focal = photo.focal_px or 100.0 + value
        return SimpleNamespace(rms_mm=value / 10, camera=Camera.centred(focal, 8, 8))

    def write(self, frame: Frame, folder: Path, name: str) -> dict[str, Any]:
        line = eggs.write_view(folder, name, "", 3.0 * frame.number)
        return {key: value for key, value in line.items() if key not in ("id", "subject", "depth")}


def frames(values: list[int]) -> list[Frame]:
    pictures = ((k, 0.1 * k, np.full((8, 8, 3), value, np.uint8)) for k, value in enumerate(values))
    return list(tracked(pictures, cast(HeadWatcher, Watcher())))


def test_a_clip_is_seen_through_one_lens() -> None:
    bad = int(10 * WORST_FIT_MM) + 1
    found = frames([1, 2, 0, 3, 4, 5, bad, 6])
    assert [frame.number for frame in found] == [0, 1, 3, 4, 5, 7]
    assert {frame.fit.camera.fx for frame in found} == {100.0 + np.median(range(1, PROBES + 1))}
    assert frames([0, 0]) == []


def test_what_is_written_is_what_training_reads(tmp_path: Path) -> None:
    found = frames([1, 2, 3])
    lines = write_pairs(found, [(0, 2), (1, 2)], cast(HeadWatcher, Watcher()), tmp_path, "clip")
    pairs = pairs_of(read_views(eggs.write_lines(tmp_path, lines)), tmp_path)
    assert [(a.id, b.id) for a, b in pairs] == [("clip_000a", "clip_000b"), ("clip_001a", "clip_001b")]
    assert pairs[0][1].image == pairs[1][1].image
    assert pairs[0][0].depth is None and pairs[0][0].prior is not None


def test_every_nth_picture_in_its_own_colours(tmp_path: Path) -> None:
    path = tmp_path / "clip.avi"
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (32, 32))
    for k in range(5):
        video.write(np.full((32, 32, 3), (0, 0, 50 * k), np.uint8))
    video.release()
    found = list(pictures_of(path, 2))
    assert [number for number, _, _ in found] == [0, 2, 4]
    assert [round(seconds, 3) for _, seconds, _ in found] == [0.0, 0.2, 0.4]
    assert abs(int(found[2][2][5, 5, 0]) - 200) < 12 and found[2][2][5, 5, 2] < 12
    (tmp_path / "words.mp4").write_text("no video")
    with pytest.raises(VideoUnreadable, match="words"):
        list(pictures_of(tmp_path / "words.mp4"))
