"""The encoder that starts from the recogniser's filters computes what the recogniser computes."""

from __future__ import annotations

import torch
from torch.nn import functional

from backend.nets.face_encoder import STAGES, FaceEncoder
from backend.nets.identity_net import MEAN_RGB, load_identity_net
from train.parsing.pretrained import start_from_recogniser

SIDE = 96


def pictures() -> torch.Tensor:
    """Smooth random pictures in [-1,1]."""
    torch.manual_seed(3)
    coarse = torch.rand(4, 3, 12, 12) * 2 - 1
    return functional.interpolate(coarse, (SIDE, SIDE), mode="bilinear")


def test_the_copy_sees_what_the_recogniser_sees() -> None:
    encoder, recogniser, seen = FaceEncoder(), load_identity_net(), pictures()
    start_from_recogniser(encoder, recogniser, seen)
    encoder.eval()
    mean = seen.new_tensor(MEAN_RGB)[:, None, None]
    theirs = recogniser.stem(((seen + 1) * 127.5 - mean) / 256.0)
    with torch.no_grad():
        ours = encoder.stem(seen)
    # Ours pads by two on the left and above, the recogniser does not; all of ours is cut off at six.
    side = theirs.shape[-1]
    shown = ours[..., 1 : 1 + side, 1 : 1 + side]
    assert shown.max() > 0.1
    torch.testing.assert_close(shown, theirs.clamp(0, 6), rtol=1e-3, atol=1e-3)


def test_blocks_of_one_size_are_copied_exactly() -> None:
    encoder, recogniser, seen = FaceEncoder(), load_identity_net(), pictures()
    start_from_recogniser(encoder, recogniser, seen)
    encoder.eval()
    torch.manual_seed(4)
    x = torch.rand(1, 32, 24, 24) * 0.2  # small, so that nothing reaches six
    with torch.no_grad():
        for block, (name, *_) in zip(encoder.stages[0], STAGES[0], strict=True):
            theirs = recogniser.blocks[name]
            inside = theirs.conv1(x).relu().clamp(max=6)
            expected = (theirs.conv2(inside) + x).relu().clamp(max=6)
            torch.testing.assert_close(block(x), expected, rtol=1e-3, atol=1e-3)


def test_normalisations_have_seen_the_pictures() -> None:
    encoder, seen = FaceEncoder(), pictures()
    start_from_recogniser(encoder, load_identity_net(), seen)
    with torch.no_grad():
        trained = encoder.train()(seen)
        start_from_recogniser(encoder, load_identity_net(), seen)
        evaluated = encoder.eval()(seen)
    # On these very pictures the batch's own statistics are those that were stored.
    for ours, theirs in zip(trained, evaluated, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0.05, atol=0.05)
