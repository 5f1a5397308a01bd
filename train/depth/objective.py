"""All losses of a batch of pairs: both views through one network, each drawn where the other was taken."""

from __future__ import annotations

import torch
from torch import Tensor

from backend.nets.depth_net import depth_of

from .config import DepthExperiment
from .data import Batch, cameras_of
from .losses import colour_loss, depth_loss, face_loss, gradient_loss, layer_loss, smoothness_loss
from .regions import HeadRegions
from .reproject import reproject


def flattened(batch: Batch) -> Batch:
    """Pairs (B,2,...) as views (2B,...): the two of a pair follow each other."""
    return {name: values.flatten(0, 1) for name, values in batch.items()}


def other_views(views: Batch) -> Batch:
    """For each of the views (2B,...) the other one of its pair."""
    return {name: v.unflatten(0, (-1, 2)).flip(1).flatten(0, 1) for name, v in views.items()}


def pair_losses(relief: Tensor, views: Batch, experiment: DepthExperiment) -> dict[str, Tensor]:
    """Losses by the names of their weights for relief (2B,S,S) of views (2B,...); see :func:`flattened`."""
    regions = HeadRegions.of(views["regions"], views["face"])
    parts = {
        "smooth": smoothness_loss(relief, regions.head),
        "face": face_loss(relief, views["face"], regions.bare_face),
        "layer": layer_loss(relief, views["face"], regions.covered_face),
        # Where the face is seen, eq. 7 tells the depth: glasses and beards belong to its texture.
        "depth": depth_loss(relief, views["truth"], regions.shell),
    }
    if experiment.colour or experiment.gradient:
        parts |= _stereo_losses(relief, views, regions.shell, experiment.hidden_mm)
    return parts


def _stereo_losses(relief: Tensor, views: Batch, shell: Tensor, hidden_mm: float) -> dict[str, Tensor]:
    there = other_views(views)
    here, beyond = cameras_of(views), cameras_of(there)
    photos = (there["picture"] + 1) / 2
    moved = reproject((views["picture"] + 1) / 2, depth_of(relief, here.centre_mm), shell, here, beyond)
    face_mm = depth_of(there["face"], beyond.centre_mm).nan_to_num(torch.inf)
    seen = moved.covered & (moved.depth_mm.detach() < face_mm + hidden_mm)
    return {
        "colour": colour_loss(moved.values, photos, seen),
        "gradient": gradient_loss(moved.values, photos, seen),
    }
