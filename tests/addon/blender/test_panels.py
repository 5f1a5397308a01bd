"""Panels name only what exists. (How they look needs a window; what they say does not.)"""

from __future__ import annotations

from types import SimpleNamespace

import bpy
import pytest


class Layout:
    """Stands in for Blender's layout: takes down what is drawn, refuses what Blender would draw red."""

    def __init__(self, drawn: list[tuple[str, bool]]) -> None:
        self.drawn = drawn
        self.enabled = True

    def prop(self, data, name: str, **_) -> None:
        assert name in data.bl_rna.properties, name
        self.drawn.append((f"{data.name} {name}" if isinstance(data, bpy.types.ShapeKey) else name, True))

    def prop_enum(self, data, name: str, value: str) -> None:
        assert value in data.bl_rna.properties[name].enum_items
        self.drawn.append((value, self.enabled))

    def operator(self, name: str, **_) -> None:
        module, _, function = name.partition(".")
        getattr(getattr(bpy.ops, module), function).get_rna_type()
        self.drawn.append((name, True))

    def label(self, **_) -> None:
        """Words alone."""

    def progress(self, *, factor: float, text: str) -> None:
        assert 0 <= factor <= 1
        self.drawn.append((text, True))

    def panel(self, _name: str, *, default_closed: bool):
        assert default_closed
        return Layout(self.drawn), None

    def row(self, **_) -> Layout:
        return Layout(self.drawn)

    column = box = row


@pytest.fixture
def draw(addon):
    """What a panel of the tab draws for the scene as it is: names, and whether they can be chosen."""

    def drawn(name: str) -> list[tuple[str, bool]]:
        found: list[tuple[str, bool]] = []
        panel = getattr(addon("panels"), f"LIKENESS_PT_{name}")
        panel.draw(SimpleNamespace(layout=Layout(found)), bpy.context)
        return found

    return drawn


def test_every_panel_draws_what_exists(draw, head):
    names = {name for panel in ("main", "pose", "render", "export") for name, _ in draw(panel)}
    assert {"likeness.import_photo", "likeness.copy_from_photo", "likeness.render_new_pose"} <= names


def test_the_gauge_shows_what_was_measured(addon, draw, head):
    gauge = addon("pose_gauge")
    gauge.reading.share = None
    assert not [text for text, _ in draw("pose") if "Photo" in text]
    gauge.update()
    (text,) = [text for text, _ in draw("pose") if "Photo" in text]
    assert text.startswith("Good: ")
    bpy.ops.likeness.turn_head(yaw=3.0)
    gauge.update()
    (text,) = [text for text, _ in draw("pose") if "Photo" in text]
    assert text.startswith("Mostly Invented: ")


def test_ten_components_are_in_sight(draw, head):
    assert draw("shape") == [
        ("likeness.reset_shape", True),
        *((f"Identity {number:02d} value", True) for number in range(1, 11)),
    ]
    assert len(draw("expression")) == 1 + 52


def test_de_lit_is_grey_where_there_is_no_such_skin(addon, draw, head):
    assert [item for item in draw("render") if item[0] in ("PHOTO", "LIT", "DELIT")] == [
        ("PHOTO", True),
        ("LIT", True),
        ("DELIT", False),
    ]
    properties = addon("properties").likeness(head)
    properties.delit = properties.photo
    properties.look = "DELIT"
    assert ("DELIT", True) in draw("render")
    assert ("likeness.add_light", True) in draw("render")
