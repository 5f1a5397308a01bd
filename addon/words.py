"""Words at run time in the artist's language. Blender translates labels and tooltips by itself."""

from __future__ import annotations

from bpy.app.translations import pgettext_iface, pgettext_rpt

CONTEXT = "Likeness"
"""For words that mean something else elsewhere in Blender: a face is a polygon there."""


def label_text(words: str, **values: object) -> str:
    """Words for a label, with what is filled in."""
    return _filled(pgettext_iface(words), values)


def report_text(words: str, **values: object) -> str:
    """Words of a message, with what is filled in."""
    return _filled(pgettext_rpt(words), values)


def _filled(words: str, values: dict[str, object]) -> str:
    """Words without values come from elsewhere, and may hold braces of their own."""
    return words.format(**values) if values else words
