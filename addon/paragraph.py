"""A paragraph as a column of labels, which Blender does not wrap."""

from __future__ import annotations

import textwrap

import bpy

USUAL_PX = 292
"""Width of a sidebar that nobody has changed."""
EDGES_PX = 60
"""Tabs, margins, a box and an icon beside the words."""
LETTER_PX = 6.8
"""Mean width of a letter of the interface's font; 34 fit into the usual sidebar."""
FEWEST, MOST = 12, 80
"""Letters of a line: a long word in a narrow sidebar, and what is easy to read in wide preferences."""


def lines(text: str, width_px: float) -> list[str]:
    """Words broken for a region of this width at an interface scale of 1."""
    fitting = int((width_px - EDGES_PX) / LETTER_PX)
    return textwrap.wrap(text, min(max(fitting, FEWEST), MOST))


def draw_paragraph(layout: bpy.types.UILayout, text: str, icon: str = "NONE") -> None:
    """The text as labels, as wide as the region that is drawn, the icon before the first."""
    region = bpy.context.region
    width_px = region.width / bpy.context.preferences.system.ui_scale if region is not None else USUAL_PX
    column = layout.column(align=True)
    for number, line in enumerate(lines(text, width_px)):
        column.label(text=line, icon=icon if number == 0 else ("BLANK1" if icon != "NONE" else "NONE"))
