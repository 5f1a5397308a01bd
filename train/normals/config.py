"""The normal network's experiments."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from backend.nets.normal_net import NORMAL_SIDE

from ..common.experiment import Run


@dataclass(frozen=True)
class NormalExperiment:
    """Numbers of one run."""

    name: str
    run: Run
    side: int = NORMAL_SIDE
    """Side of the windows in pixels, a multiple of 32."""
    shift_jitter: float = 0.03
    size_jitter: float = 0.06
    """Spread of the windows about the known landmarks (:class:`train.face.data.Jitter`)."""
    dimmest: float = 0.5
    """Windows are darkened or brightened by a power of up to this, either way, for cameras meter anyhow."""

    def smoke(self) -> Self:
        """Two steps of two small windows."""
        run = replace(
            self.run, steps=2, batch=2, warmup=1, log_every=1, save_every=2, evaluate_every=2, workers=0
        )
        return replace(self, run=run, side=64)


EXPERIMENTS: dict[str, NormalExperiment] = {
    experiment.name: experiment
    for experiment in (
        NormalExperiment(
            "cpu",
            Run(
                steps=8000,
                batch=16,
                rate=1e-3,
                ema=0.997,
                workers=1,
                log_every=20,
                save_every=100,
                evaluate_every=400,
            ),
        ),
        NormalExperiment(
            "cpu_longer",
            Run(
                steps=3600,
                batch=16,
                rate=5e-4,
                warmup=100,
                ema=0.998,
                seed=1,
                workers=1,
                log_every=20,
                save_every=100,
                evaluate_every=400,
            ),
        ),
        NormalExperiment(
            "gpu",
            Run(
                steps=40000,
                batch=64,
                rate=1e-3,
                workers=8,
                log_every=50,
                save_every=1000,
                evaluate_every=4000,
            ),
            side=160,
        ),
    )
}
