"""Odd heads through depth and shells: a usable mesh, and never a spike towards the camera."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from backend.crop import HeadCrop
from backend.depth import GeometricPrior, HeadDepth
from backend.depth_network import NetworkHeadDepth
from backend.fit import HeadFit
from backend.frames import Pose
from backend.hair_mesh import build_shells
from backend.head_parse import BACKGROUND, BODY, EAR, FACE, HAIR, HEADWEAR, OTHER_HEAD, HeadParse
from backend.morphable import load_head_model
from backend.nets.depth_net import UNIT_MM, DepthNet, HeadView
from backend.project import ProjectedHead, project_head
from backend.raster import TorchRasterizer, rasterize_arrays, triangulate
from backend.reconstruction import TexturedMesh
from backend.shell_depth import ShellOptions
from tests.train.depth import eggs

SIDE = 512
CENTRE_MM = 900.0
RINGS_PX = (8, 16, 24)
"""5, 10 and 15 mm: a needle of the depth network is 3 to 10 mm wide."""
LONGEST_EDGE_MM = ShellOptions.jump_mm + ShellOptions.closing_gap_mm[1] / 2
"""A triangle spans at most a jump that is not cut, and at the outline the way to where the back meets it."""
NEEDLE_MM = 90.0
POSE: Pose = eggs.pose_of(15.0)

Stage = tuple[HeadCrop, HeadParse, ProjectedHead]


@pytest.fixture(scope="module")
def head() -> ProjectedHead:
    """The mean head."""
    model = load_head_model()
    identity = np.zeros(len(model.identity), np.float32)
    expression = np.zeros(len(model.expression_names), np.float32)
    none = np.zeros_like(model.shape(identity, expression))
    camera = eggs.camera_of(SIDE)
    return project_head(
        model, HeadFit(identity, expression, none, POSE, camera, 0.0, 0.0), camera, TorchRasterizer()
    )


def around(mask: np.ndarray, px: int) -> np.ndarray:
    return (
        cv2.dilate(mask.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * px + 1,) * 2)) > 0
    )


def case(name: str, head: ProjectedHead) -> Stage:
    """What the stage is given of the mean head, dressed and cut as the name says."""
    rows = np.arange(SIDE)[:, None] * np.ones(SIDE)
    masks = [head.face, head.ears, head.scalp, head.neck]
    labels = np.select(masks, [FACE, EAR, HAIR, BODY], BACKGROUND).astype(np.uint8)
    top = np.nonzero(head.skull.any(1))[0][0]
    match name:
        case "no hair":
            labels[labels == HAIR] = OTHER_HEAD
        case "hair over the face":
            labels[around(head.skull, 12) & (labels != BODY)] = HAIR
        case "cut by the edge":
            labels[rows < top + 90] = BACKGROUND
        case "hood":
            labels[around(head.skull, 25) & (labels != FACE) & (rows < 330)] = HEADWEAR
        case "hat":
            brim = (np.abs(rows - top - 60) < 12) & around(head.skull, 60)
            labels[brim | (around(head.skull, 10) & (rows < top + 60))] = HEADWEAR
        case "two heads":
            labels[np.roll(head.skull, 150, 1) & (labels == BACKGROUND)] = HAIR
        case "a lock over the eye":
            labels[head.face & (np.abs(np.arange(SIDE) - 225) < 6)[None]] = HAIR
    matte = np.isin(labels, (FACE, HAIR, EAR, OTHER_HEAD, HEADWEAR)).astype(np.float32)
    crop = HeadCrop(
        np.zeros((SIDE, SIDE, 3), np.uint8), np.ones((SIDE, SIDE), bool), eggs.camera_of(SIDE), 1.0, 0.0, 0.0
    )
    return crop, HeadParse(labels, matte, matte), head


CASES = (
    "no hair", "hair over the face", "cut by the edge", "hood", "hat", "two heads", "a lock over the eye",
)  # fmt: skip


class Needles(DepthNet):
    """Says the prior, and narrow needles towards the camera."""

    def forward(self, view: HeadView) -> Tensor:
        random = torch.rand(view.prior.shape, generator=torch.Generator().manual_seed(0))
        needle = functional.max_pool2d((random > 0.9995).float()[:, None], 7, 1, 3)[:, 0]
        return view.prior.nan_to_num(0.0) + NEEDLE_MM / UNIT_MM * needle


def ring(radius: int) -> np.ndarray:
    """A circle of pixels."""
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return (np.abs(np.hypot(x, y) - radius) < 1).astype(np.uint8)


def standing_out_mm(depth: np.ndarray) -> float:
    """How far anything of a picture's depth (S,S), infinite outside, lies before the whole ring around it.

    Slopes, edges and outlines do not: on one side of them something lies as near. So this looks right up to
    the borders.
    """
    inside = np.isfinite(depth)
    filled = np.where(inside, depth, 1e6).astype(np.float32)
    return max(float((cv2.erode(filled, ring(radius)) - filled)[inside].max()) for radius in RINGS_PX)


def as_seen(mesh: TexturedMesh, stage: Stage) -> np.ndarray:
    """(S,S) depth of shell and fitted head together, infinite outside."""
    crop, parse, head = stage
    points = POSE.to_camera(mesh.vertices.astype(np.float64))
    shell = rasterize_arrays(points, triangulate(mesh.polygons).vertices, crop.camera)
    fitted = np.where(np.isin(parse.labels, (FACE, EAR, BODY)), head.front_mm, np.nan)
    seen = np.fmin(np.where(shell.covered, shell.depth, np.nan), fitted)
    return np.where((parse.matte > 0.5) & np.isfinite(seen), seen, np.inf)


def checked(depth: HeadDepth, stage: Stage) -> TexturedMesh:
    """The front shell, after what every shell must be."""
    crop, parse, _ = stage
    for mesh in (shells := build_shells(depth, parse, crop, POSE)):
        assert np.isfinite(mesh.vertices).all() and len(mesh.polygons) > 100
    points = POSE.to_camera(shells[0].vertices.astype(np.float64))
    assert points[:, 2].min() > CENTRE_MM - 200
    assert standing_out_mm(as_seen(shells[0], stage)) < ShellOptions.spike_mm
    corners = points[triangulate(shells[0].polygons).vertices]
    assert np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=-1).max() < LONGEST_EDGE_MM
    return shells[0]


def test_a_nose_is_no_spike_and_a_needle_is(head: ProjectedHead) -> None:
    """The measure itself: of what belongs to a head, the nose stands out most."""
    bare = np.where(head.skull & np.isfinite(head.front_mm), head.front_mm, np.inf)
    assert 2.0 < standing_out_mm(bare) < ShellOptions.spike_mm
    outline = np.argwhere(np.isfinite(bare))
    for y, x in (outline[0], outline[len(outline) // 2]):
        needle = bare.copy()
        needle[max(y - 1, 0) : y + 2, x - 1 : x + 2] -= NEEDLE_MM
        assert standing_out_mm(needle) > ShellOptions.spike_mm


@pytest.mark.parametrize("name", CASES)
def test_an_odd_head_gets_a_shell_without_spikes(name: str, head: ProjectedHead) -> None:
    stage = case(name, head)
    depth = GeometricPrior().estimate(*stage, CENTRE_MM)
    checked(depth, stage)
    inside = stage[1].matte > 0.5
    assert np.isfinite(depth.front[inside]).mean() > 0.98


@pytest.mark.parametrize("name", ["hood", "hair over the face"])
def test_a_networks_needles_are_cut(name: str, head: ProjectedHead) -> None:
    stage = case(name, head)
    spiky = NetworkHeadDepth(Needles()).estimate(*stage, CENTRE_MM)
    assert (GeometricPrior().estimate(*stage, CENTRE_MM).front - spiky.front)[stage[1].matte > 0.5].max() > 60
    checked(spiky, stage)


@pytest.mark.parametrize("name", ["hair over the face", "a lock over the eye"])
def test_what_covers_the_face_lies_before_it_and_the_face_stays(name: str, head: ProjectedHead) -> None:
    """Eq. 9, whatever a network says; d_f beneath is the fitted face's own."""

    class Sinking(DepthNet):
        def forward(self, view: HeadView) -> Tensor:
            return view.prior.nan_to_num(0.0) - 0.5

    stage = case(name, head)
    depth = NetworkHeadDepth(Sinking()).estimate(*stage, CENTRE_MM)
    covered = np.isin(stage[1].labels, (HAIR, HEADWEAR)) & np.isfinite(head.face_mm)
    assert covered.sum() > 300
    assert (depth.front <= head.face_mm)[covered].all()
    np.testing.assert_array_equal(depth.face, head.face_mm)


def test_a_head_without_anything_beside_the_face_gets_an_empty_shell(head: ProjectedHead) -> None:
    crop, parse, _ = case("no hair", head)
    matte = (np.isfinite(head.face_mm) & (parse.labels == FACE)).astype(np.float32)
    bare = replace(
        parse, labels=np.where(matte > 0, FACE, BACKGROUND).astype(np.uint8), matte=matte, person=matte
    )
    depth = GeometricPrior().estimate(crop, bare, head, CENTRE_MM)
    front, _ = build_shells(depth, bare, crop, POSE, ShellOptions())
    assert np.isfinite(front.vertices).all()
    # At most the ragged rim of the face remains.
    assert len(front.polygons) < 0.1 * ShellOptions().grid ** 2
