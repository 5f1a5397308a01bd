"""The parser with the network: what it makes of shares, and what happens without weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from backend.crop import HeadCrop, rough_crop
from backend.head_parse import (
    BACKGROUND,
    BODY,
    EAR,
    FACE,
    HAIR,
    HEAD_CLASSES,
    ParseGuide,
    continued,
    face_oval,
    guide_from_landmarks,
)
from backend.landmarks import MediaPipeDetector
from backend.nets.layers import folded
from backend.nets.parse_net import ARCHITECTURE, CLASSES, ParseLogits, ParseNet
from backend.parse import NetworkHeadParser, head_parser
from backend.parse_interim import InterimHeadParser
from backend.photo import Photo
from train.common.export import write_weights

from . import bad_input


class Painted(ParseNet):
    """Answers with given labels (S,S), whatever the picture shows."""

    def __init__(self, labels: np.ndarray) -> None:
        super().__init__()
        self.labels = labels

    def forward(self, pictures: torch.Tensor) -> ParseLogits:
        step = self.labels.shape[0] // pictures.shape[-1]
        codes = torch.from_numpy(self.labels[::step, ::step].astype(np.int64))
        scores = 12.0 * torch.nn.functional.one_hot(codes, CLASSES).permute(2, 0, 1)[None].float()
        return ParseLogits(scores, scores[:, :2])


@pytest.fixture(scope="module")
def scene() -> tuple[HeadCrop, ParseGuide, np.ndarray]:
    """The sample portrait, and labels that the classical parser finds on it."""
    photo = Photo(bad_input.astronaut())
    face = MediaPipeDetector().detect(photo.pixels)[0]
    crop = rough_crop(photo, face)
    guide = guide_from_landmarks(crop.to_crop(face.points_px), crop.size)
    return crop, guide, InterimHeadParser().parse(crop, guide).labels


def parsed(scene: tuple[HeadCrop, ParseGuide, np.ndarray], labels: np.ndarray):
    return NetworkHeadParser(Painted(labels)).parse(*scene[:2])


def test_what_the_network_says_is_what_comes_out(scene) -> None:
    parse = parsed(scene, scene[2])
    for code in (BACKGROUND, FACE, HAIR, BODY):
        ours, theirs = parse.labels == code, scene[2] == code
        assert (ours & theirs).sum() > 0.93 * (ours | theirs).sum()


def test_classes_and_mattes_agree(scene) -> None:
    parse = parsed(scene, scene[2])
    for matte in (parse.matte, parse.person):
        assert matte.dtype == np.float32 and matte.min() >= 0 and matte.max() <= 1
    assert (parse.matte <= parse.person).all()
    np.testing.assert_array_equal(parse.labels != BACKGROUND, parse.person > 0.5)
    sure = parse.person > 0.999
    np.testing.assert_array_equal((parse.matte > 0.5)[sure], np.isin(parse.labels, HEAD_CLASSES)[sure])
    fringe = (parse.person > 0.1) & (parse.person < 0.5) & (parse.matte > 0)
    assert fringe.any()  # hair ends softly outside of its class


def test_specks_take_their_neighbours_class(scene) -> None:
    labels = scene[2].copy()
    y, x = (int(v) for v in scene[1].landmarks_px[1][::-1])
    labels[y - 2 : y + 2, x - 2 : x + 2] = HAIR
    assert parsed(scene, labels).labels[y, x] == FACE


def test_amid_the_face_there_is_no_ear(scene) -> None:
    labels = scene[2].copy()
    labels[face_oval(scene[1].landmarks_px, 512)] = EAR
    found = parsed(scene, labels).labels
    for x, y in np.rint(scene[1].landmarks_px[[1, 50, 280, 9]]).astype(
        int
    ):  # nose, cheeks, between the brows
        assert found[y, x] == FACE


def test_other_peoples_heads_are_body(scene) -> None:
    _, guide, labels = scene
    labels = labels.copy()
    below = (labels == BODY) & (np.arange(512)[:, None] > 440)
    labels[below] = FACE
    assert (parsed(scene, labels).labels[below] == BODY).mean() > 0.95
    assert not (guide.skull & below).any()


def test_labels_go_on_where_they_are_not_known() -> None:
    labels = np.zeros((5, 8), np.uint8)
    labels[:, 0], labels[:, -1] = FACE, HAIR
    result = continued(labels, labels > 0)
    assert (result[:, :4] == FACE).all() and (result[:, 4:] == HAIR).all()
    assert not continued(np.zeros((2, 2), np.uint8), np.zeros((2, 2), bool)).any()


def test_equal_crops_give_equal_answers_at_any_side(scene, tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = folded(ParseNet())
    for side in (64, 96):
        one, two = (NetworkHeadParser(net, side=side).parse(*scene[:2]) for _ in range(2))
        np.testing.assert_array_equal(one.labels, two.labels)
        np.testing.assert_array_equal(one.matte, two.matte)
        assert one.labels.shape == (512, 512)


def test_weights_decide_who_parses(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "parse.safetensors"
    assert head_parser("cpu", weights=path).interim
    assert "parse.safetensors" in caplog.text
    write_weights(ParseNet(), path, {"architecture": ARCHITECTURE})
    assert not head_parser("cpu", weights=path).interim
    path.write_bytes(path.read_bytes()[:-1])
    assert head_parser("cpu", weights=path).interim
