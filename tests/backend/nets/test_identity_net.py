"""The face recogniser: its alignment, its layers against a naive twin, its weights."""

import json

import numpy as np
import pytest
import skimage.data
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from backend.errors import AssetBroken
from backend.landmarks import MediaPipeDetector
from backend.nets.identity_net import (
    CHIP_LANDMARKS,
    CHIP_PADDING,
    CHIP_POINTS,
    EMBEDDING,
    INPUT_SIDE,
    Block,
    IdentityNet,
    face_chip,
    load_identity_net,
    similarity,
)


@pytest.fixture(scope="module")
def astronaut_face():
    """The sample portrait with its landmarks."""
    pixels = skimage.data.astronaut()
    return pixels, MediaPipeDetector().detect(pixels)[0].points_px


def naive_block(block: Block, x: torch.Tensor) -> torch.Tensor:
    """The same arithmetic on the full canvas, zeros first."""
    out = block.conv2(torch.relu(block.conv1(x)))
    if not block.down:
        return torch.relu(out + x)
    half = x[:, :, : x.shape[2] // 2 * 2, : x.shape[3] // 2 * 2]
    short = (
        half[:, :, ::2, ::2] + half[:, :, 1::2, ::2] + half[:, :, ::2, 1::2] + half[:, :, 1::2, 1::2]
    ) / 4
    canvas = torch.zeros(
        len(x), out.shape[1], max(out.shape[2], short.shape[2]), max(out.shape[3], short.shape[3])
    )
    canvas[:, :, : out.shape[2], : out.shape[3]] += out
    canvas[:, : short.shape[1], : short.shape[2], : short.shape[3]] += short
    return torch.relu(canvas)


@pytest.mark.parametrize(("inside", "outside", "down"), [(4, 4, False), (4, 8, True), (8, 8, True)])
@pytest.mark.parametrize("side", [12, 13])
def test_block_equals_its_naive_twin(inside: int, outside: int, down: bool, side: int):
    torch.manual_seed(0)
    block, x = Block(inside, outside, down), torch.randn(2, inside, side, side)
    torch.testing.assert_close(block(x), naive_block(block, x))


def test_shape_and_gradient():
    torch.manual_seed(0)
    net, pictures = IdentityNet(), torch.rand(1, 3, INPUT_SIDE, INPUT_SIDE, requires_grad=True)
    embedding = net(pictures)
    embedding.square().sum().backward()
    assert embedding.shape == (1, EMBEDDING)
    assert pictures.grad is not None
    assert float(pictures.grad.abs().sum()) > 0


def test_shipped_weights_tell_pictures_apart_but_not_a_copy(astronaut_face):
    pixels, landmarks = astronaut_face
    net = load_identity_net()
    chip = torch.from_numpy(face_chip(pixels, landmarks)).permute(2, 0, 1)[None] / 255.0
    same = (chip * 0.9).clamp(0, 1)
    upside_down = chip.flip(2)
    with torch.inference_mode():
        one, two, three = net(torch.cat([chip, same, upside_down]))
    assert float((one - two).norm()) < 0.2
    assert float((one - three).norm()) > 0.5


@given(
    angle=st.floats(-3, 3),
    scale=st.floats(0.2, 5),
    shift=st.tuples(st.floats(-50, 50), st.floats(-50, 50)),
)
def test_similarity_is_recovered(angle: float, scale: float, shift: tuple[float, float]):
    a, b = scale * np.cos(angle), scale * np.sin(angle)
    truth = np.array([[a, -b, shift[0]], [b, a, shift[1]]])
    source = np.array(CHIP_POINTS) * 100
    target = source @ truth[:, :2].T + truth[:, 2]
    np.testing.assert_allclose(similarity(source, target), truth, atol=1e-6)


def test_chip_puts_the_eyes_where_the_network_expects_them():
    landmarks = np.zeros((478, 2))
    landmarks[list(CHIP_LANDMARKS)] = np.array(CHIP_POINTS) * 80 + 100
    pixels = np.zeros((300, 300, 3), np.uint8)
    x, y = np.rint(landmarks[CHIP_LANDMARKS[0]]).astype(int)
    pixels[y - 2 : y + 3, x - 2 : x + 3] = 255
    chip = face_chip(pixels, landmarks)
    rows, columns = np.nonzero(chip[..., 0] > 128)
    share = (np.array(CHIP_POINTS[0]) + CHIP_PADDING) / (1 + 2 * CHIP_PADDING)
    np.testing.assert_allclose([columns.mean(), rows.mean()], share * INPUT_SIDE, atol=1.0)


def test_missing_and_damaged_weights_are_named(tmp_path):
    with pytest.raises(AssetBroken, match="nothing"):
        load_identity_net(tmp_path / "nothing.safetensors")
    path = tmp_path / "half.safetensors"
    save_file({"head.weight": torch.zeros(128, 256)}, path, {"quantisation": json.dumps({})})
    with pytest.raises(AssetBroken, match="half"):
        load_identity_net(path)
