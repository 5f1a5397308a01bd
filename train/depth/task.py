"""The depth network's run: batch in, losses, figures and pictures out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import default_collate

from backend.head_parse import FACE
from backend.nets.depth_net import NETS, UNIT_MM, LikenessDepthNet

from ..common.checkpoint import begin_with
from ..common.distributed import World
from ..common.errors import WrongExperiment
from ..common.loading import load_batches
from .config import DepthExperiment
from .data import Batch, DepthData, read_views, view_of
from .objective import flattened, pair_losses
from .pretrained import start_from_parser
from .regions import NON_FACE, HeadRegions, among
from .show import heat, photo, shaded, side_by_side

SHOWN = 8
"""Views on a contact sheet."""
ORDER_MM = 2.0
"""Hair may lie so far behind the face that it hides before it counts as wrong."""
WORST_MM = 30.0
"""Error that is shown as white."""


class DepthTask:
    """Implements :class:`train.common.loop.Task`."""

    def __init__(
        self,
        experiment: DepthExperiment,
        folders: Sequence[Path],
        check: Sequence[Path] = (),
        start: Path | None = None,
        parser: Path | None = None,
    ) -> None:
        """Folders of pairs to train on, and of views whose truth is known to score on.

        ``start`` is a checkpoint of whichever experiment with the same network, to begin with its weights;
        ``parser`` one of the parsing network, for the light network.
        """
        if experiment.net not in NETS:
            raise WrongExperiment(
                f"There is no network {experiment.net!r}.", f"Choose one of: {', '.join(NETS)}."
            )
        self.experiment = experiment
        self._data = DepthData(
            folders, experiment.side, experiment.flip, experiment.run.seed, experiment.sway_mm
        )
        self._start, self._parser = start, parser
        self._check = [view for folder in check for view in read_views(folder) if view.depth is not None]

    def build(self) -> nn.Module:
        """The network."""
        net = NETS[self.experiment.net]()
        if self._parser is not None and isinstance(net, LikenessDepthNet):
            start_from_parser(net, self._parser)
        return net if self._start is None else begin_with(net, self._start)

    def batches(self, first: int, world: World) -> Iterator[Batch]:
        """See :class:`train.common.loop.Task`."""
        return load_batches(self._data, first, self.experiment.run, world)

    def loss(self, net: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """``loss`` and its parts, scalars."""
        views = flattened(batch)
        relief = self._asked(net, views)
        with torch.autocast(relief.device.type, enabled=False):
            parts = pair_losses(relief.float(), views, self.experiment)
        weights = vars(self.experiment)
        return {"loss": torch.stack([weights[name] * value for name, value in parts.items()]).sum(), **parts}

    def _asked(self, net: nn.Module, views: Batch) -> Tensor:
        view = view_of(views)
        return net(view if self.experiment.sees_face else view.blind())

    @torch.no_grad()
    def evaluate(
        self, net: nn.Module, device: torch.device
    ) -> tuple[dict[str, float], NDArray[np.uint8] | None]:
        """Over the check views, mean errors of depth along the axis, without an alignment:

        ``face_mm`` and ``non_face_mm`` (hair, ears, scalp), ``prior_face_mm`` and ``prior_non_face_mm`` of
        the geometric prior, and ``behind_share`` of covered face pixels where hair lies behind the face. The
        score is the negative error of what is not face. The product's own measure, to the nearest point of
        a mesh, is ``likeness eval geometry``.
        """
        if not self._check:
            return {"score": 0.0}, None
        found: dict[str, list[float]] = {}
        rows = []
        for known in self._check:
            views = {
                name: values.to(device)
                for name, values in default_collate([known.tensors(self.experiment.side)]).items()
            }
            relief = self._asked(net, views)
            for name, value in figures(relief, views).items():
                found.setdefault(name, []).append(value)
            if len(rows) < SHOWN:
                rows.append(_row(relief, views))
        means = {name: float(np.mean(values)) for name, values in found.items()}
        return {**means, "score": -means.get("non_face_mm", 0.0)}, np.vstack(rows)


def figures(relief: Tensor, views: Batch) -> dict[str, float]:
    """Errors of relief (1,S,S) as in :meth:`DepthTask.evaluate`; what a view does not show is left out."""
    truth, regions = views["truth"], HeadRegions.of(views["regions"], views["face"])
    known = truth.isfinite() & regions.head
    values: dict[str, float] = {}
    for name, codes in (("face_mm", (FACE,)), ("non_face_mm", NON_FACE)):
        where = known & among(views["regions"], codes)
        compared = where & views["prior"].isfinite()
        for prefix, answer, mask in (("", relief, where), ("prior_", views["prior"], compared)):
            if bool(mask.any()):
                values[prefix + name] = UNIT_MM * (answer - truth)[mask].abs().mean().item()
    if bool(regions.covered_face.any()):
        behind = UNIT_MM * (views["face"] - relief)[regions.covered_face] > ORDER_MM
        values["behind_share"] = behind.float().mean().item()
    return values


def _row(relief: Tensor, views: Batch) -> NDArray[np.uint8]:
    """Photo, then the clay of truth, prior and answer, then the answer's error."""
    head = HeadRegions.of(views["regions"], views["face"]).head
    error = UNIT_MM * (relief - views["truth"]).abs().nan_to_num(0.0) * head
    mask = head[0].cpu().numpy()
    clay = [shaded(values[0].cpu().numpy(), mask) for values in (views["truth"], views["prior"], relief)]
    names = ["", "truth", "prior", "network", f"error, white {WORST_MM:.0f} mm"]
    return side_by_side([photo(views["picture"][0]), *clay, heat(error[0], WORST_MM)], names)
