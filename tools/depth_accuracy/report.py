"""Writes docs/depth.md: what was measured, beside what was asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from .measure import ORDER_MM, Score
from .rows import FACE, PRIOR, Row
from .timing import NetworkTime

UNDER_PRIOR, UNDER_BLIND = 0.40, 0.25
"""By such shares the network's non-face error must lie under the prior's, and its own without d_f."""
FACE_SHARE = 0.05
IN_ORDER = 0.99
CPU_MS = 120.0

HEAD = """# The depth of hair and ears

Made by `python -m tools.depth_accuracy`; do not edit by hand.

"""
MEASURE = """
Distances are those of Table 1 of the paper as [evaluation.md](evaluation.md) says: from true points to the
nearest point of the predicted surface, in mm, after an alignment that sees the face alone. The heads are
synthetic, with hair that no network has seen in training (`python -m train.synth --hair new`). *In order* is
the share of pixels, of all heads together, where hair lies at most {order:g} mm behind the face that it
covers.
"""
TOLD = """
## The depth stage alone

Told the true classes and the true bare head, so that nothing but depth can be wrong. Each network answers for
the whole head, as in the paper; the last line is that answer as the product joins it to the face.

"""
PRODUCT = """
## The whole product

From the photo alone, told only the focal length.

"""
COLUMNS = """| | heads | missed | face mm | non-face mm | median | coverage | in order |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""
TIMES = """
## Time

One head on the CPU, medians of ten warm runs, at the side that each network is asked at. Processor time is
that of all threads together, in which waiting threads count, too: a busy computer lengthens it, but not that
of one thread.

| | pixels | threads | wall ms | processor ms |
| --- | --- | --- | --- | --- |
"""
BARS = """
## What was asked for

| | asked | measured | |
| --- | --- | --- | --- |
"""

Table = Mapping[Row, Score]


@dataclass(frozen=True)
class Report:
    """Everything that the page says."""

    made: str
    """Date, commit, versions and machine."""
    told: Table
    product: Table
    """Empty where it was not asked."""
    times: Mapping[str, list[NetworkTime]]
    """By the run's name."""


def page(report: Report) -> str:
    """The page as Markdown."""
    parts = [HEAD, report.made, MEASURE.format(order=ORDER_MM), TOLD, COLUMNS, *_lines(report.told)]
    if report.product:
        parts += [PRODUCT, COLUMNS, *_lines(report.product)]
    if report.times:
        parts += [TIMES, *_time_lines(report.times)]
    return "".join([*parts, BARS, *_bars(report)])


def _lines(table: Table) -> list[str]:
    return [
        f"| {row.words} | {score.heads} | {score.missed} | {_mm(score.face_mm)} | {_mm(score.non_face_mm)} "
        f"| {_mm(score.non_face_median_mm)} | {_share(score.coverage)} | {_share(score.in_order, 1)} |\n"
        for row, score in table.items()
    ]


def _time_lines(times: Mapping[str, list[NetworkTime]]) -> list[str]:
    return [
        f"| {name} | {time.side} | {time.threads} | {time.wall_ms:.0f} | {time.cpu_ms:.0f} |\n"
        for name, both in times.items()
        for time in both
    ]


def _bars(report: Report) -> list[str]:
    """The first run is the one that ships; a run that never saw d_f is its ablation."""
    told = {row.key: (row, score) for row, score in report.told.items()}
    runs = [(row, score) for row, score in report.told.items() if row.run is not None]
    if not runs:
        return ["| the depth network | | no network yet | **not reached** |\n"]
    ours = runs[0][1]
    blind = [score for row, score in runs if not row.sees_face]
    lines = [_under("non-face error under the geometric prior", UNDER_PRIOR, ours, told[PRIOR][1])]
    if blind:
        lines.append(_under("non-face error under the network without d_f", UNDER_BLIND, ours, blind[0]))
    else:
        lines.append(
            f"| non-face error under the network without d_f | >= {UNDER_BLIND:.0%} | no such run | |\n"
        )
    joined = [score for row, score in runs if row.joined]
    for words, score in (("its own answer", ours), *(("joined to the face", score) for score in joined)):
        reached = score.in_order >= IN_ORDER
        lines.append(_bar(f"hair in order, {words}", f">= {IN_ORDER:.0%}", f"{score.in_order:.1%}", reached))
    lines += _face_bar(report.product)
    first = next(iter(report.times.values()), [])
    for time in first[:1]:
        words = f"two CPU cores, asked at 256 pixels, used at {time.side} (processor time of one alone)"
        lines.append(_bar(words, f"<= {CPU_MS:.0f} ms", f"{time.cpu_ms:.0f} ms", time.cpu_ms <= CPU_MS))
    return lines


def _face_bar(product: Table) -> list[str]:
    face = [score.face_mm for row, score in product.items() if row.key == FACE]
    ours = [score.face_mm for row, score in product.items() if row.run is not None]
    if not face or not ours:
        return []
    more = ours[0] / face[0] - 1
    words = "face error over the face mesh alone, whole product"
    return [_bar(words, f"<= {FACE_SHARE:.0%}", f"{more:+.1%}", more <= FACE_SHARE)]


def _under(what: str, asked: float, ours: Score, theirs: Score) -> str:
    share = 1 - ours.non_face_mm / theirs.non_face_mm
    return _bar(what, f">= {asked:.0%}", f"{share:.1%}", share >= asked)


def _bar(what: str, asked: str, measured: str, reached: bool) -> str:
    return f"| {what} | {asked} | {measured} | {'reached' if reached else '**not reached**'} |\n"


def _mm(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.2f}"


def _share(value: float, digits: int = 0) -> str:
    return "–" if math.isnan(value) else f"{value:.{digits}%}"
