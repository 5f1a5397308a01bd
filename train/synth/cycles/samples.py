"""Scenes become finished samples with Cycles in the torch engine's place."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial

from train.synth.sample import SynthSample, generate
from train.synth.scene import Scene

from .blender import BlenderSettings, Passes, open_blender
from .render import render_with_cycles


def draw_all_with_cycles(scenes: list[Scene], size: int, settings: BlenderSettings) -> Iterator[SynthSample]:
    """All samples in order, by one Blender; it says on standard error how far it is.

    Raises BlenderMissing, RenderFailed or StorageFailed.
    """
    with open_blender(settings) as blender:
        for number, scene in enumerate(scenes, 1):

            def tell(_: int, passes: Passes, number: int = number) -> None:
                print(f"Cycles: {number} of {len(scenes)}, {passes.seconds:.1f} s", file=sys.stderr)  # noqa: T201

            draw = partial(render_with_cycles, blender=blender, seeds=[scene.seed], progress=tell)
            yield generate([scene], size, draw=draw).sample(0)
