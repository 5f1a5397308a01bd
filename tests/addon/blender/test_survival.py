"""A head survives what happens to add-ons and files; the report and the panels in a real Blender."""

from __future__ import annotations

import getpass
import math
import sys

import addon_utils
import bpy
import pytest
from paper_layout import Layout

MODULE = "bl_ext.user_default.likeness"
YAW = math.radians(25)


@pytest.fixture
def turned(addon, head):
    """A head that somebody has worked on; what must still be so afterwards."""
    properties = addon("properties").likeness(head)
    properties.yaw = YAW
    properties.look = "LIT"
    properties.face.data.shape_keys.key_blocks["jawOpen"].value = 0.5
    return head.name


def assert_as_it_was(addon, name: str) -> None:
    pivot = bpy.data.objects[name]
    properties = addon("properties").likeness(pivot)
    assert properties.yaw == pytest.approx(YAW, abs=1e-5)
    assert properties.look == "LIT"
    assert properties.face.data.shape_keys.key_blocks["jawOpen"].value == 0.5
    assert properties.camera.type == "CAMERA"
    assert properties.photo.packed_file is not None
    assert len(addon("properties").parts(pivot)) > 5
    assert bpy.ops.likeness.reset_pose() == {"FINISHED"}
    assert properties.yaw == pytest.approx(0.0, abs=1e-5)


def reload_extension() -> None:
    addon_utils.disable(MODULE)
    addon_utils.enable(MODULE)


def test_a_head_survives_a_reload_of_the_add_on(addon, turned):
    reload_extension()
    assert_as_it_was(addon, turned)


def test_a_head_survives_saving_and_opening(addon, turned, tmp_path):
    path = str(tmp_path / "Köpfe und mehr.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.ops.wm.open_mainfile(filepath=path)
    assert_as_it_was(addon, turned)


def test_a_head_survives_a_blender_without_the_add_on(addon, turned, tmp_path):
    """Somebody else opens and saves the file; the head is still one afterwards."""
    path = str(tmp_path / "shared.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    addon_utils.disable(MODULE)
    bpy.ops.wm.open_mainfile(filepath=path)
    bpy.ops.wm.save_as_mainfile(filepath=path)
    addon_utils.enable(MODULE)
    bpy.ops.wm.open_mainfile(filepath=path)
    assert_as_it_was(addon, turned)


def test_work_goes_on_after_a_reload(addon, backend, photo):
    interpreter = backend.interpreter
    bpy.ops.likeness.import_photo(filepath=photo())
    process = addon("session").session.process
    reload_extension()
    assert process.exit_code is not None
    preferences = addon("preferences").preferences(bpy.context)
    assert (preferences.kind, preferences.interpreter) == ("INTERPRETER", interpreter)
    assert bpy.ops.likeness.import_photo(filepath=photo("a photo", "second.jpg")) == {"FINISHED"}


def test_the_report_tells_of_faults_and_not_of_people(addon, backend, photo):
    path = photo("die", "Ann Smith.jpg")
    with pytest.raises(RuntimeError, match="stopped unexpectedly"):
        bpy.ops.likeness.import_photo(filepath=path)
    text = addon("operators.backend").report(bpy.context)
    assert bpy.app.version_string in text
    assert "BackendDied" in text
    assert "on purpose" in text  # the end of the log
    for private in (path, "Ann Smith", getpass.getuser(), backend.interpreter):
        assert private not in text
    assert bpy.ops.likeness.copy_report() == {"FINISHED"}


def test_drawing_opens_no_file_starts_nothing_and_asks_nobody(addon, backend, head):
    events: list[str] = []
    drawing = [False]

    def hook(event: str, arguments: tuple) -> None:
        if drawing[0] and event in ("open", "socket.connect", "subprocess.Popen", "os.listdir", "glob.glob"):
            events.append(f"{event} {arguments[0]!r}")

    sys.addaudithook(hook)
    panels = addon("panels")

    def draw() -> None:
        for panel in panels.CLASSES:
            panel.draw(type("Self", (), {"layout": Layout([])})(), bpy.context)

    draw()  # modules are imported with the first
    drawing[0] = True
    draw()
    drawing[0] = False
    assert events == []
