"""The parsing network's experiments."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from ..common.experiment import Run


@dataclass(frozen=True)
class ParsingExperiment:
    """Numbers of one run."""

    name: str
    run: Run
    window: int = 192
    """Side of the training windows in pixels, a multiple of 32. They are cut at the scale of a 256 px crop:
    cheaper than whole crops, and the network learns not to lean on their frame."""
    crop: int = 256
    """Side at which the network sees a whole working crop (520 mm)."""
    rotation_deg: float = 35.0
    zoom: tuple[float, float] = (0.7, 1.4)
    weights: tuple[float, ...] = (1.0, 1.0, 1.0, 2.0, 1.0, 2.0, 1.0, 4.0)
    """Of the classes in the cross-entropy: ears, bare scalp and the rims of glasses are rare or thin."""
    dice: float = 0.5
    matte: float = 1.0
    """Weights of the overlap and of the matte loss beside the cross-entropy."""
    pretrained: bool = True
    """Start from the filters of dlib's face recogniser."""

    def smoke(self) -> Self:
        """Two steps of two small windows."""
        run = replace(
            self.run, steps=2, batch=2, warmup=1, log_every=1, save_every=1, evaluate_every=2, workers=0
        )
        return replace(self, run=run, window=64, crop=64, pretrained=False)


EXPERIMENTS: dict[str, ParsingExperiment] = {
    experiment.name: experiment
    for experiment in (
        ParsingExperiment(
            "cpu",
            Run(
                steps=3800,
                batch=16,
                rate=1.5e-3,
                ema=0.995,
                workers=1,
                save_every=100,
                evaluate_every=500,
            ),
        ),
        ParsingExperiment(
            "gpu",
            Run(
                steps=40000,
                batch=64,
                rate=2e-3,
                workers=8,
                log_every=50,
                save_every=1000,
                evaluate_every=4000,
            ),
            window=256,
        ),
    )
}
