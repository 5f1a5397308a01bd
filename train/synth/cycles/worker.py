"""Draws parcels inside Blender's Python: ``python -m train.synth.cycles.worker`` (started by ``blender``).

One JSON object a line comes in on standard input, ``{"parcel": ..., "beauty": ..., "truth": ...,
"samples": ..., "device": ...}`` with paths of files, and one goes out when both pictures are written:
``{"seconds": ..., "cpu_seconds": ...}`` or ``{"error": ...}``. The process ends with its standard input.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import bpy

from backend.payload import BadPayload

from .materials import COVERS
from .parcel import from_bytes
from .stage import build

TRUTH_SCALE = 3
"""Rays for depth, classes and normals along each side of a pixel; odd, so that one hits its middle."""
PINHOLE_FILTER_PX = 0.01
"""Cycles' smallest filter: rays leave the middle of each (fine) pixel."""
PHOTO_FILTER_PX = 1.5
BOUNCES = 8
"""Light through blond hair takes about that many; more are not seen."""
CLAMP = 4.0
"""Limits what one lucky path adds, so that few samples do."""


NOISE, MIN_SAMPLES = 0.05, 12
"""Even places are done after these few samples; the filter takes the noise that is left."""


def main() -> None:
    """Answer one request after the other."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what Blender prints must not mix with the answers
    for line in sys.stdin:
        start, busy = time.monotonic(), time.process_time()
        try:
            _draw(json.loads(line))
            answer: dict[str, Any] = {
                "seconds": time.monotonic() - start,
                "cpu_seconds": time.process_time() - busy,
            }
        except (BadPayload, OSError, RuntimeError) as error:
            answer = {"error": str(error)}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _draw(request: dict[str, Any]) -> None:
    parcel = from_bytes(Path(request["parcel"]).read_bytes())
    scene = build(parcel)
    _configure(scene, parcel.header.seed)
    _use_device(scene, request["device"])
    _photograph(scene, request["samples"])
    _write(scene, request["beauty"])
    _measure(scene)
    _write(scene, request["truth"])


def _configure(scene: bpy.types.Scene, seed: int) -> None:
    """What both pictures share."""
    render, cycles = scene.render, scene.cycles
    render.engine, render.film_transparent, render.use_persistent_data = "CYCLES", True, True
    render.threads_mode = "FIXED" if "OMP_NUM_THREADS" in os.environ else "AUTO"
    render.threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    cycles.seed = seed % 2**31
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.pixel_filter_type = "BLACKMAN_HARRIS"
    cycles.sample_clamp_indirect = CLAMP
    scene.cycles_curves.shape = "RIBBONS"
    layer = scene.view_layers[0]
    layer.use_pass_z = layer.use_pass_normal = True
    for cover in COVERS:
        seen = layer.aovs.add()
        seen.name, seen.type = cover, "COLOR"
    settings = render.image_settings
    if hasattr(settings, "media_type"):  # Blender 5
        settings.media_type = "MULTI_LAYER_IMAGE"
    settings.file_format, settings.exr_codec, settings.color_depth = "OPEN_EXR_MULTILAYER", "NONE", "32"
    if hasattr(settings, "use_exr_interleave"):  # Blender 5 would write one part for each pass
        settings.use_exr_interleave = True


def _use_device(scene: bpy.types.Scene, device: str) -> None:
    """CPU, or the graphics cards behind one of Cycles' interfaces: CUDA, OPTIX, HIP, METAL."""
    if device == "CPU":
        return
    preferences = bpy.context.preferences.addons["cycles"].preferences
    preferences.compute_device_type = device
    preferences.get_devices()
    for card in preferences.devices:
        card.use = card.type == device
    scene.cycles.device = "GPU"


def _photograph(scene: bpy.types.Scene, samples: int) -> None:
    cycles = scene.cycles
    cycles.samples, cycles.filter_width = samples, PHOTO_FILTER_PX
    cycles.use_adaptive_sampling, cycles.adaptive_threshold = True, NOISE
    cycles.adaptive_min_samples = min(MIN_SAMPLES, samples)
    cycles.max_bounces = cycles.transmission_bounces = BOUNCES
    cycles.diffuse_bounces, cycles.glossy_bounces = 3, 4
    cycles.use_denoising = True
    cycles.denoiser, cycles.denoising_input_passes = "OPENIMAGEDENOISE", "RGB_ALBEDO_NORMAL"


def _measure(scene: bpy.types.Scene) -> None:
    """One ray through the middle of each of many small pixels: exact depth and classes, no light."""
    cycles = scene.cycles
    cycles.samples, cycles.filter_width, cycles.max_bounces = 1, PINHOLE_FILTER_PX, 0
    cycles.use_adaptive_sampling = cycles.use_denoising = False
    scene.render.resolution_x *= TRUTH_SCALE
    scene.render.resolution_y *= TRUTH_SCALE


def _write(scene: bpy.types.Scene, path: str) -> None:
    scene.render.filepath = path
    scene.render.use_file_extension = False
    bpy.ops.render.render(write_still=True)
    if not Path(path).is_file():
        raise OSError(f"Blender wrote no {Path(path).name}")


if __name__ == "__main__":
    main()
