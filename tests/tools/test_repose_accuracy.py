"""The page of Render New Pose: how figures are summed up and judged, and what lies where on its sheet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from backend.errors import NoFaceFound
from backend.evaluate import EvaluationItem
from backend.nets.refine_net import ARCHITECTURE, CoarseView, LightRefineNet
from backend.refine import ClassicalRefiner
from backend.refine_network import NetworkRefiner
from tools.accuracy.cache import Cache
from tools.repose_accuracy import measure, rows
from tools.repose_accuracy.holes import INPAINTED, NEIGHBOURS
from tools.repose_accuracy.measure import Curve, curve_of, likeness_of, portrait_records
from tools.repose_accuracy.report import Report, better, page
from tools.repose_accuracy.rows import Row, network, refiner, rows_of, steps_of
from tools.repose_accuracy.sheet import BLOCK_GAP_PX, GAP_PX, TILE_PX, sheet, write_sheet
from tools.repose_accuracy.timing import StillTime
from train.common.export import write_weights
from train.refine.config import EXPERIMENTS
from train.refine.task import Players

CLASSICAL, OURS = rows_of([Row("ours", Path("ours.safetensors"))])
GOOD = Curve(
    2,
    0,
    {0.0: [0.1, 0.2], 15.0: [0.2, 0.3], 30.0: [0.3, 0.4], 45.0: [0.4, 0.5]},
    dict.fromkeys((0.0,), 0.1),
    39,
)
HOLES = {
    INPAINTED: {"colour": 20.0, "features": 0.10},
    NEIGHBOURS: {"colour": 15.0, "features": 0.06},
    "ours": {"colour": 13.0, "features": 0.05},
}
QUICK = StillTime(3000.0, 900.0, 200.0, 100.0)


def _report(curve: Curve) -> str:
    turns = {"a": {"rows": {"classical": {"shimmer": 0.4, "jump": 1.0}}}, "b": {"refused": "no face"}}
    return page(Report("today\n", {CLASSICAL: curve}, turns, HOLES, {CLASSICAL: QUICK}))


def test_bars_are_judged() -> None:
    text = _report(GOOD)
    assert "identity at 45° | <= 0.50 | 0.450 | reached" in text
    assert "push-pull) | >= 30% | 25%, 40% | **not reached**" in text
    assert "ours | >= 30% | 35%, 50% | reached" in text
    assert "<= 1.5 | 1.00 | reached" in text
    assert "| classical | 1 | 0.40 | 1.00 |" in text
    assert "39.0 dB | reached" in text
    # The wall clock of a busy computer judges nothing.
    assert "1000 ms | reached" in text
    far = replace(GOOD, distance={**GOOD.distance, 15.0: [0.3, 0.5]}, psnr_db=37.9)
    assert _report(far).count("**not reached**") == text.count("**not reached**") + 2


def test_ablations_have_a_table_of_their_own_and_are_not_judged() -> None:
    short = Row("no critic", Path("run"), ablation=True)
    holes = {**HOLES, "no critic": {"colour": 16.0, "features": 0.08}}
    report = Report("today\n", {CLASSICAL: GOOD}, {}, holes, {CLASSICAL: QUICK}, {short: 0.31}, 300)
    text = page(report)
    assert "over the same 300 steps" in text
    assert text.count("no critic") == 1
    assert "| no critic | 16.00 | 0.0800 | 20.0%, 20.0% | 0.3100 |" in text


def test_an_ablation_is_looked_at_in_one_pose_only() -> None:
    short = Row("no critic", Path("run"), ablation=True)
    records = [{"rows": {"no critic": {"distance": {"30": d}}}} for d in (0.2, 0.4)]
    assert likeness_of([*records, {"refused": "no face"}], short) == pytest.approx(0.3)


def test_a_network_that_fills_holes_only_keeps_what_is_known(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    experiment = EXPERIMENTS["cpu"].with_mixed_output()
    players = Players(LightRefineNet(), None)
    monkeypatch.setattr(rows, "players_of", lambda _: (experiment, 7, players))
    row = Row("mixed", tmp_path)
    picture, known = torch.rand(1, 3, 32, 32), torch.ones(1, 32, 32)
    known[:, :, 16:] = 0
    view = CoarseView(picture * known[:, None], known, torch.ones(1, 32, 32), picture)
    players.generator.head.bias.data += 0.5
    with torch.inference_mode():
        answer = network(row)(view)
    torch.testing.assert_close(answer[..., :16], picture[..., :16])
    assert (answer[..., 16:] != picture[..., 16:]).any()
    assert steps_of(row) == 7


def test_better_is_a_share_of_cv2_inpaint() -> None:
    assert better(HOLES, "ours") == pytest.approx((0.35, 0.5))
    assert better(HOLES, INPAINTED) == (0, 0)


def test_refused_portraits_are_counted_and_left_out_of_means() -> None:
    by_yaw = {f"{yaw:g}": 0.2 for yaw in (0, 15, 30, 45)}
    found = {"rows": {"classical": {"distance": by_yaw, "invented": by_yaw, "psnr_db": 40.0}}}
    curve = curve_of([found, {"refused": "no face"}], CLASSICAL)
    assert (curve.portraits, curve.refused, curve.distance[30.0], curve.psnr_db) == (2, 1, [0.2], 40.0)


def test_nothing_is_measured_twice_and_refusals_are_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = tmp_path / "a.png"
    Image.new("RGB", (8, 8)).save(photo)
    item = EvaluationItem("a", photo, None, None, None, "a", None)
    asked = []

    def refusing(*_: object, **__: object) -> dict:
        asked.append(1)
        raise NoFaceFound("No face was found")

    # Someone may edit the code while this runs.
    monkeypatch.setattr(measure, "fingerprint", lambda _: "today")
    monkeypatch.setattr(measure, "_portrait", refusing)
    for _ in range(2):
        records = portrait_records([item], [CLASSICAL], Cache(tmp_path / "cache.json"), tmp_path)
        assert "refused" in records["a"]
    assert len(asked) == 1


def test_rows_finish_as_the_product_would(tmp_path: Path) -> None:
    weights = tmp_path / "refine.safetensors"
    write_weights(LightRefineNet(), weights, {"architecture": ARCHITECTURE, "net": "light"})
    assert isinstance(refiner(CLASSICAL), ClassicalRefiner)
    assert isinstance(refiner(Row("new", weights)), NetworkRefiner)


def test_a_sheet_has_its_tiles_in_rows_of_two_portraits(tmp_path: Path) -> None:
    tiles = [[np.full((4, 3, 3), 10 * p + a, np.uint8) for a in range(5)] for p in range(3)]
    picture = sheet(tiles)
    strip = 5 * (3 + GAP_PX) - GAP_PX
    assert picture.shape == (2 * (4 + GAP_PX) - GAP_PX, 2 * strip + BLOCK_GAP_PX, 3)
    assert picture[0, 3 + GAP_PX, 0] == 1
    assert picture[0, strip + BLOCK_GAP_PX, 0] == 10
    assert picture[4 + GAP_PX, 0, 0] == 20
    assert picture[-1, -1, 0] == 255


def test_stills_of_any_shape_become_tiles(tmp_path: Path) -> None:
    for name, size in {"wide.png": (300, 100), "high.png": (90, 400)}.items():
        Image.new("RGB", size, (50, 60, 70)).save(tmp_path / name)
    record = {"rows": {}, "pictures": {"classical": ["wide.png", "high.png"]}}
    picture = write_sheet(tmp_path, [record, {"refused": "no face"}], CLASSICAL)
    assert (picture[:, : TILE_PX[0]] == (50, 60, 70)).all()
    assert picture.shape[0] == TILE_PX[1]
