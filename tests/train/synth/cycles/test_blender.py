"""Both engines draw the same simple things: a ball, a wall, a few hairs. Most of it needs a Blender."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.camera import Camera
from backend.frames import Pose, rotation_from_angles
from backend.head_parse import BACKGROUND, BODY, FACE, HAIR
from train.synth.cycles.blender import Blender, BlenderMissing, BlenderSettings, open_blender
from train.synth.cycles.render import render_with_cycles
from train.synth.light import Lamp, LightParams, Lights, sky_of, stack_lights, towards
from train.synth.person import Person, Strands, Surface
from train.synth.render import Rendering, render
from train.synth.view import Views, stack_views

ROOT = Path(__file__).resolve().parents[4]
PYTHONS = [ROOT / name / "bin" / "python" for name in (".venv-blender45", ".venv-blender52")]
SIZE, DISTANCE, RADIUS = 64, 900.0, 80.0
ONE = torch.ones(1)


@pytest.fixture(scope="module", params=PYTHONS, ids=lambda python: python.parts[-3])
def blender(request: pytest.FixtureRequest) -> Iterator[Blender]:
    if not request.param.exists():
        pytest.skip("this Blender is not set up")
    with open_blender(BlenderSettings(request.param, samples=4, hairs=1)) as running:
        yield running


def surface(vertices: np.ndarray, triangles: np.ndarray, region: int, colour: tuple) -> Surface:
    return Surface(
        vertices=torch.from_numpy(vertices.astype(np.float32))[None],
        triangles=torch.from_numpy(triangles.astype(np.int64)),
        uvs=torch.full((len(triangles), 3, 2), 0.5),
        texture=torch.tensor(colour).expand(1, 2, 2, 3).contiguous(),
        region=torch.full((len(triangles),), region, dtype=torch.uint8),
        shown=torch.ones(1, dtype=torch.bool),
        specular=0 * ONE,
        roughness=ONE,
    )


def ball() -> Surface:
    """A ball of 24 x 48 faces around the head centre, smooth like a face."""
    height, around = np.linspace(-np.pi / 2, np.pi / 2, 25), np.linspace(0, 2 * np.pi, 49)[:-1]
    h, a = np.meshgrid(height, around, indexing="ij")
    points = RADIUS * np.stack([np.cos(h) * np.sin(a), np.sin(h), np.cos(h) * np.cos(a)], -1).reshape(-1, 3)
    i, j = (x.ravel() for x in np.meshgrid(np.arange(24), np.arange(48), indexing="ij"))
    corner = [i * 48 + j, i * 48 + (j + 1) % 48, (i + 1) * 48 + (j + 1) % 48, (i + 1) * 48 + j]
    faces = np.concatenate([np.stack([corner[k] for k in ks], 1) for ks in ((0, 1, 2), (0, 2, 3))])
    return surface(points, faces, FACE, (0.6, 0.4, 0.3))


def wall() -> Surface:
    """Below and behind the ball, in the place of shoulders."""
    corners = np.array([[-120, -160, -90], [120, -160, -90], [120, -40, -90], [-120, -40, -90.0]])
    return surface(corners, np.array([[0, 1, 2], [0, 2, 3]]), BODY, (0.2, 0.2, 0.5))


def lock() -> Strands:
    """A dense tress that hangs at the ball's left side."""
    x = torch.linspace(85, 115, 60)[:, None].expand(60, 5)
    y = torch.linspace(60, -60, 5).expand(60, 5)
    points = torch.stack([x, y, torch.zeros(60, 5)], dim=-1)[None]
    return Strands(points, torch.full((1, 60, 3), 0.2), torch.full((1, 60), 1.2), HAIR, ONE)


@pytest.fixture(scope="module")
def both(blender: Blender) -> tuple[Rendering, Rendering]:
    person = Person((ball(), wall()), (lock(),), ball().vertices)
    return render(person, views(), lights()), render_with_cycles(
        person, views(), lights(), blender, seeds=[5]
    )


def views() -> Views:
    pose = Pose(rotation_from_angles(25, -10, 5), np.array([10.0, -15.0, DISTANCE]))
    camera = Camera(SIZE * 2.6, SIZE * 2.6, 30.0, 35.0, SIZE, SIZE)
    return stack_views([pose], [camera], torch.device("cpu"))


def lights() -> Lights:
    sky = sky_of([((0, 1, 0), (0.1, 0.15, 0.3))], (0.2, 0.2, 0.2))
    lamp = Lamp(towards(-50, 20), (0.6, 0.5, 0.4), 4.0)
    triples = tuple((float(r), float(g), float(b)) for r, g, b in sky)
    return stack_lights([LightParams("", triples, (lamp,))], torch.device("cpu"))


def test_depth_agrees_within_a_millimetre_on_hard_surfaces(both: tuple[Rendering, Rendering]):
    ours, theirs = both
    for region in (FACE, BODY):
        same = (ours.regions == region) & (theirs.regions == region)
        inner = -torch.nn.functional.max_pool2d(-same.float(), 3, 1, 1) > 0
        assert inner.sum() > 150
        error = (ours.depth - theirs.depth)[inner].abs()
        assert error.median() < 0.2
        assert (error < 1.0).float().mean() > 0.97


def test_classes_agree(both: tuple[Rendering, Rendering]):
    ours, theirs = both
    assert (ours.regions == theirs.regions).float().mean() >= 0.97
    assert {BACKGROUND, FACE, HAIR, BODY} == set(theirs.regions.unique().tolist())
    assert (ours.matte - theirs.matte).abs().mean() < 0.03
    assert (ours.person - theirs.person).abs().mean() < 0.03


def test_normals_agree(both: tuple[Rendering, Rendering]):
    ours, theirs = both
    face = (ours.regions == FACE) & (theirs.regions == FACE)
    assert (ours.normals * theirs.normals).sum(-1)[face].median() > 0.995


def test_light_falls_from_the_same_side_and_as_strong(both: tuple[Rendering, Rendering]):
    ours, theirs = (r.colour[0] for r in both)
    face = ((both[0].regions == FACE) & (both[1].regions == FACE))[0]
    assert theirs[face].mean().item() == pytest.approx(ours[face].mean().item(), rel=0.15)
    correlation = np.corrcoef(ours[face][:, 0].numpy(), theirs[face][:, 0].numpy())[0, 1]
    assert correlation > 0.9


def test_a_seed_repeats_its_picture(blender: Blender):
    person = Person((ball(),), (), ball().vertices)
    first, second = (
        render_with_cycles(person, views(), lights(), blender, seeds=[7]).colour for _ in range(2)
    )
    torch.testing.assert_close(first, second, rtol=0, atol=0)


def test_a_python_that_is_not_there_is_named(tmp_path: Path):
    with (
        pytest.raises(BlenderMissing, match="no-python"),
        open_blender(BlenderSettings(tmp_path / "no-python")),
    ):
        pass


def test_a_python_without_blender_is_named():
    person = Person((wall(),), (), wall().vertices)
    with (
        pytest.raises(BlenderMissing, match="no Blender"),
        open_blender(BlenderSettings(Path(sys.executable))) as running,
    ):
        render_with_cycles(person, views(), lights(), running, seeds=[0])


def test_a_blender_that_is_gone_before_it_is_asked_is_named():
    person = Person((wall(),), (), wall().vertices)
    with (
        pytest.raises(BlenderMissing, match="no Blender"),
        open_blender(BlenderSettings(Path(sys.executable))) as running,
    ):
        running._process.wait()
        render_with_cycles(person, views(), lights(), running, seeds=[0])
