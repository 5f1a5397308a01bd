"""The normal network's run: batch in, loss, figures and pictures out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import interpolate

from backend.nets.normal_net import STRIDE, FaceNormals, NormalNet

from ..common.checkpoint import load_checkpoint
from ..common.distributed import World
from ..common.errors import WrongExperiment
from ..common.loading import load_batches
from ..face.data import Jitter
from .config import NormalExperiment
from .data import NormalData
from .losses import cover_loss, doubtful_angle_loss, error_angle

SHOWN = 8
"""Pictures on a contact sheet."""
COVER = 10.0
"""Weight of what covers a face against the angle: with 1 nothing was learnt of it in 1,500 steps."""
ENCODERS = ("backbone.encoder.", "encoder.")
"""Before the names of the shared layers in a checkpoint of the face network, or of the parsing network."""

Batch = dict[str, Tensor]


class NormalTask:
    """Implements :class:`train.common.loop.Task`."""

    def __init__(
        self,
        experiment: NormalExperiment,
        folders: Sequence[Path],
        check: Sequence[Path],
        start: Path | None = None,
    ) -> None:
        """Folders of prepared windows, others to score on.

        ``start`` is a checkpoint to begin with: this network's own, or the encoder of the face network's or
        the parsing network's.
        """
        self.experiment = experiment
        e = experiment
        jitter = Jitter(e.shift_jitter, e.size_jitter)
        self._data = NormalData(folders, e.side, jitter, e.dimmest, e.run.seed)
        self._check = NormalData(check, e.side, Jitter(0.0, 0.0)) if check else None
        self._start = start

    def build(self) -> nn.Module:
        """The network, with the weights that it starts from."""
        net = NormalNet()
        return net if self._start is None else begin_with_encoder(net, self._start)

    def batches(self, first: int, world: World) -> Iterator[Batch]:
        """See :class:`train.common.loop.Task`."""
        return load_batches(self._data, first, self.experiment.run, world)

    def loss(self, net: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """``loss`` and its parts, and the mean error in degrees, scalars."""
        answer: FaceNormals = net(batch["picture"].contiguous(memory_format=torch.channels_last))
        angle = doubtful_angle_loss(answer, batch["normals"])
        cover = cover_loss(answer, batch["cover"], batch["normals"])
        return {
            "loss": angle + COVER * cover,
            "angle": angle,
            "cover": cover,
            "degrees": _degrees(answer, batch),
        }

    @torch.no_grad()
    def evaluate(
        self, net: nn.Module, device: torch.device
    ) -> tuple[dict[str, float], NDArray[np.uint8] | None]:
        """Over the check windows, which do not stray: mean error in degrees. The score is its negative."""
        if self._check is None:
            return {"score": 0.0}, None
        errors, rows = [], []
        for number in range(len(self._check)):
            sample = self._check.straight(number)
            batch = {name: values[None].to(device) for name, values in sample.items()}
            answer: FaceNormals = net(batch["picture"].contiguous(memory_format=torch.channels_last))
            errors.append(_degrees(answer, batch).item())
            if len(rows) < SHOWN:
                rows.append(_row(answer, batch))
        degrees = float(np.nanmean(errors))
        return {"degrees": degrees, "score": -degrees}, np.vstack(rows)


def begin_with_encoder(net: NormalNet, start: Path) -> NormalNet:
    """The network with a checkpoint's weights, as many as are meant for it.

    Raises WrongExperiment where not even the encoder is.
    """
    weights = load_checkpoint(start).ema
    own = net.state_dict()
    if weights.keys() == own.keys():
        net.load_state_dict(weights)
        return net
    for prefix in ENCODERS:
        found = {n.removeprefix(prefix): w for n, w in weights.items() if n.startswith(prefix)}
        if found.keys() == net.encoder.state_dict().keys():
            net.encoder.load_state_dict(found)
            return net
    raise WrongExperiment(f"{start} holds no encoder of this kind.", "Name a run of the face network.")


def _degrees(answer: FaceNormals, batch: Batch) -> Tensor:
    """Mean error where the truth is known; NaN if it is nowhere."""
    known = batch["normals"].square().sum(dim=1) > 0.5
    return error_angle(answer.normals.detach(), batch["normals"])[known].rad2deg().mean()


def _row(answer: FaceNormals, batch: Batch) -> NDArray[np.uint8]:
    """Photo, true normals, those that were found, and the error up to 20 degrees."""
    truth, found = batch["normals"], answer.normals
    known = truth.square().sum(dim=1, keepdim=True) > 0.5
    error = (error_angle(found, truth)[:, None] / np.deg2rad(20)).clamp(0, 1).expand(-1, 3, -1, -1)
    shown = [(truth + 1) / 2, (found + 1) / 2, error]
    maps = [interpolate(torch.where(known, each, 0.0), scale_factor=STRIDE) for each in shown]
    row = torch.cat([(batch["picture"] + 1) / 2, *maps], dim=3)[0]
    return (row.permute(1, 2, 0) * 255).round().byte().cpu().numpy()
