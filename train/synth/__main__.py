"""Synthetic portraits from the command line.

::

    python -m train.synth --count 64 --preview sheet.png           look at some
    python -m train.synth --count 8 --preview truth.png --truth    and at what is known of them
    python -m train.synth --count 1000 --out data/synth            the evaluation format (write.py)
    python -m train.synth --count 1000 --out data/synth --compact  three small files a sample
    python -m train.synth --count 1000 --out data/face --faces     close views for the face network
    python -m train.synth --count 100 --out data/pairs --pairs     two views of each person
    python -m train.synth --count 200 --out data/new --hair new    hair that --hair known never shows
    python -m train.synth --count 200 --out data/x --hair crossed  cuts between two known kinds
    python -m train.synth --count 200 --out data/v --hair varied   these, bent as a whole
    python -m train.synth --count 9 --preview sheet.png --engine cycles --blender-python PYTHON
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import count, islice
from pathlib import Path

import torch

from backend.errors import LikenessError

from .cycles.blender import BlenderSettings
from .cycles.samples import draw_all_with_cycles
from .hair.cross import crossed_hair
from .hair.hairdo import HairParams
from .hair.held_out import is_held_out
from .hair.vary import varied_hair
from .pairs import second_view
from .sample import SIZE, SynthSample
from .scene import FACES, Recipe, Scene, sample_scene
from .sheet import photo_sheet, truth_sheet
from .workers import Order, draw_all
from .write import add_line, make_folder, save_compact, save_evaluation, save_face, save_picture

ChangedHair = Callable[[int, HairParams], HairParams]
CHANGED: dict[str, ChangedHair] = {"crossed": crossed_hair, "varied": varied_hair}
"""Hair that nobody of :mod:`.scene` wears, by the word of ``--hair``; from the scene's seed and its own."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; 0 if all went well."""
    options = _parser().parse_args(arguments)
    try:
        _run(options)
    except LikenessError as error:
        print(f"{error.message} {error.hint}".strip(), file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m train.synth", description="Synthetic portraits.")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first scene; the others follow")
    parser.add_argument("--count", type=int, default=64, help="how many scenes")
    parser.add_argument("--size", type=int, default=SIZE, help="pixels along each side, a multiple of 4")
    parser.add_argument("--preview", type=Path, help="contact sheet to write, .png or .jpg")
    parser.add_argument(
        "--truth", action="store_true", help="the sheet shows classes, mattes and depths, too"
    )
    parser.add_argument("--out", type=Path, help="folder to write the samples to")
    parser.add_argument("--compact", action="store_true", help="photo, classes and alphas only")
    parser.add_argument("--faces", action="store_true", help="close views, without depth: for train.face")
    parser.add_argument("--pairs", action="store_true", help="a second view of every person")
    parser.add_argument(
        "--hair",
        choices=("any", "known", "new", *CHANGED),
        default="any",
        help="of the scenes from --seed on, those whose hair is not, or is, held out (hair/held_out.py); "
        "crossed: the known ones with cuts between two kinds (hair/cross.py); varied: bent, too "
        "(hair/vary.py)",
    )
    parser.add_argument("--backgrounds", type=Path, help="folder of pictures to use as backgrounds, too")
    parser.add_argument("--workers", type=int, default=1, help="processes, on a CPU")
    parser.add_argument("--engine", choices=("torch", "cycles"), default="torch", help="cycles: slow, real")
    parser.add_argument(
        "--blender-python",
        type=Path,
        default=Path(".venv-blender45/bin/python"),
        help="a Python that has bpy, for --engine cycles",
    )
    parser.add_argument(
        "--samples", type=int, default=BlenderSettings.samples, help="paths for each pixel of --engine cycles"
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser


def _run(options: argparse.Namespace) -> None:
    recipe = replace(FACES if options.faces else Recipe(), backgrounds=options.backgrounds)
    seeds = islice(_seeds(options.seed, recipe, options.hair), options.count)
    change = CHANGED.get(options.hair)
    orders = [partial(_scenes, seed, recipe, options.pairs, change) for seed in seeds]
    if options.out:
        make_folder(options.out)
    save = save_face if options.faces else save_compact if options.compact else save_evaluation
    keep = partial(_keep, save=save, folder=options.out, show=bool(options.preview))
    shown: list[SynthSample] = []
    start, done = time.perf_counter(), 0
    for line, sample in _drawn(orders, keep, options):
        done += 1
        if line:
            add_line(options.out, line)
        if sample:
            shown.append(sample)
    seconds = time.perf_counter() - start
    if options.preview:
        sheet = truth_sheet(shown) if options.truth else photo_sheet([sample.photo for sample in shown])
        save_picture(options.preview, sheet)
    print(f"{done} samples in {seconds:.1f} s, {done / seconds:.1f} a second")  # noqa: T201


def _seeds(first: int, recipe: Recipe, hair: str) -> Iterator[int]:
    """Seeds from ``first`` on whose people have the hair that was asked for."""
    if hair == "any":
        return count(first)
    held_out = hair == "new"
    return (s for s in count(first) if is_held_out(sample_scene(s, recipe).person.hair) == held_out)


def _scenes(seed: int, recipe: Recipe, pairs: bool, change: ChangedHair | None) -> list[Scene]:
    scene = sample_scene(seed, recipe)
    if change is not None:
        person = replace(scene.person, hair=change(seed, scene.person.hair))
        scene = replace(scene, person=person)
    return [scene, second_view(scene)] if pairs else [scene]


Line = str | None


def _keep(
    sample: SynthSample, save: Callable[[SynthSample, Path], Line], folder: Path | None, show: bool
) -> tuple[Line, SynthSample | None]:
    """Save a sample; the line that lists it, and the sample itself where it is to be shown."""
    return save(sample, folder) if folder else None, sample if show else None


def _drawn(
    orders: list[Order],
    keep: Callable[[SynthSample], tuple[Line, SynthSample | None]],
    options: argparse.Namespace,
) -> Iterator[tuple[Line, SynthSample | None]]:
    """What is kept of the samples of the engine that was asked for."""
    if options.engine == "torch":
        return draw_all(orders, options.size, options.device, options.workers, keep)
    settings = BlenderSettings(options.blender_python.absolute(), samples=options.samples)
    scenes = [scene for order in orders for scene in order()]
    return map(keep, draw_all_with_cycles(scenes, options.size, settings))


if __name__ == "__main__":
    sys.exit(main())
