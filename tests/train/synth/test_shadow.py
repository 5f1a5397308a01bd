"""Shadows fall behind things, fade into hair, and nobody stands in his own light."""

from __future__ import annotations

import pytest
import torch

from train.synth.light import Lamp, LightParams, stack_lights
from train.synth.shadow import Shadows, cast

DARK = ((0.0, 0.0, 0.0),) * 9
ABOVE = Lamp((0.0, 1.0, 0.0), (1.0, 1.0, 1.0), 4.0)
BEHIND = Lamp((0.0, 0.0, -1.0), (1.0, 1.0, 1.0), 4.0)
NOTHING = torch.zeros(1, 1, 3), torch.zeros(1, 1)


def plate(height: float, half: float, step: float = 4.0) -> torch.Tensor:
    """A level square of points around the middle."""
    axis = torch.arange(-half, half + step, step)
    x, z = torch.meshgrid(axis, axis, indexing="ij")
    return torch.stack([x, torch.full_like(x, height), z], dim=-1).reshape(1, -1, 3)


def lit(shadows: Shadows, place: tuple, lamp: int = 0, scene: int = 0) -> float:
    up = torch.tensor([[0.0, 1.0, 0.0]])
    return shadows.visibility(
        torch.tensor([place]), up, torch.tensor([scene], dtype=torch.int32), lamp
    ).item()


def test_a_plate_shades_the_ground_below_it_and_nothing_else():
    lights = stack_lights([LightParams("", DARK, (ABOVE, BEHIND))], torch.device("cpu"))
    solid = torch.cat([plate(100.0, 50.0), plate(0.0, 200.0)], dim=1)
    shadows = cast(lights, solid, *NOTHING)
    assert lit(shadows, (0.0, 0.0, 0.0)) < 0.1
    assert lit(shadows, (120.0, 0.0, 0.0)) > 0.9
    assert lit(shadows, (0.0, 100.0, 0.0)) > 0.9
    assert lit(shadows, (0.0, 60.0, 0.0), lamp=1) > 0.9


def test_soft_lamps_have_soft_edges():
    def edge(softness: float) -> float:
        lamp = Lamp(ABOVE.direction, ABOVE.colour, softness)
        lights = stack_lights([LightParams("", DARK, (lamp,))], torch.device("cpu"))
        shadows = cast(lights, torch.cat([plate(100.0, 50.0), plate(0.0, 200.0)], dim=1), *NOTHING)
        values = [lit(shadows, (float(x), 0.0, 0.0)) for x in range(20, 90, 2)]
        return sum(0.15 < value < 0.85 for value in values)

    assert edge(25.0) > edge(1.0) + 3


def test_hair_lets_less_through_the_deeper_one_looks():
    lights = stack_lights([LightParams("", DARK, (ABOVE,))], torch.device("cpu"))
    cloud = (torch.rand(1, 40_000, 3, generator=torch.Generator().manual_seed(0)) - 0.5) * 120
    shadows = cast(lights, plate(-200.0, 10.0), cloud, torch.full((1, 40_000), 2.0))
    depths = [lit(shadows, (0.0, y, 0.0)) for y in (70.0, 45.0, 30.0, 0.0, -80.0)]
    assert depths[0] > 0.95
    assert depths == sorted(depths, reverse=True)
    assert depths[-1] == pytest.approx(
        torch.exp(torch.tensor(-40_000 * 2.0 / 120**2)).item(), rel=0.5, abs=0.01
    )


def test_scenes_keep_to_their_own_shadows():
    lights = stack_lights([LightParams("", DARK, (ABOVE,))] * 2, torch.device("cpu"))
    first = torch.cat([plate(100.0, 50.0), plate(0.0, 200.0)], dim=1)
    second = torch.cat([plate(-300.0, 50.0), plate(0.0, 200.0)], dim=1)
    shadows = cast(lights, torch.cat([first, second]), torch.zeros(2, 1, 3), torch.zeros(2, 1))
    assert lit(shadows, (0.0, 0.0, 0.0), scene=0) < 0.1
    assert lit(shadows, (0.0, 0.0, 0.0), scene=1) > 0.9
