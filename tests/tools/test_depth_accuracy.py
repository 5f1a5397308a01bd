"""The depth page: what a row says of a head, what is remembered, and how bars are judged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.nets.depth_net import ARCHITECTURE, HeadView, LikenessDepthNet
from tools.accuracy.cache import Cache
from tools.depth_accuracy import measure
from tools.depth_accuracy.heads import SyntheticHead, read_heads
from tools.depth_accuracy.measure import Score, score_of, told_records
from tools.depth_accuracy.report import Report, page
from tools.depth_accuracy.rows import Row, Run, network, rows_of
from tools.depth_accuracy.timing import NetworkTime
from train.common.checkpoint import BEST, Checkpoint, save_checkpoint
from train.common.experiment import to_json
from train.common.export import write_weights
from train.depth.config import EXPERIMENTS
from train.synth.sample import generate
from train.synth.scene import sample_scene
from train.synth.write import write_evaluation

GOOD = Score(4, 0, 0.2, 4.0, 3.0, 0.99, 0.995)


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> SyntheticHead:
    folder = tmp_path_factory.mktemp("heads")
    write_evaluation(generate([sample_scene(9)], 128).sample(0), folder)
    return read_heads(folder, 5)[0]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """An untrained network: it answers with the prior."""
    path = tmp_path_factory.mktemp("weights") / "depth.safetensors"
    write_weights(LikenessDepthNet(), path, {"architecture": ARCHITECTURE, "net": "likeness"})
    return Run("ours", path)


def test_the_true_depth_has_no_error(head: SyntheticHead) -> None:
    told = head.told()
    depth = np.repeat(np.repeat(head.item.load_depth(), told.stage.finer, 0), told.stage.finer, 1)
    errors = measure._errors(Row("truth", "truth"), head, told.surface(depth))
    assert errors["face"] < 0.05
    # Strands one pixel wide have no surface.
    assert errors["non_face"] < 0.3
    assert errors["coverage"] == 1.0


def test_hair_behind_the_face_is_found(head: SyntheticHead) -> None:
    told = head.told()
    covered = told.behind_mm(np.full_like(told.prior.front, told.stage.centre_mm))
    hair = np.isin(told.regions, (2, 6)) & np.isfinite(told.stage.head.face_mm[::2, ::2])
    assert len(covered) == hair.sum() > 5
    np.testing.assert_allclose(told.behind_mm(told.stage.head.face_mm + 3), 3, atol=1e-3)


def test_an_untrained_network_answers_with_the_prior_and_nothing_is_measured_twice(
    head: SyntheticHead, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Someone may edit the code while this runs.
    monkeypatch.setattr(measure, "fingerprint", lambda _: "today")
    face, _, prior, ours, joined = rows_of([run])
    cache = Cache(tmp_path / "cache.json")
    scores = {row: score_of(told_records(row, [head], cache, 1)) for row in (face, prior, ours, joined)}
    assert scores[ours].non_face_mm == pytest.approx(scores[prior].non_face_mm, abs=0.01)
    assert scores[joined].face_mm == pytest.approx(scores[prior].face_mm, abs=0.01)
    assert np.isnan(scores[face].non_face_mm)
    monkeypatch.setattr(Row, "depth", lambda *_: pytest.fail("measured again"))
    again = score_of(told_records(ours, [head], Cache(tmp_path / "cache.json"), 1))
    assert again == scores[ours]


def test_a_checkpoint_of_a_run_without_df_is_shown_no_face(tmp_path: Path) -> None:
    experiment = EXPERIMENTS["likeness"].smoke().without_df()
    weights = LikenessDepthNet().state_dict()
    checkpoint = Checkpoint(experiment.name, to_json(experiment), 2, 1.0, weights, weights, {}, {}, 0.0, "")
    save_checkpoint(checkpoint, tmp_path / BEST)
    blind = Run("without d_f", tmp_path)
    assert not Row("blind", "blind", blind).sees_face
    plane = torch.ones(1, 32, 32)
    view = HeadView(torch.zeros(1, 3, 32, 32), plane, plane, plane.long(), plane)
    # Untrained it repeats the prior that it is shown.
    assert network(blind)(view).abs().max() < 1e-6


@pytest.mark.parametrize(
    ("prior_mm", "words"),
    [(8.0, "50.0% | reached"), (5.0, "20.0% | **not reached**"), (2.0, "-100.0% | **not")],
)
def test_bars_are_judged(run: Run, prior_mm: float, words: str) -> None:
    face, extended, prior, ours, joined = rows_of([run])
    table = {
        face: replace(GOOD, non_face_mm=float("nan")),
        extended: replace(GOOD, non_face_mm=9.0),
        prior: replace(GOOD, non_face_mm=prior_mm),
        ours: replace(GOOD, in_order=0.9),
        joined: GOOD,
    }
    product = {face: replace(GOOD, face_mm=2.0), joined: replace(GOOD, face_mm=2.08)}
    text = page(
        Report(
            "today\n",
            table,
            product,
            {"ours": [NetworkTime(128, 1, 200, 190), NetworkTime(128, 2, 130, 200)]},
        )
    )
    assert text.count(words) == 1
    assert "90.0% | **not reached**" in text and "99.5% | reached" in text
    assert "+4.0% | reached" in text
    assert "190 ms | **not reached**" in text
    assert "no such run" in text


def test_refused_heads_are_missed_and_order_is_pooled() -> None:
    records = [
        {"face": 1.0, "non_face": 4.0, "non_face_median": 3.0, "coverage": 1.0, "behind": 0, "covered": 90},
        {"face": 3.0, "behind": 5, "covered": 10},
        {"refused": "no face"},
    ]
    score = score_of(records)
    assert (score.heads, score.missed, score.face_mm, score.non_face_mm) == (3, 1, 2.0, 4.0)
    assert score.in_order == pytest.approx(0.95)
