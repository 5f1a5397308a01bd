"""Strands against a loop over their points, and what must hold of coverage."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backend.camera import Camera
from backend.frames import Pose, rotation_from_angles
from backend.head_parse import FACE, HAIR
from train.synth.person import Strands
from train.synth.splat import _interpolation, splat
from train.synth.view import Views, stack_views

SIZE = 48


@pytest.fixture
def views() -> Views:
    """One millimetre is one pixel at the head's depth."""
    camera = Camera.centred(1000.0, SIZE, SIZE)
    pose = Pose(rotation_from_angles(0, 0, 0), np.array([0.0, 0, 1000]))
    return stack_views([pose, pose], [camera, camera], torch.device("cpu"))


def strands(points: torch.Tensor, width: float = 0.5, region: int = HAIR) -> Strands:
    b, n = points.shape[:2]
    colour = torch.arange(b * n).reshape(b, n, 1).expand(b, n, 3).float()
    return Strands(points, colour, torch.full((b, n), width), region, torch.ones(b))


def straight(start: tuple, end: tuple, knots: int = 5) -> torch.Tensor:
    return torch.lerp(torch.tensor(start), torch.tensor(end), torch.linspace(0, 1, knots)[:, None])


def empty() -> torch.Tensor:
    return torch.full((2 * SIZE * SIZE,), torch.inf)


def test_a_line_covers_its_pixels_without_gaps(views):
    line = straight((-10.0, 0.0, 0.0), (10.0, 4.0, 0.0))
    kind = strands(torch.stack([line, line])[:, None])
    drawn = splat((kind,), [kind.points], views, empty())
    rows, columns = np.nonzero(drawn.cover.reshape(2, SIZE, SIZE)[1].numpy())
    assert set(range(14, 34)) <= set(columns.tolist())
    expected_y = 23.5 - (columns - 23.5 + 10) / 5
    assert (abs(rows - expected_y) <= 1.0).all()


def test_the_nearest_strand_wins_and_knows_where_it_is(views):
    far, near = straight((-10.0, 0.2, 0.0), (10.0, 0.2, 0.0)), straight((0.2, -10.0, 5.0), (0.2, 10.0, 5.0))
    both = torch.stack([far, near])
    kind = strands(torch.stack([both, both]))
    drawn = splat((kind,), [kind.points], views, empty())
    at = {int(pixel): i for i, pixel in enumerate(drawn.pixel)}
    crossing = at[SIZE * SIZE + 23 * SIZE + 24]
    assert drawn.colour[crossing, 0] == 3  # the second strand of the second picture
    assert drawn.depth[crossing] == pytest.approx(995, abs=0.01)
    torch.testing.assert_close(drawn.tangent[crossing], torch.tensor([0.0, 1.0, 0.0]))
    place, _ = views.lift(drawn.pixel, drawn.depth)
    assert (place - drawn.place).abs().max() < 1.2


def test_strands_behind_a_surface_are_gone_and_count_for_nothing(views):
    line = straight((-10.0, 0.0, 0.0), (10.0, 0.0, 0.0))
    kind = strands(torch.stack([line, line])[:, None])
    wall = empty()
    wall[: SIZE * SIZE] = 900.0
    drawn = splat((kind,), [kind.points], views, wall)
    assert drawn.cover[: SIZE * SIZE].max() == 0
    assert drawn.cover[SIZE * SIZE :].max() > 0.2
    assert (drawn.picture == 1).all()


def test_more_hair_covers_more_and_only_scalp_hair_is_hair(views):
    line = straight((-10.0, 0.0, 0.0), (10.0, 0.0, 0.0))
    few, many = (line.expand(2, n, 5, 3).contiguous() for n in (1, 6))
    covers = [splat((strands(p),), [p], views, empty()).cover.max() for p in (few, many)]
    assert 0.2 < covers[0] < 0.75 < covers[1] < 1.0
    beard = splat((strands(few, region=FACE),), [few], views, empty())
    assert beard.cover.max() > 0.2
    assert beard.hair_cover.max() == 0


def test_strands_that_are_not_there_are_not_drawn(views):
    line = straight((-10.0, 0.0, 0.0), (10.0, 0.0, 0.0)).expand(2, 1, 5, 3).contiguous()
    drawn = splat((strands(line, width=0.0),), [line], views, empty())
    assert len(drawn.pixel) == 0


@pytest.mark.parametrize(("knots", "count"), [(2, 3), (5, 17), (16, 9)])
def test_the_spline_passes_through_its_knots_and_keeps_straight_lines(knots, count):
    weights = _interpolation(knots, count, torch.device("cpu"))
    torch.testing.assert_close(weights.sum(0), torch.ones(count))
    line = torch.arange(float(knots))
    inner = slice(None) if knots == 2 else slice(1, -1)
    drawn = line @ weights
    assert drawn[0] == 0
    assert drawn[-1] == knots - 1
    within = (torch.linspace(0, knots - 1, count) >= 1) & (torch.linspace(0, knots - 1, count) <= knots - 2)
    torch.testing.assert_close(drawn[within], torch.linspace(0, knots - 1, count)[within])
    assert (drawn.diff()[inner] > 0).all()
