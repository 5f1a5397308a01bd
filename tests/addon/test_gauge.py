"""The pose gauge's arithmetic, on a ball that a photo saw from the front."""

from __future__ import annotations

import numpy as np
import pytest
from likeness.addon.gauge import CELLS, HeadPoints, View, share_known, spread, surrounds, verdict

RADIUS = 0.1
DISTANCE = 2.0


def ball(count: int = 6000) -> HeadPoints:
    """Evenly spread (Fibonacci) points; the photo looked along +y from (0, -DISTANCE, 0)."""
    number = np.arange(count) + 0.5
    height, turn = 1 - 2 * number / count, np.pi * (1 + 5**0.5) * number
    around = np.sqrt(1 - height**2)
    normals = np.stack([around * np.cos(turn), around * np.sin(turn), height], axis=1)
    points = RADIUS * normals
    return HeadPoints(points, normals, (turned(0).towards(points) * normals).sum(1).clip(0, 1))


def view(eye: np.ndarray, forward: np.ndarray, *, parallel: bool = False, width: float = 0.2) -> View:
    """A square frame that is ``width`` as wide as it is far, or as wide in an orthographic view."""
    right = np.cross(forward, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    rows = np.stack([right, np.cross(right, forward), forward])
    scale = 2 / width
    clip = np.zeros((4, 4))
    clip[:2, :3] = scale * rows[:2]
    clip[2, :3] = rows[2]
    clip[:3, 3] = -clip[:3, :3] @ eye
    if parallel:
        clip[3, 3] = 1
    else:
        clip[3, :3], clip[3, 3] = rows[2], -rows[2] @ eye
    return View(clip, eye, forward, parallel)


def turned(degrees: float, **how: object) -> View:
    """From a circle about the ball; 0 is where the photo was taken."""
    angle = np.radians(degrees)
    forward = np.array([np.sin(angle), np.cos(angle), 0.0])
    return view(-DISTANCE * forward, forward, **how)


@pytest.mark.parametrize("parallel", [False, True])
def test_the_photos_own_view_is_known(parallel: bool) -> None:
    assert share_known(ball(), turned(0, parallel=parallel)) > 0.97


def test_the_far_side_is_not() -> None:
    assert share_known(ball(), turned(180)) < 0.02


@pytest.mark.parametrize(("angle", "other"), [(0, 20), (15, -40), (70, 95), (120, -175), (33, 34)])
def test_further_turns_carry_less_and_both_sides_are_alike(angle: float, other: float) -> None:
    nearer, further = sorted((abs(angle), abs(other)))
    head = ball(2000)
    assert share_known(head, turned(further)) <= share_known(head, turned(nearer)) + 0.05
    assert share_known(head, turned(angle)) == pytest.approx(share_known(head, turned(-angle)), abs=0.05)


def test_a_quarter_turn_knows_what_numbers_say() -> None:
    """Parallel rays from the side: at (x, z) of the disc the photo's cosine is y = sin, the view's is x."""
    x, z = np.meshgrid(np.linspace(-1, 1, 400), np.linspace(-1, 1, 400))
    inside = x * x + z * z < 1
    x, z = x[inside], z[inside]
    here = np.sqrt(1 - x * x - z * z)
    expected = np.minimum(1, 1.25 * x.clip(0) / here.clip(0.02)).mean()
    assert share_known(ball(20000), turned(90, parallel=True)) == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize("away", [turned(0, width=0.2), turned(180, width=0.2)])
def test_a_head_out_of_the_frame_has_no_share(away: View) -> None:
    head = ball()
    moved = HeadPoints(head.points + np.array([1.0, 0, 0]), head.normals, head.known)
    assert share_known(moved, away) is None
    behind = HeadPoints(head.points - 3 * DISTANCE * away.forward, head.normals, head.known)
    assert share_known(behind, away) is None


def test_the_grid_hides_the_far_side() -> None:
    """Cells must be wider than the gaps between vertices, or what lies behind is counted."""
    gap = np.sqrt(4 * np.pi * RADIUS**2 / 6000)
    assert gap < 2 * RADIUS / CELLS


def test_points_are_spread_by_area() -> None:
    """Two squares, one cut into many triangles: each gets its half of the points."""
    grid = np.linspace(0, 1, 9)
    fine = np.stack([*np.meshgrid(grid, grid), np.zeros((9, 9))], axis=-1).reshape(-1, 3)
    coarse = np.array([[5.0, 0, 0], [6, 0, 0], [6, 1, 0], [5, 1, 0]])
    corner = (9 * np.arange(8)[:, None] + np.arange(8)).ravel()[:, None]
    triangles = np.concatenate(
        [corner + np.array([0, 1, 10]), corner + np.array([0, 10, 9]), [[81, 82, 83], [81, 83, 84]]]
    )
    points = np.concatenate([fine, coarse])
    known = np.concatenate([fine[:, 0], coarse[:, 0] - 5])
    surface = spread(HeadPoints(points, np.tile([0.0, 0, 1], (len(points), 1)), known), triangles, 4000)
    right = surface.points[:, 0] > 3
    assert right.mean() == pytest.approx(0.5, abs=0.01)
    assert surface.known == pytest.approx(surface.points[:, 0] % 5, abs=1e-6)
    counts, _, _ = np.histogram2d(
        surface.points[right, 0] - 5, surface.points[right, 1], bins=5, range=[[0, 1]] * 2
    )
    assert np.abs(counts - 80).max() < 16
    assert surface.normals == pytest.approx(np.tile([0.0, 0, 1], (4000, 1)))


@pytest.mark.parametrize(
    ("inner", "outer", "angle"), [(0.0, 1.15, 0.0), (0.9, 1.15, 2.0), (0.5, 20.0, 4.0), (0.89, 2.0, 5.5)]
)
def test_inside_and_outside(inner: float, outer: float, angle: float) -> None:
    head, direction = ball(1000), np.array([np.cos(angle), np.sin(angle), 0.0])
    assert surrounds(head, inner * RADIUS * direction)
    assert not surrounds(head, outer * RADIUS * direction)


def test_words() -> None:
    assert [verdict(share).value for share in (1.0, 0.85, 0.7, 0.2)] == [
        "Good",
        "Good",
        "Stretched",
        "Mostly Invented",
    ]
