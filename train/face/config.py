"""The face network's experiments."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from backend.nets.face_crop import FACE_SIZE

from ..common.experiment import Run

LIGHT_SIDE = 160
"""Of the light network's windows: half the work of 224, for a millimetre of the face is still a pixel."""


@dataclass(frozen=True)
class FaceExperiment:
    """Numbers of one run; the weights bring every loss to the order of 1 at the start."""

    name: str
    run: Run
    backbone: str
    """Key of :data:`backend.nets.face_net.BACKBONES`."""
    side: int = FACE_SIZE
    """Side of the windows in pixels, a multiple of 32."""
    shift_jitter: float = 0.03
    size_jitter: float = 0.06
    """Spread of the windows about the known landmarks (:class:`train.face.data.Jitter`)."""
    identity: float = 0.5
    expression: float = 5.0
    albedo: float = 0.1
    light: float = 0.1
    rotation: float = 20.0
    place: float = 50.0
    """Weights of squared errors of the coefficients."""
    vertices: float = 0.6
    """A millimetre of the face's vertices, place and size of the face taken away."""
    landmarks: float = 1.6e-3 * 5
    """A squared pixel; five times Deng's, because these landmarks are exact."""
    depth: float = 0.0
    """A millimetre of depth; needs the faces drawn, which a CPU is slow at."""
    photos: bool = False
    """Half of each batch are photographs (:mod:`train.face.photographs`) with the losses of Deng et al."""
    photo_landmarks: float = 1.6e-3
    photometric: float = 1.9
    likeness: float = 0.2
    regularisation: float = 3e-4
    flatness: float = 5.0
    """Weights of the losses of photographs, as Deng et al. give them (section 4.3)."""
    plain: bool = True
    """Every second window shows a bald head that is drawn on the fly (:mod:`train.face.plain`)."""
    pretrained: bool = False
    """Start from the filters of dlib's face recogniser; for the light backbone."""

    def smoke(self) -> Self:
        """Two steps of two small windows."""
        run = replace(
            self.run, steps=2, batch=2, warmup=1, log_every=1, save_every=2, evaluate_every=2, workers=0
        )
        return replace(self, run=run, side=64, pretrained=False)


EXPERIMENTS: dict[str, FaceExperiment] = {
    experiment.name: experiment
    for experiment in (
        FaceExperiment(
            "cpu",
            Run(
                steps=5000,
                batch=16,
                rate=1e-3,
                ema=0.997,
                workers=1,
                log_every=20,
                save_every=100,
                evaluate_every=500,
            ),
            backbone="light",
            side=LIGHT_SIDE,
            pretrained=True,
        ),
        FaceExperiment(
            "cpu_longer",
            Run(
                steps=5000,
                batch=16,
                rate=4e-4,
                warmup=100,
                ema=0.998,
                seed=1,
                workers=1,
                log_every=20,
                save_every=100,
                evaluate_every=500,
            ),
            backbone="light",
            side=LIGHT_SIDE,
        ),
        FaceExperiment(
            "cpu_photos",
            Run(
                steps=1200,
                batch=8,
                rate=2e-4,
                warmup=50,
                ema=0.99,
                workers=1,
                log_every=20,
                save_every=50,
                evaluate_every=200,
            ),
            backbone="light",
            side=LIGHT_SIDE,
            light=0.01,
            photos=True,
        ),
        FaceExperiment(
            "paper",
            Run(
                steps=60000,
                batch=64,
                rate=1e-3,
                workers=8,
                log_every=50,
                save_every=1000,
                evaluate_every=4000,
            ),
            backbone="paper",
            depth=0.1,
        ),
        FaceExperiment(
            "paper_photos",
            Run(
                steps=20000,
                batch=32,
                rate=2e-4,
                workers=8,
                log_every=50,
                save_every=1000,
                evaluate_every=4000,
            ),
            backbone="paper",
            light=0.01,
            photos=True,
        ),
    )
}
