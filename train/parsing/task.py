"""The parsing network's run: batch in, losses, figures and pictures out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from backend.head_parse import EAR, FACE, HAIR
from backend.nets.identity_net import load_identity_net
from backend.nets.parse_net import CLASSES, ParseNet, normalised

from ..common.distributed import World
from ..common.loading import load_batches
from .augment import Geometry, centred
from .config import ParsingExperiment
from .data import ParsingData
from .losses import cross_entropy, matte_loss, overlap_loss
from .pretrained import start_from_recogniser
from .sample import UNKNOWN, Sample, read_samples

CALIBRATION = 16
"""Pictures on which the pretrained filters find their normalisation."""
SHOWN = 8
"""Pictures on a contact sheet."""
SCORED = {"hair": HAIR, "face": FACE, "ear": EAR}
COLOURS = np.array(
    [(40, 40, 60), (255, 160, 80), (170, 0, 160), (0, 200, 0), (60, 90, 220), (255, 220, 190), (0, 200, 220),
     (255, 255, 0)], np.uint8,
)  # fmt: skip
"""Of the classes, in contact sheets."""


class ParsingTask:
    """Implements :class:`train.common.loop.Task`."""

    def __init__(
        self,
        experiment: ParsingExperiment,
        folders: Sequence[Path],
        check: Sequence[Path],
        held_out: frozenset[str],
    ) -> None:
        self.experiment = experiment
        geometry = Geometry(experiment.window, experiment.crop, experiment.rotation_deg, experiment.zoom)
        self._data = ParsingData(folders, geometry, experiment.run.seed, held_out)
        self._check = [
            centred(file.read(), experiment.crop) for folder in check for file in read_samples(folder)
        ]

    def build(self) -> nn.Module:
        """The network, its encoder with the recogniser's filters if the experiment says so."""
        net = ParseNet()
        if self.experiment.pretrained:
            pictures = torch.stack([self._data.sample(k)["picture"] for k in range(CALIBRATION)])
            start_from_recogniser(net.encoder, load_identity_net(), pictures)
        return net

    def batches(self, first: int, world: World) -> Iterator[dict[str, Tensor]]:
        """See :class:`train.common.loop.Task`."""
        return load_batches(self._data, first, self.experiment.run, world)

    def loss(self, net: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """``loss`` and its parts, scalars."""
        pictures = batch["picture"].contiguous(memory_format=torch.channels_last)
        answer = net(pictures)
        classes, mattes = answer.classes.float(), answer.mattes.float()
        weights = classes.new_tensor(self.experiment.weights)
        parts = {
            "classes": cross_entropy(classes, batch["regions"], weights),
            "overlap": overlap_loss(classes, batch["regions"]),
            "matte": matte_loss(mattes, batch["mattes"], batch["trusted"]),
        }
        whole = (
            parts["classes"]
            + self.experiment.dice * parts["overlap"]
            + self.experiment.matte * parts["matte"]
        )
        return {"loss": whole, **parts}

    @torch.inference_mode()
    def evaluate(
        self, net: nn.Module, device: torch.device
    ) -> tuple[dict[str, float], NDArray[np.uint8] | None]:
        """IoU of hair, face and ear over the check samples (their labels are the teachers')."""
        if not self._check:
            return {"score": 0.0}, None
        overlaps: dict[str, list[float]] = {name: [] for name in SCORED}
        rows = []
        for sample in self._check:
            picture = normalised(torch.from_numpy(sample.pixels))[None].to(device)
            scores = net(picture.contiguous(memory_format=torch.channels_last)).classes
            labels = scores[0].argmax(dim=0).cpu().numpy().astype(np.uint8)
            for name, code in SCORED.items():
                overlaps[name].append(_iou(labels, sample.regions, code))
            if len(rows) < SHOWN:
                rows.append(_row(sample, labels))
        figures = {
            name: float(np.nanmean(values)) for name, values in overlaps.items() if not np.isnan(values).all()
        }
        return {**figures, "score": float(np.mean(list(figures.values())))}, np.vstack(rows)


def _iou(labels: NDArray[np.uint8], truth: NDArray[np.uint8], code: int) -> float:
    known = truth != UNKNOWN
    ours, theirs = (labels == code) & known, (truth == code) & known
    union = (ours | theirs).sum()
    return float((ours & theirs).sum() / union) if union else float("nan")


def painted(pixels: NDArray[np.uint8], codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture (H,W,3) with its classes (H,W) laid over it; what is unknown is dark."""
    colours = np.vstack([COLOURS, np.zeros((256 - CLASSES, 3), np.uint8)])
    return cv2.addWeighted(pixels, 0.45, colours[codes], 0.55, 0)


def _row(sample: Sample, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Photo, answer and truth side by side."""
    return np.hstack([sample.pixels, *(painted(sample.pixels, codes) for codes in (labels, sample.regions))])
