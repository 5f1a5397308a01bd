"""A real Blender (the bpy module) with the checkout installed as the extension ``likeness``.

The extension is a link to the checkout in a fresh user folder, so Blender imports it under its real name
``bl_ext.user_default.likeness``. Every test gets a factory-fresh scene.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
MODULE = "bl_ext.user_default.likeness"

_resources = Path(tempfile.mkdtemp(prefix="likeness-blender-"))
os.environ["BLENDER_USER_RESOURCES"] = str(_resources)  # must be there before bpy is imported
(_resources / "extensions" / "user_default").mkdir(parents=True)
(_resources / "extensions" / "user_default" / "likeness").symlink_to(ROOT)

import bpy  # noqa: E402, I001
import addon_utils  # noqa: E402  (only there once bpy is)
import pytest  # noqa: E402

sys.path.insert(0, str(ROOT))  # backend, for synthetic.py


@pytest.fixture(scope="session", autouse=True)
def extension():
    """The enabled extension."""
    module = addon_utils.enable(MODULE, default_set=True)
    assert module is not None
    yield module
    addon_utils.disable(MODULE, default_set=True)


@pytest.fixture(autouse=True)
def fresh_scene(extension):
    """An empty factory scene; nothing runs from the test before."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    session().notice = ""
    yield
    session().cancel_job()


def part(name: str):
    """A module of the add-on as Blender has loaded it."""
    return importlib.import_module(f"{MODULE}.addon.{name}")


def session():
    return part("session").session


@pytest.fixture(scope="session")
def addon():
    """Access to the add-on's modules: ``addon("session")``."""
    return part


@pytest.fixture(scope="session")
def head_payload():
    import synthetic

    return synthetic.reconstruction()


@pytest.fixture
def head(addon, head_payload):
    """The synthetic head, built through the operator; its pivot."""
    key = session().heads.keep("Ann", addon("head_data").decode_head("Ann", head_payload))
    bpy.ops.ed.undo_push(message="before")
    assert bpy.ops.likeness.build_head("EXEC_DEFAULT", True, result=key) == {"FINISHED"}
    return bpy.context.view_layer.objects.active


@pytest.fixture(scope="session")
def interpreter(tmp_path_factory):
    """The fake backend in the place of a Python with the real one."""
    from fake_interpreter import write_fake_interpreter

    return write_fake_interpreter(tmp_path_factory.mktemp("fake"))


@pytest.fixture
def backend(addon, interpreter, monkeypatch):
    """The preferences point to the fake backend, which starts with the first job and ends with the test."""
    preferences = addon("preferences").preferences(bpy.context)
    preferences.kind = "INTERPRETER"
    preferences.interpreter = str(interpreter)
    yield preferences
    session().stop_backend(wait=True)
    session().process = None


@pytest.fixture
def photo(tmp_path):
    """Writes a file that stands for a photo; its content tells the fake backend what to do."""

    def write(content: str = "a photo", name: str = "Jürgen in the sun.jpg") -> str:
        path = tmp_path / name
        path.write_bytes(content.encode())
        return str(path)

    return write
