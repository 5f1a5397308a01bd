"""Starts the parsing network's encoder from dlib's face recogniser (public domain)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from backend.nets.face_encoder import STAGES, FaceEncoder
from backend.nets.identity_net import MEAN_RGB, Block, IdentityNet, ScaledConv
from backend.nets.layers import ConvNorm


def start_from_recogniser(encoder: FaceEncoder, recogniser: IdentityNet, pictures: Tensor) -> None:
    """Copy filters, and set the normalisations so that on ``pictures`` (B,3,S,S) nothing changes.

    The recogniser was trained with normalisations that were folded away since; training goes better
    with them, so each gets the mean and deviation that the pictures cause as both of its pairs.
    """
    pairs: list[tuple[ConvNorm, ScaledConv]] = [(encoder.stem, recogniser.stem)]
    for stage, blocks in zip(encoder.stages, STAGES, strict=True):
        for block, (name, *_) in zip(stage.children(), blocks, strict=True):
            source = recogniser.blocks[name]
            assert isinstance(source, Block)
            pairs += [(block.conv1, source.conv1), (block.conv2, source.conv2)]
    shifts: dict[nn.Module, Tensor] = {}
    with torch.no_grad():
        for ours, theirs in pairs:
            weight = theirs.conv.weight * theirs.scale[:, None, None, None]
            shift = theirs.scale * theirs.conv.bias + theirs.shift
            if ours is encoder.stem:
                # Ours sees colours in [-1,1], the recogniser (255 c - mean) / 256.
                middle = (127.5 - weight.new_tensor(MEAN_RGB)) / 256.0
                shift = shift + (weight * middle[:, None, None]).sum(dim=(1, 2, 3))
                weight = weight * (127.5 / 256.0)
            ours.conv.weight.copy_(weight)
            shifts[ours.norm] = shift
        _calibrate(encoder, shifts, pictures)


def _calibrate(encoder: FaceEncoder, shifts: dict[nn.Module, Tensor], pictures: Tensor) -> None:
    def adopt(norm: nn.Module, inputs: tuple[Tensor, ...], _: Tensor) -> Tensor:
        assert isinstance(norm, nn.BatchNorm2d)
        variance, mean = torch.var_mean(inputs[0], dim=(0, 2, 3))
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.bias.copy_(mean + shifts[norm])
        return inputs[0] + shifts[norm][:, None, None]

    hooks = [norm.register_forward_hook(adopt) for norm in shifts]
    encoder.eval()(pictures)
    for hook in hooks:
        hook.remove()
    encoder.train()
