"""The depth network's experiments."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Self

from backend.nets.depth_net import DEPTH_SIDE

from ..common.experiment import Run


@dataclass(frozen=True)
class DepthExperiment:
    """Numbers of one run; the weights are those of the paper's supplement S2."""

    name: str
    run: Run
    net: str
    """Key of :data:`backend.nets.depth_net.NETS`."""
    side: int = DEPTH_SIDE
    """Pixels along one side, a multiple of 32."""
    colour: float = 0.4
    gradient: float = 0.6
    smooth: float = 100.0
    face: float = 500.0
    layer: float = 100.0
    """Weights of eq. 4, 5, 8, 7 and 9. The light network begins with the fitted face and needs to hear less
    of it: at 500 that loss alone filled the clipped gradient, and hair was learnt more slowly."""
    depth: float = 0.0
    """Of the distance to the true relief, where there is one."""
    sees_face: bool = True
    """False hides d_f and the prior from the network: the paper's ablation *without d_f*."""
    hidden_mm: float = math.inf
    """What would come to lie so far behind the other view's face is hidden there and not compared."""
    sway_mm: float = 0.0
    """How far the fitted head may usually be off: d_f, prior and truth are moved and tilted together, so that
    the network learns to stay with the face that it is given."""
    flip: bool = True
    """Half of the pairs are mirrored."""

    def without_df(self) -> Self:
        """The network does not see d_f. It is still told by the losses where the face is."""
        return replace(self, name=f"{self.name}_without_df", sees_face=False)

    def without_order(self) -> Self:
        """Nothing keeps hair before the face."""
        return replace(self, name=f"{self.name}_without_order", layer=0.0)

    def smoke(self) -> Self:
        """Two steps of two small pairs."""
        run = replace(
            self.run, steps=2, batch=2, warmup=1, log_every=1, save_every=2, evaluate_every=2, workers=0
        )
        return replace(self, run=run, side=64)


PAPER = Run(
    steps=63000,
    batch=8,
    rate=1e-4,
    warmup=0,
    weight_decay=0.0,
    amp=False,
    workers=8,
    log_every=50,
    save_every=1000,
    evaluate_every=3000,
)
"""Supplement S2, but for the house's falling learning rate."""

PAPER_CPU = replace(PAPER, steps=3000, batch=4, rate=3e-4, warmup=50, amp=True, workers=0, ema=0.99,
                    log_every=10, save_every=100, evaluate_every=500)  # fmt: skip
"""As many and as small pictures as a CPU can look at, to be compared with ``cpu``."""

EXPERIMENTS: dict[str, DepthExperiment] = {
    experiment.name: experiment
    for experiment in (
        DepthExperiment(
            "cpu",
            Run(
                steps=2000,
                batch=4,
                rate=1e-3,
                warmup=50,
                ema=0.99,
                log_every=10,
                save_every=100,
                evaluate_every=500,
            ),
            net="likeness",
            side=128,
            smooth=20.0,
            face=30.0,
            depth=100.0,
            hidden_mm=5.0,
        ),
        DepthExperiment(
            "cpu_fine",
            Run(
                steps=600,
                batch=2,
                rate=3e-4,
                warmup=30,
                ema=0.99,
                log_every=10,
                save_every=50,
                evaluate_every=200,
            ),
            net="likeness",
            smooth=20.0,
            face=30.0,
            depth=100.0,
            hidden_mm=5.0,
            sway_mm=2.0,
        ),
        DepthExperiment("paper", PAPER, net="paper"),
        DepthExperiment("paper_truth", PAPER, net="paper", depth=100.0),
        DepthExperiment("paper_cpu", PAPER_CPU, net="paper", side=128),
        DepthExperiment("paper_truth_cpu", PAPER_CPU, net="paper", side=128, depth=100.0),
        DepthExperiment(
            "likeness",
            Run(
                steps=30000,
                batch=24,
                rate=1e-3,
                workers=12,
                log_every=50,
                save_every=500,
                evaluate_every=2000,
            ),
            net="likeness",
            smooth=20.0,
            depth=100.0,
            hidden_mm=5.0,
        ),
    )
}
