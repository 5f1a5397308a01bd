"""Odd heads through depth and shells: a usable mesh, and never a spike towards the camera."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from scipy.sparse import coo_matrix
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
from backend.nets.depth_net import DepthNet, HeadView
from backend.project import ProjectedHead, project_head
from backend.raster import TorchRasterizer, triangulate
from backend.reconstruction import TexturedMesh
from backend.shell_depth import ShellOptions
from tests.train.depth import eggs

SIDE = 512
CENTRE_MM = 900.0
BEFORE_MM = 40.0
"""A vertex so far before the median of those around it is a spike."""
RINGS = 4
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
    """Says the prior, and narrow needles of 90 mm towards the camera."""

    def forward(self, view: HeadView) -> Tensor:
        random = torch.rand(view.prior.shape, generator=torch.Generator().manual_seed(0))
        needle = functional.max_pool2d((random > 0.9995).float()[:, None], 7, 1, 3)[:, 0]
        return view.prior.nan_to_num(0.0) + 0.9 * needle


def standing_out_mm(mesh: TexturedMesh) -> np.ndarray:
    """(M,) how far vertices lie before the median of those at most :data:`RINGS` edges away.

    Vertices nearer to a border are left out: at its outline every round head is steep.
    """
    depth = POSE.to_camera(mesh.vertices.astype(np.float64))[:, 2]
    triangles = triangulate(mesh.polygons).vertices
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    size = (len(depth),) * 2
    near = coo_matrix((np.ones(len(edges), np.float32), edges.T), size).tocsr()
    border = np.unique(np.stack((near - near.T).nonzero()))
    near = near + near.T
    reach = near
    for _ in range(RINGS - 1):
        reach = reach @ near + reach
        reach.data[:] = 1
    at_border = reach[:, border].sum(1).A1 > 0
    spans = list(zip(reach.indptr, reach.indptr[1:], strict=False))
    inner = np.flatnonzero(~at_border)
    return np.array([np.median(depth[reach.indices[slice(*spans[i])]]) - depth[i] for i in inner])


def checked(depth: HeadDepth, stage: Stage) -> TexturedMesh:
    """The front shell, after what every shell must be."""
    crop, parse, _ = stage
    for mesh in (shells := build_shells(depth, parse, crop, POSE)):
        assert np.isfinite(mesh.vertices).all() and len(mesh.polygons) > 100
    points = POSE.to_camera(shells[0].vertices.astype(np.float64))
    assert points[:, 2].min() > CENTRE_MM - 200
    assert standing_out_mm(shells[0]).max() < BEFORE_MM
    return shells[0]


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
