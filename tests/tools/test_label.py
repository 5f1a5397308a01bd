"""Corrections do what their words say, borders settle on edges, and scores count pixels."""

from __future__ import annotations

import numpy as np
import pytest

from tools.label.classes import CODES, COLOURS, UNSURE
from tools.label.corrections import (
    BadCorrection,
    apply_corrections,
    fill,
    parse_points,
    rounded,
    stroke,
)
from tools.label.overlay import GAP, MARGIN, head_box, overlay
from tools.label.score import class_iou
from tools.label.snap import settle

HEIGHT, WIDTH = 40, 50


def two_tone(edge: int) -> np.ndarray:
    """Dark left of ``edge``, bright from it on, with a little noise."""
    pixels = np.where(np.arange(WIDTH) < edge, 60, 190)[None, :, None].repeat(HEIGHT, 0).repeat(3, 2)
    noise = np.random.default_rng(0).normal(0, 3, pixels.shape)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


def halves(edge: int, left: str = "hair", right: str = "background") -> np.ndarray:
    row = np.where(np.arange(WIDTH) < edge, CODES[left], CODES[right])
    return row[None].repeat(HEIGHT, 0).astype(np.uint8)


def test_a_polygon_covers_its_pixel_centres() -> None:
    mask = fill(parse_points("10,5 20,5 20,15 10,15"), (HEIGHT, WIDTH))
    assert mask[5:16, 10:21].all() and mask.sum() == 11 * 11


def test_a_curve_goes_through_its_points_and_bulges_between() -> None:
    corners = parse_points("10,10 30,10 30,30 10,30")
    curve = rounded(corners, closed=True)
    assert all(np.abs(curve - corner).sum(1).min() < 1e-9 for corner in corners)
    assert curve[:, 1].min() < 10 - 1


def test_a_stroke_is_as_wide_as_told() -> None:
    mask = stroke(parse_points("5,20 44,20"), 3.0, (HEIGHT, WIDTH))
    assert np.array_equal(np.nonzero(mask[:, 25])[0], [19, 20, 21])
    assert not mask[:, :3].any()


def test_paint_respects_what_it_may_cover() -> None:
    labels = halves(25)
    over = {"paint": "ear", "polygon": "20,10 30,10 30,20 20,20", "only_over": ["hair"]}
    kept = {"paint": "ear", "polygon": "20,10 30,10 30,20 20,20", "not_over": ["hair"]}
    ear = [apply_corrections(two_tone(25), labels, [op]) == CODES["ear"] for op in (over, kept)]
    assert np.array_equal(ear[0], ear[0] & (labels == CODES["hair"])) and ear[0].sum() == 11 * 5
    assert np.array_equal(ear[1], ear[1] & (labels == CODES["background"])) and ear[1].sum() == 11 * 6
    assert (labels == halves(25)).all(), "the input stays as it is"


def test_later_operations_lie_over_earlier_ones() -> None:
    operations = [{"paint": name, "polygon": "5,5 15,5 15,15 5,15"} for name in ("hair", "scalp")]
    labels = apply_corrections(two_tone(25), np.zeros((HEIGHT, WIDTH), np.uint8), operations)
    assert set(np.unique(labels).tolist()) == {0, CODES["scalp"]}


def test_borders_settle_on_the_edge_within_reach() -> None:
    codes = [CODES["hair"], CODES["background"]]
    settled = settle(two_tone(25), halves(22), 5, codes)
    assert np.array_equal(settled, halves(25))
    assert np.abs((settle(two_tone(25), halves(10), 4, codes) != halves(10)).sum(1)).max() <= 4


def test_other_classes_neither_move_nor_count() -> None:
    labels = halves(22)
    labels[10:20] = CODES["ear"]
    settled = settle(two_tone(25), labels, 5, [CODES["hair"], CODES["background"]])
    assert (settled[10:20] == CODES["ear"]).all()
    assert np.array_equal(np.delete(settled, range(10, 20), 0), np.delete(halves(25), range(10, 20), 0))


def test_a_painted_region_snaps_its_own_border_only() -> None:
    labels = halves(22)
    operation = {"paint": "face", "polygon": "0,0 21,0 21,39 0,39", "only_over": ["hair", "background"]}
    painted = apply_corrections(two_tone(25), labels, [{**operation, "snap": 5}])
    assert np.array_equal(painted, halves(25, left="face"))


def test_grow_smooth_and_rest_of() -> None:
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[10:20, 10:20] = CODES["hair"]
    labels[30, 40] = CODES["hair"]
    pixels = two_tone(25)
    single = apply_corrections(pixels, labels, [{"rest_of": "hair", "to": "background"}])
    assert single.sum() == 100 * CODES["hair"]
    assert np.array_equal(apply_corrections(pixels, labels, [{"smooth": 1.0}])[30], np.zeros(WIDTH))
    grown = apply_corrections(pixels, single, [{"grow": "hair", "px": 2, "only_over": ["background"]}])
    assert grown[15, 8] == grown[15, 21] == CODES["hair"] and grown[15, 7] == 0


@pytest.mark.parametrize(
    "operation",
    [
        {"paint": "moustache", "polygon": "1,1 2,2 3,1"},
        {"paint": "hair"},
        {"paint": "hair", "polygon": "1,1 2"},
        {"paint": "hair", "polygon": "a,b c,d"},
        {"shave": "hair"},
    ],
)
def test_nonsense_is_named(operation: dict) -> None:
    with pytest.raises(BadCorrection, match="Operation 1"):
        apply_corrections(two_tone(25), halves(25), [operation])


def test_iou_agrees_with_counting() -> None:
    rng = np.random.default_rng(1)
    found, truth = rng.integers(0, 4, (2, HEIGHT, WIDTH)).astype(np.uint8)
    truth[:5] = UNSURE
    pairs = [(f, t) for f, t in zip(found.ravel(), truth.ravel(), strict=True) if t != UNSURE]
    both = sum(f == 2 and t == 2 for f, t in pairs)
    either = sum(f == 2 or t == 2 for f, t in pairs)
    assert class_iou(found, truth, 2) == pytest.approx(both / either)
    assert np.isnan(class_iou(found, truth, 7))


def test_the_picture_shows_the_contour_where_the_border_is() -> None:
    picture = overlay(two_tone(25), halves(25), (0, 0, WIDTH, HEIGHT), "")
    panel = (picture.shape[1] - GAP) // 2
    scale = (panel - MARGIN) / WIDTH
    columns = np.nonzero((picture == COLOURS[CODES["hair"]]).all(-1).any(0))[0] - panel - GAP - MARGIN
    assert columns.max() == pytest.approx(25 * scale - 1, abs=1)


def test_the_head_box_holds_the_head() -> None:
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[10:20, 10:30] = CODES["hair"]
    labels[30:, :] = CODES["body"]
    x0, y0, x1, y1 = head_box(labels, (CODES["hair"],), margin=0.1)
    assert (x0, y0, x1, y1) == (8, 8, 32, 22)
    assert head_box(np.zeros_like(labels), (CODES["hair"],)) == (0, 0, WIDTH, HEIGHT)
