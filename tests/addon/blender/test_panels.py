"""Panels name only what exists. (How they look needs a window; what they say does not.)"""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import bpy
import pytest
from paper_layout import Layout


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


def test_every_step_is_in_a_menu_and_so_found_by_search(addon):
    """Who works with the keyboard presses F3. What the panels offer for heads is all there."""
    menus = addon("menus")
    drawn: list[tuple[str, bool]] = []
    menus.LIKENESS_MT_head.draw(SimpleNamespace(layout=Layout(drawn)), bpy.context)
    assert [name for name, _ in drawn] == [f"likeness.{step}" for step in menus.STEPS]
    assert menus._draw_object in bpy.types.VIEW3D_MT_object._dyn_ui_initialize()


def test_what_the_panels_of_a_head_offer_is_in_the_menu(addon, draw, head):
    offered = {
        name for panel in ("pose", "expression", "shape", "render", "export") for name, _ in draw(panel)
    }
    steps = {f"likeness.{step}" for step in addon("menus").STEPS}
    assert {name for name in offered if name.startswith("likeness.")} <= steps


PANELS = ("main", "pose", "expression", "shape", "render", "export")


@pytest.fixture
def no_disk(monkeypatch):
    """A disk that must not be asked for anything."""

    def refuse(*what, **_):
        raise AssertionError(f"drawing asked the disk for {what}")

    for name in ("stat", "lstat", "listdir", "scandir", "open"):
        monkeypatch.setattr(os, name, refuse)
    for name in ("stat", "exists", "is_file", "is_dir", "open", "read_bytes", "read_text", "iterdir", "glob"):
        monkeypatch.setattr(Path, name, refuse)
    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(AssertionError, match="drawing asked"):
        Path("x").is_file()


@pytest.mark.parametrize("kind", ["BUNDLED", "INTERPRETER", "REMOTE"])
def test_drawing_reads_no_disk(addon, draw, head, backend, kind, request):
    backend.kind = kind
    addon("preferences").look_again(bpy.context)
    found: list[tuple[str, bool]] = []
    page = SimpleNamespace(
        layout=Layout(found),
        **{name: getattr(backend, name) for name in ("kind", "wheels", "bl_rna")},
    )
    page._draw_setup = lambda: addon("preferences").LikenessPreferences._draw_setup(page)
    request.getfixturevalue("no_disk")
    for name in PANELS:
        draw(name)
    addon("preferences").LikenessPreferences.draw(page, bpy.context)
    assert ("kind", True) in found


def test_what_is_drawn_follows_the_disk(addon, draw, backend, tmp_path):
    """A glance is taken as soon as something was drawn, and not before."""
    session, watch = addon("session").session, addon("watch")
    session.stop_backend(wait=True)
    session.process = None
    backend.interpreter = str(tmp_path / "python")  # looks at once
    assert ("likeness.open_preferences", True) in draw("main")
    (tmp_path / "python").touch()
    assert ("likeness.open_preferences", True) in draw("main")
    watch._look_if_drawn()
    assert ("likeness.open_preferences", True) not in draw("main")
    watch._look_if_drawn()
    (tmp_path / "python").unlink()
    watch._look_if_drawn()
    assert session.glance.installed, "nothing was drawn, so nobody looked"


def test_before_the_first_glance_nothing_is_claimed(addon, draw):
    session = addon("session").session
    session.glance = None
    assert draw("main") == [("likeness.import_photo", True)]
    assert session.was_drawn


def test_lines_fit_the_sidebar(addon):
    lines, words = addon("paragraph").lines, "Likeness needs libraries that Blender does not bring"
    usual, narrow, wide = (lines(words, width_px) for width_px in (292, 160, 700))
    assert max(map(len, usual)) <= 34
    assert len(narrow) > len(usual) > len(wide) == 1
    assert all(" ".join(found) == words for found in (usual, narrow, wide))
