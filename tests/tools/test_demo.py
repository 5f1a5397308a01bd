"""The demo fails loudly and early, and counts what others see."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import trimesh

from backend.preview import PAPER
from backend.wire import encode_png
from tools import demo


def test_a_wrong_path_is_refused_before_old_results_go(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(demo, "OUT", tmp_path)
    (tmp_path / "head.blend").write_bytes(b"of last time")
    with pytest.raises(SystemExit, match="nowhere"):
        demo.main([str(tmp_path / "nowhere.jpg")])
    assert (tmp_path / "head.blend").is_file()


def test_without_blender_it_says_what_to_install(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(demo, "ROOT", tmp_path)
    with pytest.raises(SystemExit, match=r"Python 3\.11"):
        demo.find_blender()


def test_a_failure_in_blender_is_told_with_its_last_words(monkeypatch, tmp_path, capsys) -> None:
    script = tmp_path / "tools" / "demo_in_blender.py"
    script.parent.mkdir()
    script.write_text(
        f"print({demo.MARK + 'began'!r}); print('chatter'); raise SystemExit('No face was found.')"
    )
    monkeypatch.setattr(demo, "ROOT", tmp_path)
    monkeypatch.setattr(demo, "OUT", tmp_path)
    with pytest.raises(SystemExit, match=r"No face was found\."):
        demo.run_in_blender(sys.executable, tmp_path / "x.zip", tmp_path / "x.png")
    assert capsys.readouterr().out == f"{demo.MARK}began\n"
    assert "chatter" in (tmp_path / "blender.log").read_text()


def test_glb_is_counted_by_another_reader(tmp_path) -> None:
    box = trimesh.creation.box()
    path = tmp_path / "two.glb"
    trimesh.Scene([box, box.copy().apply_translation((3, 0, 0))]).export(path)
    assert demo.glb_counts(path) == {"meshes": 2, "vertices": 16, "triangles": 24}


def test_pictures_keep_their_channels(tmp_path) -> None:
    picture = np.dstack([np.full((4, 5), value, np.uint8) for value in (200, 100, 50, 0)])
    picture[0, 0, 3] = 255
    path = tmp_path / "picture.png"
    path.write_bytes(encode_png(picture))
    assert (demo.read_picture(path) == picture).all()
    flat = demo.over_paper(picture)
    assert flat[0, 0].tolist() == [200, 100, 50]
    assert (flat[1:] == PAPER).all()
