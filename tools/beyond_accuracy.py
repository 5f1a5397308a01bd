"""How true faces are whose shape no component can show: ``python -m tools.beyond_accuracy --count 60``.

Bald heads as :mod:`train.normals.prepare` draws them, with seeds that no training uses. Prints a line for
each witness that is added: landmarks, face network, normal network.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from backend.camera import Camera
from backend.errors import NoFaceFound
from backend.evaluate.align import similarity_between
from backend.face_estimate import face_estimator
from backend.fit import HeadFit, HeadFitter
from backend.fitting import Fitting
from backend.landmarks import MediaPipeDetector
from backend.morphable import load_head_model
from backend.nets.face_crop import face_window
from backend.normals import vertex_normals
from backend.parse import head_parser
from backend.person_mask import PersonSegmenter
from backend.photo import Photo
from backend.photo_checks import choose_face
from backend.protocol import Quality
from backend.raster import default_rasterizer, rasterize_arrays, triangulate
from train.face.beyond import displacement
from train.face.data import Jitter, KnownFace, strayed
from train.face.plain import photograph, skin_of, somebody
from train.synth.scene import FACES, sample_scene

FIRST_SEED = 7000
SIDE, WIDER = 320, 1.5
"""Pixels of a photo, and its side over that of the network's window."""
STRENGTH = (0.3, 1.0)
SAMPLED_PX = 2
"""Normals are compared at every second pixel."""

Array = NDArray[np.float64]
MODEL = load_head_model()
FACE = MODEL.regions["face"]
SOLID = triangulate(MODEL.polygons[MODEL.solid]).vertices


@dataclass(frozen=True)
class KnownHead:
    """A photo of a bald head, and its surface."""

    photo: Photo
    face: KnownFace
    shape: Array
    """(N,3) mm, head frame."""


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m tools.beyond_accuracy", description=__doc__)
    parser.add_argument("--count", type=int, default=60, help="heads (default: 60)")
    table = measured(parser.parse_args().count)
    for name, rows in table.items():
        mm, degrees = np.array(rows).mean(axis=0)
        print(f"{name:<20} {len(rows)} heads  {mm:.2f} mm  {degrees:.1f} degrees")


def measured(count: int) -> dict[str, list[tuple[float, float]]]:
    """By witness, for each head in which a face is found: what :func:`errors` says."""
    cpu, detector, fitter = torch.device("cpu"), MediaPipeDetector(), HeadFitter(MODEL)
    fitting = Fitting(MODEL, head_parser(cpu, PersonSegmenter()), default_rasterizer("cpu"), cpu)
    network = face_estimator(MODEL)
    table: dict[str, list[tuple[float, float]]] = {
        name: [] for name in ("landmarks", "and face network", "and normal network")
    }
    for known in known_heads(count):
        try:
            found = choose_face(detector.detect(known.photo.pixels), None)
        except NoFaceFound:
            continue
        alone = fitter.fit(found, known.photo)
        guessed = fitter.fit(found, known.photo, network and network.estimate(known.photo, found))
        whole, _ = fitting.fit(known.photo, found, Quality.FAST)
        for rows, fit in zip(table.values(), (alone, guessed, whole), strict=True):
            rows.append(errors(fit, known))
    return table


def known_heads(count: int) -> Iterator[KnownHead]:
    """Numbered heads; equal numbers give equal heads."""
    assert MODEL.albedo is not None
    for number in range(count):
        rng = np.random.default_rng(FIRST_SEED + number)
        scene = sample_scene(int(rng.integers(2**31)), FACES)
        albedo = rng.standard_normal(len(MODEL.albedo)).astype(np.float32)
        beyond = displacement(rng, float(rng.uniform(*STRENGTH)))
        face = somebody(scene, MODEL, albedo, beyond)
        window = strayed(face_window(face.landmarks_px, SIDE), Jitter(0.0, 0.0, WIDER), rng)
        close = face.within(window)
        photo = Photo(photograph(close, skin_of(face), scene, SIDE), float(close.focal_px), face.id)
        yield KnownHead(photo, close, MODEL.shape(face.identity, face.expression).astype(float) + beyond)


def errors(fit: HeadFit, known: KnownHead) -> tuple[float, float]:
    """Millimetres along the true normal, and degrees between normals without regard to the head's pose."""
    shape = fit.vertices(MODEL)
    points = known.shape @ known.face.rotation.T + known.face.translation_mm
    principal = known.face.principal_px.tolist()
    true = Camera(known.photo.focal_px or 1.0, known.photo.focal_px or 1.0, *principal, SIDE, SIDE)
    drawn = [
        _normals(points.astype(np.float32), true),
        _normals(fit.pose.to_camera(shape).astype(np.float32), fit.camera),
    ]
    both = (np.abs(drawn[0]).sum(2) > 0) & (np.abs(drawn[1]).sum(2) > 0)
    a, b = (each[both].astype(float) for each in drawn)
    u, _, vt = np.linalg.svd(b.T @ a)
    turned = b @ (u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt)
    degrees = np.rad2deg(np.arccos((turned * a).sum(1).clip(-1, 1)))
    return distance_mm(shape.astype(float), known.shape), float(degrees.mean())


def distance_mm(shape: Array, truth: Array) -> float:
    """Mean distance of the face's vertices (N,3) along the true normals, laid onto the truth (N,3)."""
    laid = similarity_between(shape[FACE], truth[FACE]).apply(shape[FACE])
    return float(np.abs(((laid - truth[FACE]) * vertex_normals(truth, SOLID)[FACE]).sum(1)).mean())


def _normals(points: NDArray[np.float32], camera: Camera) -> NDArray[np.float32]:
    """(S,S,3) unit normals of the face's skin, camera axes, 0 elsewhere."""
    drawn = rasterize_arrays(points, SOLID, camera)
    normals = drawn.interpolate(vertex_normals(points, SOLID))
    length = np.linalg.norm(normals, axis=2, keepdims=True)
    skin = drawn.covered & FACE[SOLID].all(1)[drawn.face.clip(0)]
    unit = np.where(skin[..., None], normals / length.clip(1e-6), 0)
    return unit[::SAMPLED_PX, ::SAMPLED_PX].astype(np.float32)


if __name__ == "__main__":
    main()
