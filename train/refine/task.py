"""The refinement network's run: batch in, losses, figures and pictures out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils.data import default_collate

from backend.nets.refine_net import NETS, STRIDE, CoarseView
from backend.refine_view import view_of

from ..common.distributed import World
from ..common.errors import EmptyDataset, WrongExperiment
from ..common.loading import load_batches
from ..common.loop import Batch
from .config import RefineExperiment
from .critic import Answers, Critic
from .data import PosedPortrait, RefineData, View, read_portraits, tensors_of
from .features import load_features
from .losses import colour_loss, critic_loss, feature_loss, matching_loss, realism_loss

CHECKED = 12
"""Pairs that are scored during a run."""
SHOWN = 6
"""Of them on a contact sheet."""
INPAINT_PX = 5
"""Radius of cv2.inpaint, the measure to beat."""
MISSING = 0.5
"""A pixel that is known less counts as a hole."""

PARTS = ("colour", "pair_colour", "features", "adversarial", "matching", "critic")
"""Of the loss."""

Pixels = NDArray[np.uint8]


class Players(nn.Module):
    """Generator and critic, one module for the loop: their gradients never meet."""

    def __init__(self, generator: nn.Module, critic: nn.Module | None) -> None:
        super().__init__()
        self.generator, self.critic = generator, critic

    def forward(
        self, view: CoarseView, truth: Tensor | None, mixed: bool
    ) -> tuple[Tensor, Answers, Answers, Answers | None]:
        """The picture; what the critic says of it to the generator, and to itself; and of the truth."""
        made = mixed_output(self.generator(view), view) if mixed else self.generator(view)
        if self.critic is None:
            return made, [], [], None
        frozen = {name: values.detach() for name, values in self.critic.state_dict(keep_vars=True).items()}
        told = functional_call(self.critic, frozen, (made,))
        return made, told, self.critic(made.detach()), None if truth is None else self.critic(truth)


def mixed_output(answer: Tensor, view: CoarseView) -> Tensor:
    """The answer where pixels are missing, the render elsewhere."""
    return view.picture + (1 - view.known[:, None]) * answer


class RefineTask:
    """Implements :class:`train.common.loop.Task`."""

    def __init__(
        self,
        experiment: RefineExperiment,
        folders: Sequence[Path],
        check: Sequence[Path],
        held_out: frozenset[str],
        vgg: Path | None,
    ) -> None:
        """``check``: folders of portraits to score on; ``vgg``: see :func:`load_features`.

        Raises WrongExperiment, EmptyDataset, BrokenSample, HeldOutSample, TrainingError.
        """
        if experiment.net not in NETS:
            raise WrongExperiment(
                f"There is no network {experiment.net!r}.", f"Choose one of: {', '.join(NETS)}."
            )
        if experiment.features and vgg is None:
            raise EmptyDataset("Features need the weights of VGG.", "Name them with --vgg.")
        self.experiment = experiment
        self._features = load_features(vgg, experiment.blocks) if vgg is not None else None
        options = experiment.side, experiment.zoom, experiment.hinted, experiment.run.seed, held_out
        self._pairs = RefineData(folders, *options, paired=True)
        self._renders = RefineData(folders, *options, paired=False)
        self._check = [p for folder in check for p in read_portraits(folder)]
        self._check = self._check[:: max(1, len(self._check) // CHECKED)][:CHECKED]

    def build(self) -> nn.Module:
        """Both players."""
        of = self.experiment
        return Players(NETS[of.net](), Critic(of.critic) if of.adversarial else None)

    def batches(self, first: int, world: World) -> Iterator[Batch]:
        """Batches of pairs and of renders in turn."""
        run = self.experiment.run
        pairs = load_batches(self._pairs, (first + 1) // 2, run, world)
        renders = load_batches(self._renders, first // 2, run, world)
        while True:
            yield next(renders if first % 2 else pairs)
            first += 1

    def loss(self, net: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """``loss`` and its parts, scalars; 0 for a part that this kind of batch does not have.

        The log's means are over all batches, so they show half of what a part is where it counts.
        """
        of, view, truth = self.experiment, view_of(batch), batch.get("truth")
        made, told, made_again, real = net(view, truth, of.mixed_output)
        made = made.float()
        parts = dict.fromkeys(PARTS, made.new_zeros(()))
        if truth is None:
            parts["colour"] = colour_loss(view.known[:, None] * made, view.picture)
        else:
            parts["pair_colour"] = colour_loss(made, truth)
            if of.features:
                parts["features"] = self._feature_loss(made, truth)
        if told:
            parts |= {"adversarial": realism_loss(told), "critic": critic_loss(made_again, real)}
            if real is not None and of.matching:
                parts["matching"] = matching_loss(told, real)
        weights = {**vars(of), "pair_colour": of.colour, "critic": 1.0}
        return {"loss": torch.stack([weights[name] * value for name, value in parts.items()]).sum(), **parts}

    def _feature_loss(self, made: Tensor, truth: Tensor) -> Tensor:
        assert self._features is not None
        features = self._features.to(made.device)
        with torch.no_grad():
            target = features(truth)
        return feature_loss(features(made), target)

    @torch.no_grad()
    def evaluate(self, net: nn.Module, device: torch.device) -> tuple[dict[str, float], Pixels | None]:
        """Over holes of check pairs, guessed by their neighbours: mean error of colours, 0 to 255, of the
        network (``hole``), of what it begins with (``guess_hole``) and of cv2.inpaint (``inpaint_hole``).

        The score is the share by which the network is better than cv2.inpaint.
        """
        if not self._check:
            return {"score": 0.0}, None
        generator = net.generator
        found: dict[str, list[float]] = {}
        rows = []
        for portrait in self._check:
            pair = portrait.pair()
            answers = answers_to(pair, generator, device, self.experiment.mixed_output)
            for name, picture in answers.items():
                found.setdefault(name, []).append(hole_error(picture, pair))
            if len(rows) < SHOWN:
                rows.append(_row(portrait, answers, generator, device, self.experiment.mixed_output))
        means = {name: float(np.nanmean(values)) for name, values in found.items()}
        return {**means, "score": 1 - means["hole"] / means["inpaint_hole"]}, np.vstack(rows)


def answered(
    view: View, generator: nn.Module, device: torch.device, hint: bool, mixed: bool = False
) -> Pixels:
    """The network's picture (S,S,3) of a view whose side is a multiple of STRIDE."""
    assert len(view.colour) % STRIDE == 0
    batch = {name: values.to(device) for name, values in default_collate([tensors_of(view, hint)]).items()}
    seen = view_of(batch)
    answer = generator(seen)
    answer = mixed_output(answer, seen) if mixed else answer
    return _as_picture(answer[0])


def answers_to(
    pair: View, generator: nn.Module, device: torch.device, mixed: bool = False
) -> dict[str, Pixels]:
    """A pair as the network, its first guess and cv2.inpaint fill it.

    All are told the same: a pixel that is known a little would give its colour away to those that can be told
    so, and cv2.inpaint cannot.
    """
    holes = (pair.known < 255 * MISSING).astype(np.uint8)
    pair = replace(pair, known=255 * (1 - holes))
    tensors = tensors_of(pair, hint=False)
    return {
        "hole": answered(pair, generator, device, hint=False, mixed=mixed),
        "guess_hole": _as_picture(tensors["picture"] + (1 - tensors["known"]) * tensors["guess"]),
        "inpaint_hole": cv2.inpaint(pair.colour, holes, INPAINT_PX, cv2.INPAINT_TELEA),
    }


def hole_error(picture: Pixels, pair: View) -> float:
    """Mean distance of colours to the truth where it is missing; NaN if nothing is."""
    holes = pair.known < 255 * MISSING
    return float(np.abs(picture[holes].astype(float) - pair.colour[holes]).mean()) if holes.any() else np.nan


def _as_picture(values: Tensor) -> Pixels:
    grey = ((values.float() + 1) * 127.5).round().clamp(0, 255)
    return grey.byte().movedim(0, -1).cpu().numpy()


def _row(
    portrait: PosedPortrait,
    answers: dict[str, Pixels],
    generator: nn.Module,
    device: torch.device,
    mixed: bool,
) -> Pixels:
    """Photo, what is left of it, three fillings; render, what the photo saw of it, the network's picture."""
    pair, render = portrait.pair(), portrait.render()
    shown = [np.rint(v.colour * (v.known[..., None] / 255.0)).astype(np.uint8) for v in (pair, render)]
    still = answered(render, generator, device, hint=True, mixed=mixed)
    order = ("inpaint_hole", "guess_hole", "hole")
    return np.hstack([pair.colour, shown[0], *(answers[n] for n in order), render.colour, shown[1], still])
