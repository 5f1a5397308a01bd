"""Features of VGG: the layers that are compared, and weights in Keras' layout."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from train.refine.features import BLOCKS, DEVIATION, MEAN_BGR, Features, load_features


def test_the_first_activation_of_each_block() -> None:
    found = Features()(torch.zeros(1, 3, 32, 32))
    assert [(f.shape[1], f.shape[2]) for f in found] == [(64, 32), (128, 16), (256, 8), (512, 4), (512, 2)]
    assert len(Features(2)(torch.zeros(1, 3, 32, 32))) == 2
    assert not any(p.requires_grad for p in Features(1).parameters())


def test_colours_arrive_as_the_filters_expect_them() -> None:
    net = Features(1)
    only = net.blocks[0][0]
    only.weight.zero_()
    only.bias.zero_()
    only.weight[0, 0, 1, 1] = 1.0  # blue comes first
    blue = torch.full((1, 3, 4, 4), -1.0)
    blue[:, 2] = 1.0
    assert net(blue)[0][0, 0].mean().item() == pytest.approx((255 - MEAN_BGR[0]) / DEVIATION, rel=1e-5)


def test_weights_in_keras_layout(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    inputs = 3
    with h5py.File(tmp_path / "vgg.h5", "w") as file:
        for number, (width, count) in enumerate(BLOCKS[:2]):
            for place in range(count):
                name = f"block{number + 1}/layers/conv2d{f'_{place}' if place else ''}/vars"
                kernel = torch.randn(3, 3, inputs, width)
                file[f"{name}/0"], file[f"{name}/1"] = kernel.numpy(), torch.ones(width).numpy()
                inputs = width
    net = load_features(tmp_path / "vgg.h5", 2)
    assert torch.equal(net.blocks[1][0].weight, torch.from_numpy(_kernel(tmp_path / "vgg.h5")))


def _kernel(path: Path):
    import h5py

    with h5py.File(path) as file:
        return file["block2/layers/conv2d/vars/0"][()].transpose(3, 2, 0, 1).copy()
