"""The normal network's data, loss, run and export, on noise and on bald heads."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from backend.nets.normal_net import FaceNormals, load_normal_net
from train.common.checkpoint import LAST, load_checkpoint
from train.common.errors import BrokenSample, EmptyDataset, WrongExperiment
from train.common.experiment import from_json, to_json
from train.face.data import Jitter, read_faces
from train.normals import data
from train.normals.__main__ import main
from train.normals.config import EXPERIMENTS, NormalExperiment
from train.normals.cover import bars, covered
from train.normals.data import NormalData
from train.normals.export import export
from train.normals.losses import cover_loss, doubtful_angle_loss, error_angle
from train.normals.prepare import NORMALS, PICTURES, SIDE, UNIT, prepare

from ..face import faces

STILL = Jitter(0.0, 0.0)
NOTHING = torch.zeros(1, 1, 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two written faces and two bald heads, prepared."""
    known = read_faces(faces.folder(tmp_path_factory.mktemp("faces"), 2))
    out = tmp_path_factory.mktemp("prepared")
    prepare(known, 2, 5, out)
    return out


def _unit(rng: np.random.Generator, *shape: int) -> torch.Tensor:
    return normalize(torch.from_numpy(rng.normal(size=shape)), dim=1)


def test_prepared_normals_are_unit_and_look_at_the_camera(folder: Path) -> None:
    normals = np.load(folder / NORMALS).astype(np.float64) / UNIT
    length = np.linalg.norm(normals, axis=3)
    face = length > 0
    assert face.mean(axis=(1, 2)).min() > 0.05
    np.testing.assert_allclose(length[face], 1, atol=0.02)
    assert (normals[face][:, 2] > -0.1).mean() > 0.99


def test_a_mirrored_window_has_mirrored_normals(folder: Path) -> None:
    source = NormalData([folder], 96, STILL)
    straight = [source.straight(number) for number in range(len(source))]
    matched = 0
    for number in range(40):
        sample = source.sample(number)
        flipped = sample["normals"].flip(2) * torch.tensor([-1.0, 1.0, 1.0])[:, None, None]
        for known in straight:
            if torch.equal(flipped, known["normals"]):
                apart = (sample["picture"].flip(2) - known["picture"]).abs().median()
                matched += 1
                assert float(apart) < 0.4
    assert matched > 3


def test_a_window_that_strays_takes_its_normals_with_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A picture of the normals themselves shows what their map says, wherever the window strays."""
    normals = np.load(folder / NORMALS)
    shown = normals.astype(np.float32) / UNIT * 127 + 128
    pictures = [cv2.resize(each, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR).round() for each in shown]
    np.save(tmp_path / PICTURES, np.stack(pictures).astype(np.uint8))
    np.save(tmp_path / NORMALS, normals)
    monkeypatch.setattr(data, "COVERED", 0.0)
    source = NormalData([tmp_path], 96, Jitter(0.03, 0.06))
    for sample in (source.sample(number) for number in range(8)):
        seen = torch.nn.functional.avg_pool2d((sample["picture"] + 1) * 127.5, 2)
        known = sample["normals"].square().sum(0) > 0.5
        inner = torch.from_numpy(cv2.erode(known.numpy().astype(np.uint8), np.ones((5, 5)))) > 0
        # A mirrored photo of normals keeps its colours; only what they mean turns round.
        off = [
            ((seen - 128) / 127 - sample["normals"] * torch.tensor([side, 1.0, 1.0])[:, None, None]).abs()
            for side in (1.0, -1.0)
        ]
        assert min(float(each.mean(0)[inner].median()) for each in off) < 0.06


def test_folders_without_windows_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BrokenSample):
        NormalData([tmp_path], 64, STILL)
    prepare([], 0, 0, tmp_path)
    with pytest.raises(EmptyDataset):
        NormalData([tmp_path], 64, STILL)


def test_bars_cover_a_part_and_leave_the_rest() -> None:
    rng = np.random.default_rng(0)
    shares = [bars(96, rng).mean() for _ in range(50)]
    assert 0.005 < np.mean(shares) < 0.3
    white, black = np.full((96, 96, 3), 255, np.uint8), np.zeros((96, 96, 3), np.uint8)
    picture, mask = covered(white, black, np.random.default_rng(1))
    np.testing.assert_array_equal(mask, bars(96, np.random.default_rng(1)))
    assert picture[mask == 1].max() < 140 and picture[cv2.dilate(mask, np.ones((15, 15))) == 0].min() == 255


def test_the_angle_is_that_of_the_arc_cosine() -> None:
    rng = np.random.default_rng(0)
    a, b = _unit(rng, 2, 3, 4, 4), _unit(rng, 2, 3, 4, 4)
    naive = torch.acos((a * b).sum(dim=1))
    torch.testing.assert_close(error_angle(a, b), naive, rtol=1e-3, atol=0.03)


def test_the_loss_is_least_where_the_doubt_is_right() -> None:
    truth = torch.zeros(1, 3, 1, 1)
    truth[:, 2] = 1
    angle = 0.2
    found = torch.tensor([np.sin(angle), 0.0, np.cos(angle)], dtype=torch.float32).view(1, 3, 1, 1)
    sureness = torch.linspace(0.5, 60, 400)
    losses = [
        doubtful_angle_loss(FaceNormals(found, torch.full((1, 1, 1), float(k)), NOTHING), truth)
        for k in sureness
    ]
    best = float(sureness[int(torch.stack(losses).argmin())])
    # d/dk (-log(k^2 + 1) + k a) = 0 where a = 2 k / (k^2 + 1).
    assert 2 * best / (best**2 + 1) == pytest.approx(angle, rel=0.03)


def test_gradients_are_those_of_finite_differences() -> None:
    rng = np.random.default_rng(2)
    truth = _unit(rng, 1, 3, 2, 2)
    truth[..., 0] = 0  # unknown

    def loss(raw: torch.Tensor, sure: torch.Tensor) -> torch.Tensor:
        return doubtful_angle_loss(FaceNormals(normalize(raw, dim=1), sure, NOTHING), truth)

    raw = torch.from_numpy(rng.normal(size=(1, 3, 2, 2))).requires_grad_()
    sure = torch.from_numpy(rng.uniform(1, 5, (1, 2, 2))).requires_grad_()
    assert torch.autograd.gradcheck(loss, (raw, sure))
    loss(raw, sure).backward()
    assert raw.grad is not None and float(raw.grad[..., 0].abs().max()) == 0


def test_what_covers_a_face_is_judged_on_the_face_alone() -> None:
    truth, cover = torch.zeros(1, 3, 1, 3), torch.tensor([[[1.0, 0.0, 1.0]]])
    truth[:, 2, :, :2] = 1
    said = FaceNormals(truth, NOTHING, torch.tensor([[[2.0, -1.0, -50.0]]]))
    by_hand = (np.log1p(np.exp(-2.0)) + np.log1p(np.exp(-1.0))) / 2
    assert float(cover_loss(said, cover, truth)) == pytest.approx(by_hand, rel=1e-5)
    assert float(cover_loss(said, cover, torch.zeros_like(truth))) == 0


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_trains_and_becomes_an_asset(name: str, folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    words = f"--experiment {name} --data {folder} --check {folder} --out {run} --smoke --device cpu"
    assert main(words.split()) == 0
    found = load_checkpoint(run / LAST, name)
    assert found.step == 2
    assert from_json(NormalExperiment, found.config) == EXPERIMENTS[name].smoke()
    assert from_json(NormalExperiment, to_json(EXPERIMENTS[name])) == EXPERIMENTS[name]
    last = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
    assert last["test_degrees"] == -last["test_score"]
    asset = tmp_path / "normals.safetensors"
    card = export(found, asset, "noise", "none", run / "metrics.jsonl").read_text(encoding="utf-8")
    assert "degrees" in card and f"`{name}`, step 2 of 2" in card
    net = load_normal_net(asset)
    assert net.side == 64
    answer = net(torch.zeros(1, 3, 64, 64))
    assert answer.normals.shape == (1, 3, 32, 32) and bool((answer.sureness > 0).all())


def test_it_begins_with_the_encoder_of_another_network(folder: Path, tmp_path: Path) -> None:
    from train.face.__main__ import main as train_face

    data = faces.folder(tmp_path / "data", 1)
    words = f"--data {data} --out {tmp_path / 'face'} --smoke --device cpu"
    assert train_face(words.split()) == 0
    start = tmp_path / "face" / LAST
    words = f"--data {folder} --out {tmp_path / 'run'} --smoke --device cpu --start {start}"
    assert main(words.split()) == 0
    other = load_checkpoint(start)
    other.ema.clear()
    with pytest.raises(WrongExperiment):
        from train.normals import task

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(task, "load_checkpoint", lambda _: other)
            task.begin_with_encoder(task.NormalNet(), start)
