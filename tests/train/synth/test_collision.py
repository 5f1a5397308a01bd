"""What was pushed out is outside; what was outside stays where it was."""

from __future__ import annotations

import numpy as np
import torch

from tools.synth_assets.rays import cast
from train.synth.assets import load_assets
from train.synth.collision import SKULL_MM, sample_sphere, sphere_directions
from train.synth.head import HeadShape, build_head, sample_head
from train.synth.person import Who, stream

TABLE_MM = 3.0
"""How far the table's 7 mm may cut a corner: nose and rims of the ears, where no hair lies."""


def head() -> HeadShape:
    return build_head([sample_head(stream(s, "head"), Who(40.0, 0.6, 0.2)) for s in (1, 2)], load_assets())


def scalp_directions(count: int) -> torch.Tensor:
    """Unit vectors up, sideways and back, where hair grows."""
    directions = torch.randn(8 * count, 3, generator=torch.Generator().manual_seed(1))
    directions = torch.nn.functional.normalize(directions, dim=1)
    return directions[(directions[:, 1] > 0.0) & (directions[:, 2] < 0.5)][:count]


def test_points_inside_the_skull_come_out_on_its_skin() -> None:
    shape, directions = head(), scalp_directions(60)
    centre = torch.tensor(SKULL_MM)
    pushed = shape.push_out((centre + 30 * directions).expand(2, -1, 3), 2.0)
    skin = shape.assets.head_triangles.numpy()
    for person in range(2):
        origins = np.tile(SKULL_MM, (len(directions), 1))
        vertices = shape.vertices[person].double().numpy()
        _, _, distance = cast(origins, directions.double().numpy(), vertices, skin)
        reach = (pushed[person] - centre).norm(dim=1).numpy()
        above = reach - distance
        assert np.quantile(above, 0.05) > 2.0 - TABLE_MM
        assert np.abs(np.median(above) - 2.0) < 0.7


def test_points_outside_do_not_move() -> None:
    shape = head()
    directions = scalp_directions(50)
    far = (torch.tensor(SKULL_MM) + 190 * directions).expand(2, -1, 3)
    torch.testing.assert_close(shape.push_out(far, 3.0), far, atol=1e-3, rtol=0)


def test_pushing_twice_changes_nothing() -> None:
    shape = head()
    points = 90 * torch.randn(2, 400, 3, generator=torch.Generator().manual_seed(0))
    points = points[:, points[:, :, 1].amin(dim=0) > -20]
    once = shape.push_out(points, 1.0)
    torch.testing.assert_close(shape.push_out(once, 1.0), once, atol=0.01, rtol=0)


def test_hair_under_the_shoulder_comes_out_above_the_chest() -> None:
    shape = head()
    bust = shape.bust
    on_top = (bust[:, :, 1] > -230) & (bust[:, :, 0].abs() > 80) & (bust[:, :, 0].abs() < 140)
    for person in range(2):
        skin = bust[person, on_top[person]]
        below = skin - skin.new_tensor([0.0, 12.0, 0.0])
        every = below.expand(2, -1, 3)
        moved = shape.push_out(every, 0.0)[person] - below
        assert moved.norm(dim=1).median() > 4.0


def test_hair_inside_the_neck_comes_out_beside_it() -> None:
    shape = head()
    points = torch.tensor([[0.0, -110.0, -25.0], [5.0, -120.0, -20.0]]).expand(2, -1, 3)
    pushed = shape.push_out(points, 1.0)
    assert ((pushed - points).norm(dim=2) > 30).all()


def test_the_sphere_is_looked_up_where_it_was_written() -> None:
    directions = sphere_directions()
    table = directions.permute(2, 0, 1)[None]
    inner = directions[4:-4, 4:-4].reshape(1, -1, 3)
    torch.testing.assert_close(sample_sphere(table, inner), inner, atol=1e-4, rtol=0)


def test_shapes_of_strands_are_kept() -> None:
    shape = head()
    points = torch.zeros(2, 7, 5, 3)
    assert shape.push_out(points, 1.0).shape == points.shape
