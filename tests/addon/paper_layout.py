"""A layout of Blender's that is only written down."""

from __future__ import annotations

import bpy


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
