"""A missing library of the system is told in words with the remedy, wherever it shows."""

from __future__ import annotations

import ctypes
import importlib
import sys

import numpy as np
import pytest

from backend import doctor
from backend.cli import main
from backend.landmarks import MediaPipeDetector
from backend.libraries import DEBIAN_PACKAGES, LibraryMissing, library_missing

LOADER_SAYS = "libGLESv2.so.2: cannot open shared object file: No such file or directory"


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's words")
def test_the_loaders_own_words_are_understood() -> None:
    with pytest.raises(OSError) as caught:  # noqa: PT011 - the words are what is tested
        ctypes.CDLL("liblikeness-nowhere.so.7")
    missing = library_missing(caught.value)
    assert missing is not None
    assert "liblikeness-nowhere.so.7" in missing.message
    assert all(package in missing.hint for package in DEBIAN_PACKAGES)


@pytest.mark.parametrize("error", [ImportError("No module named 'cv2'"), OSError("disk full")])
def test_other_errors_are_not_taken_for_it(error: ImportError | OSError) -> None:
    assert library_missing(error) is None


def test_the_detector_says_it(monkeypatch) -> None:
    vision = importlib.import_module("mediapipe.tasks.python.vision")

    def broken(options: object) -> None:
        raise OSError(LOADER_SAYS)

    monkeypatch.setattr(vision.FaceLandmarker, "create_from_options", broken)
    with pytest.raises(LibraryMissing, match="libGLESv2"):
        MediaPipeDetector().detect(np.zeros((64, 64, 3), np.uint8))


def test_the_command_line_says_it(monkeypatch, capsys, tmp_path) -> None:
    def broken(name: str) -> None:
        raise ImportError(LOADER_SAYS.replace("GLESv2", "GL"))

    monkeypatch.setattr("backend.cli.importlib.import_module", broken)
    assert main(["import", "photo.jpg", "-o", str(tmp_path)]) == 1
    assert "apt install" in capsys.readouterr().err


def test_the_doctor_says_it(monkeypatch) -> None:
    def broken(name: str) -> None:
        raise ImportError(LOADER_SAYS)

    monkeypatch.setattr(doctor.importlib, "import_module", broken)
    finding = doctor._module("cv2", "pictures")
    assert not finding.ok
    assert "apt install" in finding.remedy
