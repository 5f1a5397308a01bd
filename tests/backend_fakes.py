"""Small stand-ins for the engine and for what it returns."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np

from backend.camera import Camera
from backend.frames import Pose, rotation_from_angles
from backend.progress import ignore
from backend.protocol import Quality, Stage
from backend.reconstruction import Reconstruction, TexturedMesh
from backend.still import Still
from backend.transfer import FaceMeasure


def small_reconstruction() -> Reconstruction:
    """A face of one quad with shape keys, a triangle of hair with soft edge, and a body that stays."""
    rng = np.random.default_rng(1)
    square = np.array([[-50, -60, 90], [50, -60, 90], [50, 60, 90], [-50, 60, 90]], np.float32)
    corners = np.array([[[0, 0], [1, 0], [1, 1], [0, 1]]], np.float32)
    quad = np.array([[0, 1, 2, 3]], np.int32)
    face = TexturedMesh(
        "face",
        square,
        quad,
        corners,
        "face",
        expression=rng.normal(size=(2, 4, 3)).astype(np.float16),
        identity=rng.normal(size=(3, 4, 3)).astype(np.float16),
        known=np.float32([0, 0.25, 0.5, 1]),
        seen_at=square + np.float32([0, 0, 600]),
    )
    triangle = np.array([[0, 1, 2, -1]], np.int32)
    hair = TexturedMesh(
        "hair", square + np.float32(5), triangle, corners, "hair", (1.0, 2.0, 3.0), has_alpha=True
    )
    lashes = TexturedMesh("lashes", square, triangle, corners, "face", visible=False)
    body = TexturedMesh("body", square * 2, quad, corners, "body", follows_head=False, has_alpha=True)
    return Reconstruction(
        camera=Camera.centred(150.0, 64, 48),
        pose=Pose(rotation_from_angles(10, 5, 2), np.array([1.0, 2.0, 600.0])),
        identity=rng.normal(size=3).astype(np.float32),
        expression=rng.random(2).astype(np.float32),
        expression_names=("jawOpen", "mouthClose"),
        meshes=(face, hair, lashes, body),
        images={
            "face": rng.integers(0, 256, (16, 16, 3), np.uint8),
            "hair": rng.integers(0, 256, (16, 16, 4), np.uint8),
            "body": rng.integers(0, 256, (16, 16, 4), np.uint8),
            "photo": rng.integers(0, 256, (48, 64, 3), np.uint8),
            "plate": rng.integers(0, 256, (48, 64, 3), np.uint8),
        },
        model="test",
        warnings=("The face is turned.",),
        timings_ms={"fit": 12.5},
    )


def small_measure() -> FaceMeasure:
    """Somebody who looks to the side with an open mouth."""
    pose = Pose(rotation_from_angles(-20, 4, 1), np.array([3.0, -2.0, 700.0]))
    return FaceMeasure(pose, {"jawOpen": 0.75, "mouthClose": 0.125}, "test", ("The photo is blurred.",))


@dataclass
class FakeEngine:
    """Reports two stages and returns a small head; can be told to fail or to wait."""

    device_name: str = "test device"
    interim: tuple[str, ...] = ("parse",)
    error: BaseException | None = None
    gate: threading.Event | None = None
    """If set, reconstruct goes on reporting progress until the event is set."""
    started: threading.Event = field(default_factory=threading.Event)
    calls: list[tuple] = field(default_factory=list)

    def reconstruct(self, photo, *, face=None, quality=Quality.FAST, progress=ignore) -> Reconstruction:
        self.calls.append((photo.pixels.shape, face, quality))
        progress(Stage.DETECT, 0.2)
        self.started.set()
        while self.gate is not None and not self.gate.wait(0.005):
            progress(Stage.FIT, 0.5)
        if self.error is not None:
            raise self.error
        progress(Stage.MESH, 0.9)
        return small_reconstruction()

    def measure(self, photo, *, face=None, quality=Quality.FAST, progress=ignore) -> FaceMeasure:
        self.calls.append((photo.pixels.shape, face, quality))
        progress(Stage.DETECT, 0.2)
        if self.error is not None:
            raise self.error
        return small_measure()

    def refine(self, coarse, known, plate, *, transparent=False, progress=ignore) -> Still:
        progress(Stage.REFINE, 0.5)
        height, width = coarse.shape[:2]
        pixels = coarse if transparent else plate
        return Still(pixels, np.zeros((height, width), np.uint8), 0.0, "none", True)
