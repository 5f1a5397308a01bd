"""Setting up from within Blender, with a stand-in for the setup itself."""

from __future__ import annotations

import sys
from pathlib import Path

import bpy
import pytest
from fake_setup import write_fake


@pytest.fixture
def preferences(addon, tmp_path, monkeypatch):
    """No backend yet; the setup is the stand-in."""
    module = addon("operators.set_up")
    monkeypatch.setattr(module.sys, "executable", str(write_fake(tmp_path)))
    preferences = addon("preferences").preferences(bpy.context)
    preferences.kind, preferences.wheels, preferences.device = "BUNDLED", str(tmp_path), "AUTO"
    yield preferences
    preferences.wheels = ""
    addon("session").session.setup = None


def test_scripts_wait_for_the_end(preferences):
    assert bpy.ops.likeness.set_up_backend() == {"FINISHED"}


def test_the_choices_of_the_preferences_arrive(addon, preferences):
    preferences.device = "CPU"
    bpy.ops.likeness.set_up_backend()
    words = addon("session").session.setup.ended.message
    assert f"--wheels {preferences.wheels}" in words
    assert words.endswith("--device cpu")


def test_failures_are_reported_with_their_remedy(preferences, monkeypatch):
    monkeypatch.setenv("LIKENESS_FAKE_SETUP", "fail")
    with pytest.raises(RuntimeError, match=r"The disk is full\. Free some space\."):
        bpy.ops.likeness.set_up_backend()


def test_blender_offline_stays_offline(preferences):
    preferences.wheels = ""
    assert not bpy.app.online_access  # as every fresh Blender
    with pytest.raises(RuntimeError, match="Allow Online Access"):
        bpy.ops.likeness.set_up_backend()


def test_removing_needs_no_network(addon, preferences):
    preferences.wheels = ""
    assert bpy.ops.likeness.remove_backend() == {"FINISHED"}
    assert addon("session").session.setup.ended.message.endswith("--remove")


def test_a_setup_ends_with_the_extension(addon, preferences, monkeypatch):
    monkeypatch.setenv("LIKENESS_FAKE_SETUP", "wait")
    operators, session = addon("operators.set_up"), addon("session").session
    session.setup = addon("setup_run").SetupRun(operators._launch(bpy.context, remove=False))
    assert session.setting_up
    with pytest.raises(RuntimeError, match="already"):
        bpy.ops.likeness.set_up_backend()
    operators.stop_setup()
    assert not session.setting_up


def test_blenders_python_is_what_sets_up(addon):
    """The process needs an interpreter, not the program Blender."""
    assert Path(sys.executable).name.startswith("python")
