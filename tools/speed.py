"""Measures what one photo costs on this computer and writes ``docs/speed.md``: ``python -m tools.speed``.

The engine's figures are those of ``likeness bench``; Blender's come from the report of the last
``make demo``, if there is one, and keep its own load average beside them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backend import bench
from backend.files import write_file
from tools.accuracy.cache import ROOT
from tools.accuracy.timing import made_words

IMPORT_MS, MEMORY_MIB, RASTER_MS = 3000.0, 1.5e9 / 2**20, 30.0
BUILD_MS, STILL_MS = 500.0, 2500.0
"""What is asked for, of the engine and of Blender."""

STAGES = {
    "load": "open the photo",
    "detect": "find the face and its landmarks",
    "fit": "fit the head, pose and camera",
    "parse": "tell hair, face, ears and clothes apart",
    "depth": "depth of hair and ears",
    "mesh": "meshes from depth",
    "texture": "textures, light and background",
    "pack": "pack it for Blender",
}
"""Stages of an import in their order, as an artist would say them."""
IN_BLENDER = {
    "import_cold": "first import, start of the backend included",
    "import_warm": "import",
    "build_head": "of it, building the objects, during which Blender stands still",
    "render_new_pose": "Render New Pose at the photo's size",
    "export_glb": "Export Head as GLB",
}

HEAD = """# Speed

Made by `python -m tools.speed`; do not edit by hand. Times belong to a computer and to what else it did: a
load average above the number of cores means that other programs took part of them. Run `likeness bench` on
yours.

"""
IMPORT = """
## A photo becomes a head

{name}, {width} x {height} pixels, {device}; medians of {runs} warm runs, in the backend alone. Load average
at the end: {load}.

| | ms |
| --- | --- |
"""
BLENDER = """
## In Blender

Blender {blender}, {device}, a photo of {width} x {height} pixels, one run of `make demo`. Load average:
{load}.

| | ms |
| --- | --- |
"""
BARS = """
## What was asked for

| | asked | measured | |
| --- | --- | --- | --- |
"""


def page(made: str, engine: Mapping[str, Any], demo: Mapping[str, Any] | None) -> str:
    """The page as Markdown, from the result of :func:`backend.bench.measure` and a demo's report."""
    median = engine["median_ms"]
    facts = {**engine["photo"], **engine, "load": engine["load_average"]}
    rows = [(words, median[name]) for name, words in STAGES.items() if name in median]
    rows += [
        ("**the whole import**", median["import_total"]),
        ("processor time of it, all threads together", median["import_cpu"]),
        ("the very first import of a new backend", engine["first_import_ms"]),
        ("one still at the photo's size: render", median["still_render"]),
        ("one still at the photo's size: refinement", median["still_refine"]),
        (f"rasteriser, {engine['rasterizer']['triangles']} triangles", engine["rasterizer"]["torch_ms"]),
    ]
    parts = [HEAD, made, IMPORT.format(**facts), *_lines(rows)]
    if demo is not None:
        facts = {**demo["photo"], **demo, "load": demo["load_average"]}
        times = [(words, demo["blender_ms"][name]) for name, words in IN_BLENDER.items()]
        parts += [BLENDER.format(**facts), *_lines(times)]
    return "".join([*parts, BARS, *_bars(engine, demo)])


def _lines(rows: list[tuple[str, float]]) -> list[str]:
    return [f"| {words} | {value:,.0f} |\n" for words, value in rows]


def _bars(engine: Mapping[str, Any], demo: Mapping[str, Any] | None) -> list[str]:
    median, busy = engine["median_ms"], _busy(engine, engine)
    lines = [
        _bar("import of one megapixel, warm", IMPORT_MS, median["import_total"], "ms", busy=busy),
        _bar("rasteriser at 256 x 256", RASTER_MS, engine["rasterizer"]["torch_ms"], "ms", busy=busy),
    ]
    if engine["peak_memory_mb"] is not None:
        lines.append(_bar("memory at its peak", MEMORY_MIB, engine["peak_memory_mb"], "MiB", busy=False))
    if demo is not None:
        times, busy = demo["blender_ms"], _busy(demo, engine)
        lines.append(_bar("building the objects", BUILD_MS, times["build_head"], "ms", busy=busy))
        lines.append(_bar("*Render New Pose*", STILL_MS, times["render_new_pose"], "ms", busy=busy))
    return lines


def _busy(run: Mapping[str, Any], engine: Mapping[str, Any]) -> bool:
    """Whether other programs took so much of the processor that a time that is too long proves nothing."""
    return (run["load_average"] or 0.0) > engine["threads"] + 1


def _bar(what: str, asked: float, measured: float, unit: str, *, busy: bool) -> str:
    missed = "**not shown**: the computer was busy" if busy else "**not reached**"
    verdict = "reached" if measured <= asked else missed
    return f"| {what} | <= {asked:,.0f} {unit} | {measured:,.0f} {unit} | {verdict} |\n"


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m tools.speed")
    parser.add_argument("--runs", type=int, default=10, help="warm imports (default: 10)")
    parser.add_argument("--demo", type=Path, default=ROOT / "out" / "demo" / "report.json", metavar="FILE")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "speed.md", metavar="FILE")
    options = parser.parse_args()
    engine = bench.measure(bench.sample_photo(), "astronaut", options.runs)
    demo = json.loads(options.demo.read_text(encoding="utf-8")) if options.demo.is_file() else None
    write_file(options.out, page(made_words(), engine, demo).encode())


if __name__ == "__main__":
    main()
