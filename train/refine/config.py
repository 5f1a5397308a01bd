"""The refinement network's experiments."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from ..common.experiment import Run


@dataclass(frozen=True)
class RefineExperiment:
    """Numbers of one run; the weights are those of the paper's supplement."""

    name: str
    run: Run
    net: str
    """Key of :data:`backend.nets.refine_net.NETS`."""
    side: int = 256
    """Pixels along one side of the training windows, a multiple of 32."""
    zoom: tuple[float, float] = (0.6, 1.0)
    """Scale of the windows against the written pictures."""
    critic: int = 64
    """Channels of the critic's first layer."""
    colour: float = 1.0
    features: float = 1.0
    adversarial: float = 0.1
    """Weights of eq. 10, 13 and 11; the critic's own loss, eq. 12, has 1."""
    matching: float = 0.0
    """Of the critic's features, as in pix2pixHD; the paper has none."""
    blocks: int = 5
    """Blocks of VGG that are compared."""
    mixed_output: bool = False
    """The answer counts where pixels are missing only, the render elsewhere: the paper's ablation."""
    hinted: float = 0.5
    """Share of the samples whose guess comes from the texture rather than from the neighbours."""

    def without_adversarial(self) -> Self:
        """Nothing asks for realism."""
        return replace(self, name=f"{self.name}_without_adversarial", adversarial=0.0, matching=0.0)

    def without_features(self) -> Self:
        """Colours alone."""
        return replace(self, name=f"{self.name}_without_features", features=0.0)

    def with_mixed_output(self) -> Self:
        """The network fills holes and touches nothing else."""
        return replace(self, name=f"{self.name}_mixed_output", mixed_output=True)

    def smoke(self) -> Self:
        """Two steps of two small windows."""
        run = replace(
            self.run, steps=2, batch=2, warmup=1, log_every=2, save_every=2, evaluate_every=2, workers=0
        )
        return replace(self, run=run, side=64, critic=8)


EXPERIMENTS: dict[str, RefineExperiment] = {
    experiment.name: experiment
    for experiment in (
        RefineExperiment(
            "cpu",
            Run(
                steps=3000,
                batch=4,
                rate=5e-4,
                warmup=50,
                weight_decay=0.0,
                ema=0.995,
                save_every=100,
                evaluate_every=500,
            ),
            net="light",
            side=128,
            zoom=(0.5, 1.0),
            critic=32,
            matching=0.5,
            blocks=3,
        ),
        RefineExperiment(
            "light",
            Run(
                steps=60000,
                batch=24,
                rate=3e-4,
                weight_decay=0.0,
                workers=12,
                log_every=50,
                save_every=1000,
                evaluate_every=4000,
            ),
            net="light",
            zoom=(0.5, 1.0),
            matching=0.5,
        ),
        RefineExperiment(
            "paper",
            Run(
                steps=80000,
                batch=32,
                rate=1e-4,
                warmup=0,
                weight_decay=0.0,
                amp=False,
                workers=12,
                log_every=50,
                save_every=1000,
                evaluate_every=4000,
            ),
            net="paper",
            zoom=(0.8, 1.0),
            hinted=0.0,
        ),
    )
}
"""``paper`` has the published numbers, but for 200 epochs of an unknown number of portraits and for the
house's falling learning rate."""
