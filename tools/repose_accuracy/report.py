"""Writes docs/repose.md: what was measured, beside what was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from backend.evaluate.identity import YAWS_DEG

from .holes import INPAINTED, Holes
from .measure import ABLATIONS_YAW_DEG, Curve, Record
from .rows import Row
from .timing import StillTime

NEAR, FAR = 0.34, 0.50
"""L2 distance of dlib's embeddings between two photographs of one person: median, and 95 %."""
NEAR_DEG = 20.0
HOLES = 0.30
FLICKER = 1.5
ROUND_TRIP_DB = 38.0
STILL_MS = 2500.0

HEAD = """# Render New Pose, measured

Made by `python -m tools.repose_accuracy`; do not edit by hand.

"""
SHEET = """
![Portraits turned by -30, -15, 0, 15 and 30 degrees](images/repose.jpg)

Stills as they come, at -30, -15, 0, 15 and 30 degrees from the photo's pose; the middle one of each five is
the photo's own. The portraits are works of the US government in the public domain.

## Likeness while turning

Portraits that no network was trained on (the parsing network's test set, which every training refuses),
turned farther away from the camera. Figures are L2 distances between dlib's embeddings of photo and still:
{near:g} is the median between two photographs of one person, {far:g} the 95th percentile. Mean, and in
brackets the median and the largest. *Way back* is the head at the photo's own pose against the photo. The
first row is what ships.

| | portraits | refused | {yaws} | way back |
| --- | --- | --- | {dashes} | --- |
"""
INVENTED = """
Share of the head that the photo did not show well enough, so that it was made up:

| | {yaws} |
| --- | {dashes} |
"""
HOLES_WORDS = """
## Holes

What a new pose would not see is taken out of test portraits and filled again, so that the truth is known:
colour is the mean distance in the holes, 0 to 255, features the distance of VGG-16's over the picture (eq. 13
of the paper). All are told the same: a pixel is known or it is missing. (Until 22 November 2026 all but
cv2.inpaint saw the colours of stretched pixels, too, which made push-pull look 28% better than it.) In the
product a hole shows the head's own texture first, mirrored or led on from its
surroundings; a single photo holds no truth for that.

| | colour | features | better than cv2.inpaint |
| --- | --- | --- | --- |
"""
ABLATIONS_WORDS = """
## What each loss is worth

Networks that differ in one thing, from one seed over the same {steps} steps of four windows of 128 pixels:
**a small part of a training** (the experiment `cpu` has 3,000 steps, `light` 60,000). They tell which way a
loss pulls, not where it ends. *Likeness* is the distance of embeddings at {yaw:g}°, the mean of the portraits
above.

| | colour | features | better than cv2.inpaint | likeness |
| --- | --- | --- | --- | --- |
"""
TURNS = """
## A slow turn

Sixty frames, a degree each. Vertices that the photo saw well and that no frame hides are followed: *shimmer*
is how far a colour is from the middle of those one frame before and after, *frame to frame* how far from the
one before. Grey values, 0 to 255.

| | portraits | shimmer | frame to frame |
| --- | --- | --- | --- |
"""
TIMES = """
## Time

One still of 512 x 512 pixels with one thread, a head turned by 25 degrees, medians of five warm runs in ms.
The render is the backend's own; in Blender, Blender renders. On a busy computer trust processor time.

| | render, wall | processor | refinement, wall | processor |
| --- | --- | --- | --- | --- |
"""
BARS = """
## What was asked for

| | asked | measured | |
| --- | --- | --- | --- |
"""


@dataclass(frozen=True)
class Report:
    """Everything that the page says."""

    made: str
    """Date, commit, versions and machine."""
    curves: Mapping[Row, Curve]
    """The first row is the one that ships."""
    turns: Mapping[str, Record]
    holes: Holes
    times: Mapping[Row, StillTime]
    ablations: Mapping[Row, float] = field(default_factory=dict)
    """Likeness at ABLATIONS_YAW_DEG; their holes are among the others."""
    steps: int = 0
    """Of each ablation."""


def page(report: Report) -> str:
    """The page as Markdown."""
    columns = {
        "yaws": " | ".join(f"{yaw:g}°" for yaw in YAWS_DEG),
        "dashes": " | ".join("---" for _ in YAWS_DEG),
    }
    parts = [HEAD, report.made, SHEET.format(near=NEAR, far=FAR, **columns), *_curve_lines(report.curves)]
    parts += [INVENTED.format(**columns), *_invented_lines(report.curves)]
    if report.holes:
        short = {row.name for row in report.ablations}
        parts += [HOLES_WORDS, *_hole_lines({n: of for n, of in report.holes.items() if n not in short})]
    if report.ablations:
        parts += [ABLATIONS_WORDS.format(steps=report.steps, yaw=ABLATIONS_YAW_DEG)]
        parts += _ablation_lines(report)
    parts += [TURNS, *_turn_lines(report)]
    parts += [TIMES, *_time_lines(report.times)]
    return "".join([*parts, BARS, *_bars(report)])


def _curve_lines(curves: Mapping[Row, Curve]) -> list[str]:
    lines = []
    for row, curve in curves.items():
        cells = (f"{np.mean(of):.3f} ({np.median(of):.3f}, {max(of):.3f})" for of in curve.distance.values())
        start = f"| {row.name} | {curve.portraits} | {curve.refused} "
        lines.append(f"{start}| {' | '.join(cells)} | {curve.psnr_db:.1f} dB |\n")
    return lines


def _invented_lines(curves: Mapping[Row, Curve]) -> list[str]:
    return [
        f"| {row.name} | {' | '.join(f'{share:.0%}' for share in curve.invented.values())} |\n"
        for row, curve in curves.items()
    ]


def _hole_lines(holes: Holes) -> list[str]:
    lines = []
    for name, of in holes.items():
        shares = ", ".join(f"{share:.0%}" for share in better(holes, name))
        lines.append(f"| {name} | {of['colour']:.2f} | {of['features']:.3f} | {shares} |\n")
    return lines


def _ablation_lines(report: Report) -> list[str]:
    lines = []
    for row, likeness in report.ablations.items():
        of, shares = report.holes[row.name], better(report.holes, row.name)
        words = ", ".join(f"{share:.1%}" for share in shares)
        lines.append(
            f"| {row.name} | {of['colour']:.2f} | {of['features']:.4f} | {words} | {likeness:.4f} |\n"
        )
    return lines


def better(holes: Holes, name: str) -> tuple[float, float]:
    """Shares by which colour and features are better than those of cv2.inpaint."""
    ours, theirs = holes[name], holes[INPAINTED]
    return 1 - ours["colour"] / theirs["colour"], 1 - ours["features"] / theirs["features"]


def _turned(report: Report, row: Row, name: str) -> list[float]:
    found = (record.get("rows", {}).get(row.name) for record in report.turns.values())
    return [of[name] for of in found if of is not None]


def _turn_lines(report: Report) -> list[str]:
    lines = []
    for row in report.curves:
        shimmers, jumps = _turned(report, row, "shimmer"), _turned(report, row, "jump")
        if shimmers:
            lines.append(f"| {row.name} | {len(jumps)} | {np.mean(shimmers):.2f} | {np.mean(jumps):.2f} |\n")
    return lines


def _time_lines(times: Mapping[Row, StillTime]) -> list[str]:
    return [
        f"| {row.name} | {of.render_wall_ms:.0f} | {of.render_cpu_ms:.0f} "
        f"| {of.refine_wall_ms:.0f} | {of.refine_cpu_ms:.0f} |\n"
        for row, of in times.items()
    ]


def _bars(report: Report) -> list[str]:
    row, curve = next(iter(report.curves.items()))
    lines = []
    for yaw, distances in curve.distance.items():
        asked, mean = NEAR if yaw <= NEAR_DEG else FAR, float(np.mean(distances))
        lines.append(_bar(f"identity at {yaw:g}°", f"<= {asked:.2f}", f"{mean:.3f}", mean <= asked))
    for name in report.holes:
        if name != INPAINTED and name not in {row.name for row in report.ablations}:
            shares = better(report.holes, name)
            words = ", ".join(f"{share:.0%}" for share in shares)
            what = f"holes under cv2.inpaint, colour and features, {name}"
            lines.append(_bar(what, f">= {HOLES:.0%}", words, min(shares) >= HOLES))
    jumps = _turned(report, row, "jump")
    if jumps:
        mean = float(np.mean(jumps))
        lines.append(_bar("frame to frame, 60 frames", f"<= {FLICKER:g}", f"{mean:.2f}", mean <= FLICKER))
    lines.append(
        _bar(
            "way back to the photo",
            f">= {ROUND_TRIP_DB:g} dB",
            f"{curve.psnr_db:.1f} dB",
            curve.psnr_db >= ROUND_TRIP_DB,
        )
    )
    time = report.times[row]
    spent = time.render_cpu_ms + time.refine_cpu_ms
    words = "a still of 512 pixels, two CPU cores (processor time of one alone)"
    lines.append(_bar(words, f"<= {STILL_MS:.0f} ms", f"{spent:.0f} ms", spent <= STILL_MS))
    return lines


def _bar(what: str, asked: str, measured: str, reached: bool) -> str:
    return f"| {what} | {asked} | {measured} | {'reached' if reached else '**not reached**'} |\n"
