"""One picture that tells everything: the photo on the left, the head at several angles beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Pixels = NDArray[np.uint8]

PAPER, INK, FAINT = (255, 255, 255), (34, 34, 38), (132, 132, 140)
MARGIN, GAP, HEADING = 72, 12, 44
"""Pixels: around everything, between tiles, above the first row and left of every row."""
BASELINE = 16
"""Pixels between a label and its tiles."""
CAPTION = 34
"""Pixels between the photo and its words."""
TITLE_SIZE, LABEL_SIZE, NOTE_SIZE = 54, 22, 20
LINE = 1.45
"""Height of a line of notes, relative to its letters."""


@dataclass(frozen=True)
class Row:
    """Pictures of one kind, one for each column."""

    label: str
    tiles: Sequence[Pixels]
    """(S,S,3) sRGB each."""


def contact_sheet(
    photo: Pixels, columns: Sequence[str], rows: Sequence[Row], title: str, notes: Sequence[str]
) -> Pixels:
    """Compose the sheet (H,W,3).

    Args:
        photo: (S,S,3) sRGB, of the size of every tile.
        columns: a label for each column of the rows.
        rows: from top to bottom.
        title: above the photo, large.
        notes: lines below the photo, small.
    """
    size = photo.shape[0]
    left = MARGIN + size + MARGIN + HEADING
    width = left + len(columns) * (size + GAP) - GAP + MARGIN
    height = MARGIN + HEADING + len(rows) * (size + GAP) - GAP + MARGIN
    sheet = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    for column, label in enumerate(columns):
        centre = left + column * (size + GAP) + size // 2
        draw.text((centre, MARGIN + HEADING - BASELINE), label, FAINT, _font(LABEL_SIZE), anchor="ms")
    for number, row in enumerate(rows):
        top = MARGIN + HEADING + number * (size + GAP)
        for column, tile in enumerate(row.tiles):
            sheet.paste(Image.fromarray(tile), (left + column * (size + GAP), top))
        _upright(sheet, row.label, left - HEADING, top, size)
    middle = MARGIN + HEADING + (height - 2 * MARGIN - HEADING - size) // 2
    sheet.paste(Image.fromarray(photo), (MARGIN, middle))
    draw.text((MARGIN, middle - CAPTION), title, INK, _font(TITLE_SIZE), anchor="ls")
    for number, note in enumerate(notes):
        at = (MARGIN, middle + size + CAPTION + round((number + 0.5) * LINE * NOTE_SIZE))
        draw.text(at, note, FAINT, _font(NOTE_SIZE), anchor="ls")
    return np.asarray(sheet)


def _upright(sheet: Image.Image, label: str, left: int, top: int, size: int) -> None:
    """A label that runs up along the left side of a row."""
    strip = Image.new("RGB", (size, HEADING), PAPER)
    ImageDraw.Draw(strip).text((size // 2, HEADING - BASELINE), label, FAINT, _font(LABEL_SIZE), anchor="ms")
    sheet.paste(strip.transpose(Image.Transpose.ROTATE_90), (left, top))


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The typeface that comes with Pillow, so that the sheet looks the same everywhere."""
    return ImageFont.load_default(size)
