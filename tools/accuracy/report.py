"""Writes docs/accuracy.md: what was measured, beside what was asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .measure import Shape

BETTER_SHARE = 0.25
"""By so much the product's face error must lie under both baselines."""
POSE_DEG = 2.5
CPU_MS = 60.0

HEAD = """# Accuracy

Made by `python -m tools.accuracy`; do not edit by hand.

"""
FACES = """## Shape and pose

Rendered faces of ICT-FaceKit, a shape space that nothing here was trained or tuned on
(`python -m tools.ict_faces`), scored as [evaluation.md](evaluation.md) says; every row is told the true focal
length. *Pose* is the mean absolute error of yaw, pitch and roll. The floor is the shipped head fitted to the
true surface itself: what its components cannot show, and how far the two models disagree about where an angle
is zero.

| | faces | missed | face mm | median | non-face | pose ° | yaw ° | pitch ° | roll ° | pitch, mean ° |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""
IDENTITY = """
## Identity

dlib's face recogniser on portraits: cosine (and L2 distance) between the photo and the head turned further
from the camera. Two photos of one person lie about 0.34 apart. *photo*: the photo's own pixels on the
reconstruction. *model*: the morphable head alone, in its own colours and the light that explains the photo.

| | look | portraits | missed | 0° | 15° | 30° | 45° |
| --- | --- | --- | --- | --- | --- | --- | --- |
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
    shapes: Mapping[str, tuple[str, Shape]]
    """By row's key: its words and figures."""
    identity: Mapping[tuple[str, str], tuple[str, Mapping[str, Any]]]
    """By row's key and look: the row's words and its curve."""
    times: str
    network_ms: float | None
    """Median of the face network on this CPU; None while there is none."""


def page(report: Report) -> str:
    """The page as Markdown."""
    faces = "".join(_shape_line(words, shape) for words, shape in report.shapes.values())
    known = "".join(
        _identity_line(words, look, curve) for (_, look), (words, curve) in report.identity.items()
    )
    parts = [HEAD, report.made, "\n", FACES, faces]
    parts += [IDENTITY, known] if known else []
    parts += ["\n## Time\n\n", report.times, "\n", BARS, *_bars(report)]
    return "".join(parts)


def _shape_line(words: str, shape: Shape) -> str:
    beside = "–" if math.isnan(shape.non_face_mm) else f"{shape.non_face_mm:.2f}"
    face = f"{shape.mean_mm:.2f} | {shape.median_mm:.2f}"
    angles = " | ".join(f"{angle:.2f}" for angle in shape.angles_deg)
    return (
        f"| {words} | {shape.faces} | {shape.missed} | {face} | {beside} "
        f"| {shape.pose_deg:.2f} | {angles} | {shape.offset_deg[1]:+.2f} |\n"
    )


def _identity_line(words: str, look: str, curve: Mapping[str, Any]) -> str:
    cells = [f"{at['similarity']:.3f} ({at['distance']:.2f})" for at in curve["curve"].values()]
    return f"| {words} | {look} | {curve['n']} | {curve['missed']} | {' | '.join(cells)} |\n"


def _bars(report: Report) -> list[str]:
    product = report.shapes["product"][1]
    lines = []
    for key in ("landmarks", "mean"):
        words, other = report.shapes[key]
        share = 1 - product.mean_mm / other.mean_mm
        lines.append(
            _bar(
                f"face error under the {words}",
                f">= {BETTER_SHARE:.0%}",
                f"{share:.0%}",
                share >= BETTER_SHARE,
            )
        )
    lines.append(
        _bar("pose error", f"<= {POSE_DEG}°", f"{product.pose_deg:.2f}°", product.pose_deg <= POSE_DEG)
    )
    ours = report.identity.get(("product", "model"))
    theirs = report.identity.get(("landmarks", "model"))
    if ours and theirs and ours[1]["curve"] and theirs[1]["curve"]:
        gain = ours[1]["curve"]["0"]["similarity"] - theirs[1]["curve"]["0"]["similarity"]
        lines.append(_bar("embedding over the landmark fit (model, 0°)", "> 0", f"{gain:+.3f}", gain > 0))
    if report.network_ms is None:
        lines.append("| face network on the CPU | <= 60 ms | no network yet | not reached |\n")
    else:
        reached = report.network_ms <= CPU_MS
        lines.append(
            _bar("face network on the CPU", f"<= {CPU_MS:.0f} ms", f"{report.network_ms:.0f} ms", reached)
        )
    return lines


def _bar(what: str, asked: str, measured: str, reached: bool) -> str:
    return f"| {what} | {asked} | {measured} | {'reached' if reached else '**not reached**'} |\n"
