"""What is compared: networks, the baselines that they must beat, and the face that they are joined to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from torch import Tensor

from backend.depth import GeometricPrior, HeadDepthEstimator
from backend.depth_network import NetworkHeadDepth
from backend.engine import Engine
from backend.evaluate import CameraMesh, EnginePredictor, EvaluationItem, ExtendedFace
from backend.evaluate.baselines import seen_mesh
from backend.nets.depth_net import NETS, DepthNet, HeadView, load_depth_net
from backend.nets.layers import folded
from train.common.checkpoint import BEST, load_checkpoint
from train.common.experiment import from_json
from train.depth.config import DepthExperiment

from .heads import Field, ToldHead

FACE, EXTENDED, PRIOR = "face", "extended", "prior"


@dataclass(frozen=True)
class Run:
    """A trained network: a run's folder, one of its checkpoints, or weights as they ship."""

    name: str
    path: Path

    @property
    def file(self) -> Path:
        """The file that its numbers depend on."""
        return self.path / BEST if self.path.is_dir() else self.path


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    key: str
    words: str
    run: Run | None = None
    joined: bool = False
    """The network's answer as the product joins it to the face, not as it comes."""

    @property
    def sees_face(self) -> bool:
        """False for the ablation without d_f."""
        return self.run is None or not isinstance(network(self.run), Blind)

    @property
    def shows_hair(self) -> bool:
        """False for the face alone: its distance to hair says nothing."""
        return self.key != FACE

    def depth(self, told: ToldHead) -> Field:
        """(S,S) mm on the stage's crop, NaN where it says nothing."""
        stage = told.stage
        if self.key == FACE:
            return stage.head.face_mm
        if self.run is None or self.joined:
            return self.estimator().estimate(stage.crop, stage.parse, stage.head, stage.centre_mm).front
        estimator = NetworkHeadDepth(network(self.run))
        return estimator.answer(stage.crop, stage.parse, told.prior, stage.centre_mm)

    def estimator(self) -> HeadDepthEstimator:
        """What the product would ask."""
        if self.run is not None:
            return NetworkHeadDepth(network(self.run))
        return ExtendedFace() if self.key == EXTENDED else GeometricPrior()

    def product_mesh(self, item: EvaluationItem) -> CameraMesh:
        """The whole product's head from the photo alone; refuses as the engine does."""
        predictor = EnginePredictor(_engine(self))
        if self.key == FACE:
            return seen_mesh(predictor.fitted(item), item)
        return predictor.mesh(item)


class Blind(DepthNet):
    """A network that is not shown d_f, nor the prior that follows from it."""

    def __init__(self, net: DepthNet) -> None:
        super().__init__()
        self.net, self.side = net, net.side

    def forward(self, view: HeadView) -> Tensor:
        """See :class:`DepthNet`."""
        return self.net(view.blind())


def rows_of(runs: Sequence[Run]) -> list[Row]:
    """Baselines, then every run's own answer, then the first run's as the product joins it."""
    rows = [
        Row(FACE, "the face mesh alone"),
        Row(EXTENDED, "the face's depth continued (after Zhu et al.)"),
        Row(PRIOR, "geometric prior"),
        *(Row(f"run {run.name}", run.name, run) for run in runs),
    ]
    if runs:
        rows.append(Row(f"joined {runs[0].name}", f"{runs[0].name}, joined to the face", runs[0], True))
    return rows


@cache
def network(run: Run) -> DepthNet:
    """The averaged weights of a run, ready for inference on the CPU; :class:`Blind` if it was trained so."""
    if run.file.suffix == ".safetensors":
        return load_depth_net(run.file)
    checkpoint = load_checkpoint(run.file)
    experiment = from_json(DepthExperiment, checkpoint.config)
    net = NETS[experiment.net]()
    net.load_state_dict(checkpoint.ema)
    net = folded(net).requires_grad_(False)
    net.side = experiment.side
    return net if experiment.sees_face else Blind(net)


@cache
def _engine(row: Row) -> Engine:
    return Engine("cpu", depth_estimator=row.estimator())
