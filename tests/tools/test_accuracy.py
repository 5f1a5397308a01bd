"""The accuracy page: nothing is measured twice, bars are judged, and the floor meets the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.evaluate import read_dataset
from backend.evaluate.geometry import region_errors
from backend.morphable import load_head_model
from tools.accuracy.cache import Cache, fingerprint
from tools.accuracy.floor import DirectFit
from tools.accuracy.measure import Shape
from tools.accuracy.report import Report, page
from tools.ict_faces.dataset import write_dataset

GOOD = Shape(4, 0, 1.0, 0.8, 6.0, 1.5, (1.0, 2.0, 1.5), (0.0, -1.0, 0.0))


def test_a_record_is_measured_once(tmp_path):
    asked = []
    path = tmp_path / "work" / "cache.json"
    for _ in range(2):
        cache = Cache(path)
        assert cache.get("a", lambda: asked.append(1) or {"x": 1.5}) == {"x": 1.5}
    assert len(asked) == 1


def test_a_fingerprint_changes_with_any_file(tmp_path):
    (tmp_path / "a.py").write_text("1")
    first = fingerprint(("*.py",), tmp_path)
    assert fingerprint(("*.py",), tmp_path) == first
    (tmp_path / "b.py").write_text("")
    second = fingerprint(("*.py",), tmp_path)
    (tmp_path / "a.py").write_text("2")
    assert len({first, second, fingerprint(("*.py",), tmp_path)}) == 3


@pytest.mark.parametrize(
    ("other_mm", "words"),
    [(1.5, "33% | reached"), (1.2, "17% | **not reached**"), (0.9, "-11% | **not reached**")],
)
def test_bars_are_judged(other_mm, words):
    other = replace(GOOD, mean_mm=other_mm, non_face_mm=float("nan"))
    shapes = {"product": ("Likeness", GOOD), "landmarks": ("fit", other), "mean": ("mean", other)}
    text = page(Report("today\n", shapes, {}, "fast", None))
    assert text.count(words) == 2
    assert "1.50° | reached" in text
    assert "no network yet" in text
    assert "| fit | 4 | 0 |" in text


def test_the_floor_finds_a_head_of_its_own_model(tmp_path):
    """The surface of a known head: almost no error is left, and far less than the mean head's."""
    model = load_head_model()
    list(write_dataset(model, tmp_path, range(1), 0, 64))
    item = read_dataset(tmp_path)[0]
    found = DirectFit(0.3, model)
    fitted = region_errors(item, found.mesh(item))["face"]
    assert fitted.mean_mm < 0.5
    assert np.abs(np.subtract([*found.pose_deg(item).values()], [*item.pose_deg.values()])).max() < 6
