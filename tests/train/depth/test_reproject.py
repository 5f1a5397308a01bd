"""A head moved into another picture, against a search through all triangles and against eggs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import default_collate

from backend.frames import rotation_from_angles
from backend.nets.depth_net import UNIT_MM, depth_of
from train.depth.data import Batch, cameras_of, mirrored, pairs_of, read_views
from train.depth.losses import colour_loss
from train.depth.objective import other_views
from train.depth.regions import HeadRegions
from train.depth.reproject import HeadCameras, Reprojection, grid_triangles, reproject

from . import eggs


def cameras(*yaws: float, side: int) -> HeadCameras:
    rotation = np.stack([rotation_from_angles(yaw, 3.0, 5.0) for yaw in yaws])
    count = len(yaws)
    return HeadCameras(
        torch.tensor([[4.0 * side, 4.2 * side]], dtype=torch.float64).expand(count, 2),
        torch.tensor([[0.45 * side, 0.55 * side]], dtype=torch.float64).expand(count, 2),
        torch.from_numpy(rotation),
        torch.tensor([[10.0, -20.0, 800.0]], dtype=torch.float64).expand(count, 3),
    )


def bumpy(count: int, side: int) -> Tensor:
    return 760 + 15 * torch.randn(count, side, side, generator=torch.Generator().manual_seed(3)).double()


def naive(values: Tensor, depth: Tensor, region: Tensor, here: HeadCameras, there: HeadCameras) -> Tensor:
    """One picture (C,S,S): for each pixel the nearest of all triangles, one after the other."""
    side = depth.shape[-1]
    out = torch.full((values.shape[0], side, side), torch.nan, dtype=torch.float64)
    nearest = torch.full((side, side), torch.inf, dtype=torch.float64)
    place, z, paint = [], [], []
    for v in range(side):
        for u in range(side):
            ray = torch.tensor([(u - here.principal[0, 0]) / here.focal[0, 0],
                                (v - here.principal[0, 1]) / here.focal[0, 1], 1.0])  # fmt: skip
            head = here.rotation[0].T @ (ray * depth[v, u] - here.translation[0])
            x = there.rotation[0] @ head + there.translation[0]
            place.append(x[:2] / x[2] * there.focal[0] + there.principal[0])
            z.append(x[2])
            paint.append(values[:, v, u])
    for corners in grid_triangles(side, torch.device("cpu")).tolist():
        if not all(region.flatten()[k] for k in corners):
            continue
        a, b, c = (place[k] for k in corners)
        edges = torch.stack([b - a, c - a], dim=1)
        for v in range(side):
            for u in range(side):
                s, t = torch.linalg.solve(edges, torch.tensor([u, v], dtype=torch.float64) - a).tolist()
                if min(s, t, 1 - s - t) < 0:
                    continue
                share = [w / z[k] for w, k in zip((1 - s - t, s, t), corners, strict=True)]
                far = 1 / sum(share)
                if far < nearest[v, u]:
                    nearest[v, u] = far
                    out[:, v, u] = sum(w * far * paint[k] for w, k in zip(share, corners, strict=True))
    return out


def test_like_a_search_through_all_triangles() -> None:
    side = 6
    here, there = cameras(0.0, side=side), cameras(12.0, side=side)
    values, depth = torch.rand(1, 2, side, side, dtype=torch.float64), bumpy(1, side)
    region = torch.ones(1, side, side, dtype=torch.bool)
    region[0, :2, 0] = False
    depth[0, 0, 0] = torch.nan
    found = reproject(values, depth, region, here, there)
    expected = naive(values[0], depth[0], region[0], here, there)
    assert torch.equal(found.covered[0], expected[0].isfinite())
    assert 8 < int(found.covered.sum()) < side * side
    torch.testing.assert_close(found.values[0], expected.nan_to_num(0.0))


def test_nothing_moves_if_the_head_does_not() -> None:
    side = 8
    here = cameras(7.0, -20.0, side=side)
    # Corners then fall onto pixel centres, give or take the last digit.
    values = torch.rand(2, 3, side, side, dtype=torch.float64)
    everywhere = torch.ones(2, side, side, dtype=torch.bool)
    found = reproject(values, bumpy(2, side), everywhere, here, here)
    inner = np.s_[:, 1:-1, 1:-1]
    assert bool(found.covered[inner].all())
    torch.testing.assert_close(found.values[:, :, 1:-1, 1:-1], values[:, :, 1:-1, 1:-1])
    torch.testing.assert_close(found.depth_mm[inner], bumpy(2, side)[inner])


def test_there_and_back() -> None:
    here, there = cameras(0.0, 5.0, side=5), cameras(12.0, -9.0, side=5)
    points = here.lift(bumpy(2, 5))
    torch.testing.assert_close(there.moved_to(here, here.moved_to(there, points)), points)
    grid = torch.stack(torch.meshgrid(*[torch.arange(5.0).double()] * 2, indexing="xy"), dim=-1)
    torch.testing.assert_close(here.project(points), grid.view(1, 25, 2).expand(2, 25, 2))


def test_gradients_reach_the_depth() -> None:
    side = 6
    here, there = cameras(0.0, 4.0, side=side), cameras(9.0, -6.0, side=side)
    values = torch.rand(2, 2, side, side, dtype=torch.float64)
    region = torch.ones(2, side, side, dtype=torch.bool)

    def colours(depth: Tensor) -> Tensor:
        return reproject(values, depth, region, here, there).values

    assert torch.autograd.gradcheck(colours, bumpy(2, side).requires_grad_(), eps=1e-4, atol=1e-4)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> list[Batch]:
    folder = eggs.folder(tmp_path_factory.mktemp("eggs"), 1, side=96)
    return [view.tensors(96) for view in pairs_of(read_views(folder), folder)[0]]


def moved(views: Batch, relief: Tensor) -> tuple[Reprojection, Tensor]:
    """Each of the views in the other's picture, and its colour loss."""
    there = other_views(views)
    here = cameras_of(views)
    shell = HeadRegions.of(views["regions"], views["face"]).shell
    found = reproject(views["picture"], depth_of(relief, here.centre_mm), shell, here, cameras_of(there))
    return found, colour_loss(found.values, there["picture"], found.covered)


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("side", [96, 64])
def test_the_true_depth_shows_the_other_photo(flip: bool, side: int, tmp_path: Path) -> None:
    folder = eggs.folder(tmp_path, 1, side=96)
    views = [view.tensors(side) for view in pairs_of(read_views(folder), folder)[0]]
    batch = default_collate([mirrored(view) for view in views] if flip else views)
    found, right = moved(batch, batch["truth"])
    assert found.covered.float().mean() > 0.05
    for wrong in (batch["truth"] + 0.1, batch["truth"] - 0.1, torch.zeros_like(batch["truth"])):
        assert right < 0.5 * moved(batch, wrong)[1]
    unmoved = other_views(batch)["picture"]
    assert right < 0.5 * colour_loss(batch["picture"], unmoved, found.covered)


def test_the_colour_loss_leads_to_the_truth(pair: list[Batch]) -> None:
    """From 5 mm in front, the way down goes back."""
    batch = default_collate(pair)
    off = torch.full((2, 1, 1), 5.0 / UNIT_MM, requires_grad=True)
    moved(batch, batch["truth"] + off)[1].backward()
    assert off.grad is not None and bool((off.grad > 0).all())


def test_what_is_behind_the_camera_is_left_out() -> None:
    side = 4
    here = cameras(0.0, side=side)
    there = replace(here, translation=torch.tensor([[0.0, 0.0, -900.0]], dtype=torch.float64))
    values = torch.rand(1, 1, side, side, dtype=torch.float64)
    found = reproject(values, bumpy(1, side), torch.ones(1, side, side, dtype=torch.bool), here, there)
    assert not bool(found.covered.any()) and bool(found.values.isfinite().all())
