"""Makes the checkout importable as the package ``likeness``, the way Blender sees the extension.

What needs bpy lies in ``tests/addon/blender`` and runs where bpy is installed; the rest runs anywhere.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

sys.path.insert(0, str(Path(__file__).parent))  # synthetic.py, shared by tests and the fake backend

if "likeness" not in sys.modules:
    spec = importlib.util.spec_from_file_location(
        "likeness", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    assert spec is not None and spec.loader is not None
    sys.modules["likeness"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

collect_ignore = [] if importlib.util.find_spec("bpy") else ["blender"]


@pytest.fixture
def fake_interpreter(tmp_path):
    """The fake backend in the place of a Python with the real one."""
    from fake_interpreter import write_fake_interpreter

    return write_fake_interpreter(tmp_path)
