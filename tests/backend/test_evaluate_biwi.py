"""The Biwi layout on a small folder in its true format: a ball before two cameras."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from backend.camera import Camera
from backend.errors import NoFaceFound
from backend.evaluate import DatasetBroken, EvaluationItem, read_dataset
from backend.evaluate.biwi import convert_biwi, read_calibration, read_depth, read_pose
from backend.frames import HEAD_TO_CAMERA_AXES, rotation_from_angles

WIDTH, HEIGHT = 96, 72
DEPTH = Camera(86.0, 86.0, 48.0, 36.0, WIDTH, HEIGHT)
COLOUR = Camera(77.0, 77.0, 48.0, 36.0, WIDTH, HEIGHT)
SHIFT = np.array([25.0, 1.0, -2.0])
CENTRE, RADIUS = np.array([10.0, -20.0, 900.0]), 100.0
WALL_MM = 1400


def ball(camera: Camera, centre: np.ndarray) -> np.ndarray:
    """(H,W) depth of the ball before a wall."""
    columns, rows = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    rays = camera.unproject(np.stack([columns, rows], -1).astype(float), np.ones((HEIGHT, WIDTH)))
    a, b = (rays**2).sum(-1), rays @ centre
    root = b * b - a * (centre @ centre - RADIUS**2)
    return np.where(root > 0, (b - np.sqrt(np.maximum(root, 0))) / a, WALL_MM)


def compressed(depth: np.ndarray) -> bytes:
    """As the database's own writer does, a pixel at a time."""
    values, height, width = depth.ravel().tolist(), *depth.shape
    data, at = struct.pack("<ii", width, height), 0
    while at < len(values):
        empty = at
        while at < len(values) and values[at] == 0:
            at += 1
        full = at
        while at < len(values) and values[at] != 0:
            at += 1
        data += struct.pack(f"<ii{at - full}h", full - empty, at - full, *values[full:at])
    return data


def calibration(camera: Camera, shift: np.ndarray) -> str:
    rows = [f"{camera.fx} 0 {camera.cx} ", f"0 {camera.fy} {camera.cy} ", "0 0 1 ", "", "0 0 0 0 ", ""]
    rows += ["1 0 0 ", "0 1 0 ", "0 0 1 ", "", " ".join(map(str, shift)) + " ", "", f"{WIDTH} {HEIGHT}"]
    return "\n".join(rows) + "\n"


def pose_text(rotation: np.ndarray) -> str:
    rows = [" ".join(map(str, row)) + " " for row in rotation]
    return "\n".join([*rows, "", " ".join(map(str, CENTRE)) + " "]) + "\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One sequence of six frames, the last of them a profile."""
    sequence = tmp_path / "biwi" / "07"
    sequence.mkdir(parents=True)
    (sequence / "depth.cal").write_text(calibration(DEPTH, np.zeros(3)))
    (sequence / "rgb.cal").write_text(calibration(COLOUR, SHIFT))
    measured = np.rint(ball(DEPTH, CENTRE)).astype(np.int16)
    measured[:, :5] = 0
    for number, yaw in enumerate((0, 5, 10, 15, 20, 80), start=3):
        frame = sequence / f"frame_{number:05d}"
        Image.new("RGB", (WIDTH, HEIGHT)).save(f"{frame}_rgb.png")
        Path(f"{frame}_depth.bin").write_bytes(compressed(measured))
        turned = rotation_from_angles(yaw, -4, 2) @ HEAD_TO_CAMERA_AXES
        Path(f"{frame}_pose.txt").write_text(pose_text(turned))
    return tmp_path / "biwi"


@dataclass(frozen=True)
class Saying:
    """Says hair above, face below; or refuses."""

    refuses: bool = False

    def labels(self, item: EvaluationItem) -> np.ndarray:
        if self.refuses:
            raise NoFaceFound("No face was found.")
        return np.where(np.arange(HEIGHT)[:, None] < 30, 2, 1).repeat(WIDTH, 1).astype(np.uint8)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 1))
def test_a_depth_map_comes_back(tmp_path_factory, seed, share):
    random = np.random.default_rng(seed)
    depth = random.integers(1, 3000, (7, 11)) * (random.random((7, 11)) < share)
    path = tmp_path_factory.mktemp("depth") / "d.bin"
    path.write_bytes(compressed(depth.astype(np.int16)))
    np.testing.assert_array_equal(np.nan_to_num(read_depth(path)), depth)


def test_frames_become_items_with_depth_before_the_colour_camera(folder, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    assert convert_biwi(folder, out, Saying(), frames=3) == 3
    items = read_dataset(out)
    assert [item.id for item in items] == ["07_frame_00003", "07_frame_00005", "07_frame_00007"]
    assert items[1].pose_deg == pytest.approx({"yaw": 10, "pitch": -4, "roll": 2}, abs=1e-3)
    assert items[0].camera == COLOUR and items[0].subject == "07"
    depth, regions = items[0].load_depth(), items[0].load_regions()
    truth = ball(COLOUR, CENTRE + SHIFT)
    head = truth < WALL_MM
    known = np.isfinite(depth)
    # A splatted point may fall on the pixel beside the silhouette, no further.
    beside = cv2.dilate(head.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert not known[~beside].any(), "the wall is no head"
    assert known[head].mean() > 0.9
    # A splatted point lies up to half a pixel beside the pixel's ray; only the rim is steep.
    assert np.median(np.abs(depth - truth)[known & head]) < 2.0
    assert set(np.unique(regions)) == {0, 1, 2}
    assert ((regions > 0) == known).all()


def test_no_photo_is_lost_where_labels_are_refused(folder, tmp_path):
    assert convert_biwi(folder, tmp_path, Saying(refuses=True), frames=1) == 1
    assert set(np.unique(read_dataset(tmp_path)[0].load_regions())) == {0, 5}


def test_what_does_not_follow_the_layout_is_named(folder, tmp_path):
    sequence = folder / "07"
    with pytest.raises(DatasetBroken, match=r"rgb\.cal"):
        convert_biwi(sequence, tmp_path, Saying())
    for name, text, reader in (
        (
            "bad.cal",
            calibration(DEPTH, SHIFT).replace("0 0 0 0", "0.1 0 0 0"),
            lambda p: read_calibration(p, (9, 9)),
        ),
        ("bad.cal", "1 2 3\n4 5 6\n", lambda p: read_calibration(p, (9, 9))),
        ("bad.txt", "1 0 0\n", read_pose),
        ("bad.txt", "one two three\n", read_pose),
    ):
        (sequence / name).write_text(text)
        with pytest.raises(DatasetBroken, match="bad"):
            reader(sequence / name)
    whole = (sequence / "frame_00003_depth.bin").read_bytes()
    for data in (whole[:5], whole[:-30], struct.pack("<iiii", 4, 4, -1, 3), struct.pack("<iiii", 4, 4, 0, 0)):
        (sequence / "bad.bin").write_bytes(data)
        with pytest.raises(DatasetBroken, match=r"bad\.bin"):
            read_depth(sequence / "bad.bin")
