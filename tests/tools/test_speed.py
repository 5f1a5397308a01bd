"""The speed page: what it says of figures, and how bars are judged."""

from __future__ import annotations

import json

import pytest

from backend import bench
from backend.protocol import Stage
from tools import speed
from tools.speed import STAGES, page

ENGINE = {
    "load_average": 2.5,
    "device": "CPU (2 threads)",
    "threads": 2,
    "photo": {"name": "ann.jpg", "width": 800, "height": 600},
    "runs": 3,
    "first_import_ms": 9000.0,
    "median_ms": {
        **dict.fromkeys(STAGES, 100.0),
        "import_total": 3000.0,
        "import_cpu": 4000.0,
        "still_render": 50.0,
        "still_refine": 60.0,
    },
    "peak_memory_mb": 2000.0,
    "rasterizer": {"triangles": 8448, "torch_ms": 31.0},
}
DEMO = {
    "load_average": 0.9,
    "blender": "5.2",
    "device": "CPU",
    "photo": {"name": "b.png", "width": 512, "height": 512},
    "blender_ms": dict.fromkeys(speed.IN_BLENDER, 400.0),
}


def test_every_stage_of_an_import_has_words() -> None:
    assert set(STAGES) == {stage.name.lower() for stage in Stage} - {"refine"}


def test_bars_are_judged_by_what_was_asked() -> None:
    bars = page("made", ENGINE, DEMO).partition("## What was asked for")[2]
    judged = dict(
        zip(["import", "rasteriser", "memory", "objects", "still"], bars.splitlines()[4:], strict=True)
    )
    assert {name for name, line in judged.items() if line.endswith("| **not reached** |")} == {
        "rasteriser",
        "memory",
    }


def test_a_busy_computer_proves_no_time_but_memory() -> None:
    bars = page("made", {**ENGINE, "load_average": 10.0}, None).partition("## What was asked for")[2]
    assert "reached" in next(line for line in bars.splitlines() if "import of one" in line)
    assert "**not shown**" in next(line for line in bars.splitlines() if "rasteriser" in line)
    assert "**not reached**" in next(line for line in bars.splitlines() if "memory" in line)


def test_each_half_keeps_its_own_load() -> None:
    engine, _, blender = page("made", ENGINE, DEMO).partition("## In Blender")
    assert "at the end: 2.5" in engine
    assert "Load average:\n0.9" in blender
    assert "## In Blender" not in page("made", ENGINE, None)


@pytest.mark.parametrize("demo", [None, DEMO])
def test_the_command_writes_the_page(tmp_path, monkeypatch, demo) -> None:
    monkeypatch.setattr(bench, "measure", lambda *_: ENGINE)
    report = tmp_path / "report.json"
    if demo is not None:
        report.write_text(json.dumps(demo))
    monkeypatch.setattr("sys.argv", ["speed", "--demo", str(report), "--out", str(tmp_path / "speed.md")])
    speed.main()
    text = (tmp_path / "speed.md").read_text(encoding="utf-8")
    assert text.startswith("# Speed\n")
    assert ("## In Blender" in text) is (demo is not None)
