"""Looks at this computer the way Likeness needs it, and says in words what is missing."""

from __future__ import annotations

import importlib
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata

from .errors import LikenessError
from .libraries import library_missing

DISTRIBUTION = "likeness-backend"
MIN_PYTHON = (3, 11)
MIN_FREE_GB = 1.0
REINSTALL = "Run `make setup`, or install the backend again in Preferences > Add-ons > Likeness."

MODULES = {
    "torch": "networks and rasteriser",
    "numpy": "arrays",
    "scipy": "sparse solves",
    "cv2": "pictures",
    "mediapipe": "face landmarks",
    "PIL": "opening photos",
    "trimesh": "GLB and PLY",
    "starlette": "local server",
    "uvicorn": "local server",
}
OPTIONAL_MODULES = {
    "pillow_heif": ("HEIC photos", "pip install pillow-heif"),
    "pytorch3d": ("faster drawing on NVIDIA cards", "see docs/developer.md"),
}
OPENCV_BUILDS = (
    "opencv-python",
    "opencv-contrib-python",
    "opencv-python-headless",
    "opencv-contrib-python-headless",
)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""
    needed: bool = True
    """False for what Likeness can do without."""


def diagnose() -> list[Finding]:
    """Look at everything. Never raises: a broken installation is what this is for."""
    findings = [_python(), *(_module(name, use) for name, use in MODULES.items()), _one_opencv()]
    findings += [_optional(name, *words) for name, words in OPTIONAL_MODULES.items()]
    return [*findings, _guarded("networks", _networks), _guarded("engine", _engine), _disk()]


def _python() -> Finding:
    text = f"{platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    ok = sys.version_info >= MIN_PYTHON
    return Finding("Python", ok, text, "" if ok else "Install Python 3.11 or newer.")


def _module(name: str, use: str) -> Finding:
    """Whether a module can be imported; a damaged native library shows only then."""
    try:
        module = importlib.import_module(name)
    except (ImportError, OSError) as error:
        return Finding(name, False, f"{use}: {error}", _remedy(error))
    return Finding(name, True, f"{getattr(module, '__version__', '')} ({use})")


def _optional(name: str, use: str, remedy: str) -> Finding:
    found = _module(name, use)
    if found.ok:
        return found
    return Finding(name, False, f"not installed ({use})", remedy, needed=False)


def _one_opencv() -> Finding:
    """Two builds of OpenCV overwrite each other's files."""
    installed = {re.sub(r"[-_.]+", "-", item.name).lower() for item in metadata.distributions() if item.name}
    builds = sorted(installed.intersection(OPENCV_BUILDS))
    if len(builds) > 1:
        remedy = f"Run: pip uninstall {' '.join(builds)}; then {REINSTALL}"
        return Finding("OpenCV builds", False, f"several are installed: {', '.join(builds)}", remedy)
    return Finding("OpenCV builds", True, ", ".join(builds) or "none by pip")


def _guarded(name: str, look: Callable[[], Finding]) -> Finding:
    """A look that may fail with words of its own or for lack of a module."""
    try:
        return look()
    except LikenessError as error:
        return Finding(name, False, error.message, error.hint)
    except (ImportError, OSError) as error:
        return Finding(name, False, str(error), _remedy(error))


def _remedy(error: ImportError | OSError) -> str:
    """What to do about something that could not be loaded."""
    missing = library_missing(error)
    return REINSTALL if missing is None else missing.hint


def _networks() -> Finding:
    """Run both networks once: their libraries are loaded only then."""
    import numpy as np

    from .landmarks import MediaPipeDetector
    from .person_mask import PersonSegmenter

    nobody = np.full((64, 64, 3), 128, np.uint8)
    MediaPipeDetector().detect(nobody)
    PersonSegmenter().segment(nobody)
    return Finding("networks", True, "face landmarks and person matte run")


def _engine() -> Finding:
    """Load the head model, and name the device and what is interim."""
    from .engine import Engine

    engine = Engine()
    vertices = len(engine.model.mean)
    interim = f"; interim: {', '.join(engine.interim)}" if engine.interim else ""
    return Finding(
        "engine", True, f"{engine.device_name}, {engine.model.name} with {vertices} vertices{interim}"
    )


def _disk() -> Finding:
    free_gb = shutil.disk_usage(tempfile.gettempdir()).free / 1e9
    ok = free_gb >= MIN_FREE_GB
    return Finding("disk", ok, f"{free_gb:.1f} GB free", "" if ok else "Free some space.")
