"""Names and colours of the classes in corrections and pictures."""

from __future__ import annotations

from backend import head_parse as parts

UNSURE = 255
"""Pixels that nobody can decide; they are not scored."""

CODES = {
    "background": parts.BACKGROUND,
    "face": parts.FACE,
    "hair": parts.HAIR,
    "ear": parts.EAR,
    "body": parts.BODY,
    "scalp": parts.OTHER_HEAD,
    "headwear": parts.HEADWEAR,
    "glasses": parts.GLASSES,
    "unsure": UNSURE,
}

COLOURS = {
    parts.BACKGROUND: (90, 90, 90),
    parts.FACE: (255, 160, 60),
    parts.HAIR: (255, 0, 160),
    parts.EAR: (0, 255, 60),
    parts.BODY: (0, 170, 255),
    parts.OTHER_HEAD: (255, 255, 0),
    parts.HEADWEAR: (160, 60, 255),
    parts.GLASSES: (0, 255, 255),
    UNSURE: (255, 255, 255),
}
"""RGB, far from the colours of photographs."""
