"""Says in plain words where a fitted head may be wrong, and what an artist can do about it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from .fit import HeadFit
from .head_parse import BODY, GLASSES, HAIR, HEADWEAR
from .light import LightEstimate
from .morphable import MorphableModel

IDENTITY, EXPRESSION, ALBEDO = "identity", "expression", "albedo"
"""Groups of coefficients, by which a result says how far from the usual it is."""
USUAL_WEIGHT = 0.2
"""Root mean square of ARKit's weights of a lively face; statistical components have spread one."""

SURPRISE = 2.5
"""Root mean square of identity coefficients from which a head hardly exists; 0.15 to 1.2 was seen."""
ODD_SKIN = 2.0
"""The same for albedo; 0.2 to 1 was seen."""
DISAGREEMENT_DEG = 15.0
"""Between the landmarks' pose and the network's, which usually lie 4 degrees apart."""
LANDMARKS_OFF_MM = 5.0
"""Usual distance of landmarks from the fitted head: 1 to 2.5 mm."""
GUESSED_LIGHT = 0.45
"""Confidence below which light and albedo cannot be told apart: 0.56 to 0.86 on portraits with glasses,
beards and hard light."""
CLOSED, WIDE_OPEN = 0.5, 0.55
"""Of ARKit's scores for lids and jaw; smiling people with open eyes have at most 0.2 and 0.15."""
HIDDEN, GLAZED = 0.12, 0.02
"""Shares of the face's pixels that something else may cover."""
LIKELY, HANDED = 0.3, 0.06
"""From which the normal network's word for a hand counts, and the share of the face's pixels with that: it
finds half of one. At most 0.04 on 29 portraits, and more than 0.06 on 14 of them behind pasted fingers."""
MOSTLY_HIDDEN = 0.5
"""Share from which hair leaves too little of a face to tell its shape by."""
LOPSIDED_MM = 60.0
"""A head reaches so much farther beyond the skull on one side than on the other only if it is not one head:
at most 27 mm on eleven portraits with all kinds of hair."""


def surprise(model: MorphableModel, fit: HeadFit, estimate: LightEstimate | None) -> dict[str, float]:
    """How far from the middle of people each group of coefficients is, root mean square in spreads.

    1 is usual, 3 hardly exists. Without a light estimate nothing is said of the albedo.
    """
    usual = np.where(model.expression_bounds[0] < 0, 1.0, USUAL_WEIGHT)
    found = {IDENTITY: fit.surprise, EXPRESSION: _size(fit.expression / usual)}
    return found if estimate is None else {**found, ALBEDO: _size(estimate.albedo)}


def doubts_about_fit(fit: HeadFit) -> list[str]:
    """Warnings about a fit whose witnesses disagree, or that is unlike what is known of faces."""
    warnings = []
    if fit.disagreement_deg > DISAGREEMENT_DEG or fit.rms_mm > LANDMARKS_OFF_MM:
        warnings.append("The face is hard to read: check the head's pose and expression against the photo.")
    if fit.surprise > SURPRISE:
        warnings.append(
            "The shape of this face is very unusual: something may cover it, or the photo may be distorted."
        )
    return warnings


def doubts_about_expression(scores: Mapping[str, float]) -> list[str]:
    """Warnings where ARKit's ``scores`` in [0,1] tell of a face that hides what a neutral one needs."""
    warnings = []
    if min(scores.get("eyeBlinkLeft", 0.0), scores.get("eyeBlinkRight", 0.0)) > CLOSED:
        warnings.append("The eyes are closed, so their colour is guessed: a photo with open eyes shows it.")
    if scores.get("jawOpen", 0.0) > WIDE_OPEN:
        warnings.append(
            "The mouth is wide open, so lips and cheeks at rest are guessed: a calmer photo shows them."
        )
    return warnings


def doubts_about_cover(
    labels: NDArray[np.uint8], face: NDArray[np.bool_], covered: NDArray[np.float32] | None = None
) -> list[str]:
    """Warnings about what lies before a face.

    Args:
        labels: (S,S) classes of the working crop.
        face: (S,S) where the fitted head says that the face is.
        covered: (S,S) how likely something that belongs to no head lies there, in [0,1].
    """
    within = labels[face]

    def share(*classes: int) -> float:
        return float(np.isin(within, classes).mean()) if within.size else 0.0

    warnings = []
    if share(GLASSES) > GLAZED:
        warnings.append("The glasses will be painted onto the face: a photo without them gives clean skin.")
    if share(HAIR) > MOSTLY_HIDDEN:
        warnings.append(
            "Hair hides most of the face, which is guessed: a photo with the hair out of the face shows it."
        )
    elif share(HAIR, HEADWEAR) > HIDDEN:
        warnings.append(
            "Hair or a hat hides part of the face, which is guessed: a photo with a free forehead shows it."
        )
    # A hand is skin to the classes.
    hand = 0.0 if covered is None or not within.size else float((covered[face] > LIKELY).mean())
    if share(BODY) > HIDDEN or hand > HANDED:
        warnings.append(
            "Something lies before the face, a hand perhaps; what it hides is guessed. Use another photo, or "
            "retouch the face's texture there."
        )
    return warnings


def doubts_about_outline(matte: NDArray[np.floating], skull: NDArray[np.bool_], pitch_mm: float) -> list[str]:
    """Warnings about a head with which something else has grown together.

    Args:
        matte: (S,S) share of the head in each pixel of the working crop.
        skull: (S,S) where the fitted head says that its skull is.
        pitch_mm: size of a pixel there.
    """
    head = matte > 0.5
    reach = [_reach(head, skull), _reach(head[:, ::-1], skull[:, ::-1])]
    if abs(reach[0] - reach[1]) * pitch_mm <= LOPSIDED_MM:
        return []
    return [
        "Something beside the head looks like a part of it, another head perhaps: crop the photo, or paint "
        "it over there."
    ]


def _reach(head: NDArray[np.bool_], skull: NDArray[np.bool_]) -> int:
    """Pixels by which a head reaches to the left beyond its skull, at most, in the rows of both."""
    rows = head.any(1) & skull.any(1)
    return int((skull[rows].argmax(1) - head[rows].argmax(1)).max(initial=0))


def doubts_about_light(estimate: LightEstimate | None) -> list[str]:
    """Warnings about light and skin that could not be told apart."""
    if estimate is None:
        return []
    if estimate.confidence < GUESSED_LIGHT:
        return [
            "The light on this face is a guess: too little evenly lit skin is in sight. The look De-lit may "
            "be blotchy; the look Photo shows the face as it is."
        ]
    if _size(estimate.albedo) > ODD_SKIN:
        return [
            "The skin's own colour is uncertain, as under coloured light or paint: check the look De-lit, "
            "or keep the look Photo."
        ]
    return []


def _size(values: NDArray[np.floating]) -> float:
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64)))) if values.size else 0.0
