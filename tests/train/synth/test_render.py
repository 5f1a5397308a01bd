"""Pictures of simple things whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backend.camera import Camera
from backend.frames import Pose, rotation_from_angles
from backend.head_parse import BACKGROUND, BODY, FACE, GLASSES, HAIR
from train.synth.light import LightParams, sky_of, stack_lights
from train.synth.person import Person, Strands, Surface
from train.synth.render import DOWN, UP, Rendering, _brought_down, _taps, render
from train.synth.view import stack_views

SIZE, DISTANCE = 32, 1000.0


def wall(depth: float, region: int, left: float = -100.0, right: float = 100.0, grey: float = 0.5) -> Surface:
    """A rectangle that faces the camera, from x ``left`` to ``right``."""
    corners = torch.tensor(
        [[left, -100, depth], [right, -100, depth], [right, 100, depth], [left, 100, depth]]
    )
    return Surface(
        vertices=corners[None],
        triangles=torch.tensor([[0, 1, 2], [0, 2, 3]]),
        uvs=torch.tensor([[[0.0, 0], [1, 0], [1, 1]], [[0, 0], [1, 1], [0, 1]]]),
        texture=torch.full((1, 4, 4, 3), grey),
        region=torch.full((2,), region, dtype=torch.uint8),
        shown=torch.ones(1, dtype=torch.bool),
        specular=torch.zeros(1),
        roughness=torch.ones(1),
    )


def picture(surfaces: list[Surface], strands: tuple[Strands, ...] = ()) -> Rendering:
    """One millimetre at the head's depth is one pixel; the sky is even and white."""
    sky = tuple(map(tuple, sky_of([], (1.0, 1.0, 1.0)).tolist()))
    views = stack_views(
        [Pose(rotation_from_angles(0, 0, 0), np.array([0.0, 0, DISTANCE]))],
        [Camera.centred(DISTANCE, SIZE, SIZE)],
        torch.device("cpu"),
    )
    person = Person(tuple(surfaces), strands, surfaces[0].vertices)
    return render(person, views, stack_lights([LightParams("", sky, ())], torch.device("cpu")))


def test_an_even_sky_shows_the_albedo():
    seen = picture([wall(0.0, FACE, grey=0.3)])
    torch.testing.assert_close(seen.colour, torch.full((1, SIZE, SIZE, 3), 0.3), atol=0.01, rtol=0)
    torch.testing.assert_close(seen.depth, torch.full((1, SIZE, SIZE), DISTANCE), atol=0.01, rtol=0)
    torch.testing.assert_close(seen.normals[0, 5, 5], torch.tensor([0.0, 0.0, 1.0]))
    assert (seen.regions == FACE).all()
    assert (seen.matte == 1).all()


def test_what_is_worn_hides_the_face_but_not_its_depth():
    seen = picture([wall(0.0, FACE), wall(20.0, GLASSES, left=0.0), wall(-50.0, BODY)])
    assert (seen.regions[0, :, :15] == FACE).all()
    assert (seen.regions[0, :, 17:] == GLASSES).all()
    assert seen.depth[0, 8, 25] == pytest.approx(DISTANCE - 20, abs=0.01)
    torch.testing.assert_close(seen.face_depth, torch.full((1, SIZE, SIZE), DISTANCE), atol=0.01, rtol=0)


def test_edges_are_soft_in_mattes_and_pure_in_depth():
    seen = picture([wall(0.0, FACE, right=0.75), wall(-80.0, BODY)])
    edge = seen.matte[0, 8]
    assert ((edge > 0.05) & (edge < 0.95)).any()
    assert (seen.person == 1).all()
    near, far = DISTANCE, DISTANCE + 80
    assert ((seen.depth - near).abs().minimum((seen.depth - far).abs()) < 0.1).all()
    assert (seen.regions != BACKGROUND).all()


def test_much_hair_is_hair_and_little_hair_is_a_veil():
    def veil(count: int) -> Rendering:
        x = torch.linspace(-10, 10, count)
        points = torch.stack([x[:, None].expand(-1, 6), torch.linspace(30, -30, 6).expand(count, 6)], dim=-1)
        points = torch.cat([points, torch.full((count, 6, 1), 10.0)], dim=-1)[None]
        colour = torch.full((1, count, 3), 0.05)
        strands = Strands(points, colour, torch.full((1, count), 0.4), HAIR, torch.ones(1))
        return picture([wall(0.0, FACE)], (strands,))

    thick, thin = veil(300), veil(12)
    assert (thick.regions[0, 8:24, 8:24] == HAIR).all()
    assert thick.depth[0, 16, 16] == pytest.approx(DISTANCE - 10, abs=0.5)
    assert thick.hair_alpha[0, 16, 16] > 0.95
    assert (thin.regions[0, 8:24, 8:24] == FACE).float().mean() > 0.8
    assert 0.05 < thin.hair_alpha[0, 8:24, 8:24].mean() < 0.5
    assert thin.depth[0, 16, 16] == pytest.approx(DISTANCE, abs=0.5)
    assert thick.colour[0, 16, 16].mean() < thin.colour[0, 16, 16].mean()
    torch.testing.assert_close(thick.face_depth, thin.face_depth)


def test_who_lacks_a_part_does_not_show_it():
    hat = wall(20.0, GLASSES)
    hidden = Surface(**{**vars(hat), "shown": torch.zeros(1, dtype=torch.bool)})
    assert (picture([wall(0.0, FACE), hidden]).regions == FACE).all()


def test_fine_pixels_average_to_the_pixels_centres():
    fine, size = 6 * UP, 6 * DOWN
    taps = _taps(fine, torch.device("cpu"))
    x = torch.arange(fine).repeat(fine).float()
    expected = ((torch.arange(size) + 0.5) * UP / DOWN - 0.5).expand(size, size)
    torch.testing.assert_close((x[taps.index] * taps.weight).sum(1).reshape(size, size), expected)
    torch.testing.assert_close(_brought_down(x[None], 1, fine)[0, 0], expected)
    nearest = taps.weight.max(dim=1).values
    torch.testing.assert_close(taps.weight[:, 0], nearest)
