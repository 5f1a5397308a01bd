"""Heads on the fly: what is drawn is what is said of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backend.frames import rotation_from_angles
from backend.morphable import load_head_model
from backend.nets.face_crop import WindowCameras
from train.face import plain
from train.face.albedo import nearest_coefficients
from train.face.data import Jitter
from train.face.plain import PlainFaces
from train.face.render import displayed, render_faces
from train.face.shape import shape_model
from train.face.unsupervised import AlbedoTensors

SIDE = 64
SOURCE = PlainFaces(Jitter(0.03, 0.06), seed=4)


def test_equal_numbers_give_equal_windows() -> None:
    first, again, other = (SOURCE.sample(n, SIDE) for n in (5, 5, 6))
    assert all(torch.equal(first[name], again[name]) for name in first if name != "depth")
    assert not torch.equal(first["picture"], other["picture"])


def test_truth_holds() -> None:
    model = shape_model(load_head_model(), torch.device("cpu"))
    for number in range(4):
        sample = {name: values[None] for name, values in SOURCE.sample(number, SIDE).items()}
        cameras = WindowCameras(sample["focal"], sample["principal"], SIDE)
        points = model.landmarks_478.of(model.vertices(sample["identity"], sample["expression"]))
        seen = cameras.project(cameras.to_camera(points, sample["rotation"], sample["place"]))
        torch.testing.assert_close(seen, sample["landmarks"], rtol=0, atol=0.01)


def test_some_heads_are_painted_and_their_coefficients_say_what_is_nearest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = {}
    for share in (0.0, 1.0):
        monkeypatch.setattr(plain, "PAINTED", share)
        found[share] = SOURCE.sample(3, SIDE)
    bare, painted = found[0.0], found[1.0]
    assert torch.equal(bare["identity"], painted["identity"]) and torch.equal(bare["light"], painted["light"])
    assert float((bare["picture"] - painted["picture"]).abs().max()) > 0.1
    head = load_head_model()
    assert head.albedo is not None
    skin = head.albedo.of(bare["albedo"].numpy())
    again = nearest_coefficients(skin[None])[0]
    assert np.corrcoef(again, bare["albedo"].numpy())[0, 1] > 0.8


WRONG = {
    "turned": lambda sample: {"rotation": sample["rotation"] @ TURN},
    "moved": lambda sample: {"place": sample["place"] + torch.tensor([0.06, 0.0, 0.0])},
    "another face": lambda sample: {"identity": -sample["identity"]},
    "another mood": lambda sample: {"expression": 0.8 - sample["expression"]},
    "light from the other side": lambda sample: {"light": sample["light"] * OTHER_SIDE},
}
"""One thing that a network might get wrong."""
TURN = torch.from_numpy(rotation_from_angles(0, 0, 0).T @ rotation_from_angles(12, 0, 0)).float()
OTHER_SIDE = torch.tensor([1.0, 1, -1, 1, -1, 1, 1, -1, 1])[:, None]
"""Signs of the harmonics when right and left are exchanged."""


def test_the_true_answer_draws_the_picture_and_no_wrong_one_does() -> None:
    """Up to exposure, lens and compression, which only the picture has."""
    head = load_head_model()
    assert head.albedo is not None
    model = shape_model(head, torch.device("cpu"))
    albedo = AlbedoTensors.of(head.albedo, torch.device("cpu"))

    def drawn(sample: dict[str, torch.Tensor]) -> tuple[np.ndarray, np.ndarray]:
        """Luminance (S,S) of an answer, and where it has a head."""
        cameras = WindowCameras(sample["focal"], sample["principal"], SIDE)
        shapes = model.vertices(sample["identity"], sample["expression"])
        placed = cameras.to_camera(shapes, sample["rotation"], sample["place"])
        colours = albedo.colours(sample["albedo"])
        seen = render_faces(placed, model.triangles, colours, sample["light"], cameras)
        return displayed(seen.colour[0].clamp(0, 1)).mean(-1).numpy(), seen.covered[0].numpy()

    alike: dict[str, list[float]] = {name: [] for name in ("truth", *WRONG)}
    for number in range(6):
        sample = {name: values[None] for name, values in SOURCE.sample(number, SIDE).items()}
        photo = ((sample["picture"][0].permute(1, 2, 0) + 1) / 2).mean(-1).numpy()
        luminance, inner = drawn(sample)
        alike["truth"].append(np.corrcoef(luminance[inner], photo[inner])[0, 1])
        for name, wrong in WRONG.items():
            luminance, covered = drawn({**sample, **wrong(sample)})
            both = inner & covered
            alike[name].append(np.corrcoef(luminance[both], photo[both])[0, 1])
    assert np.median(alike["truth"]) > 0.9
    for name in WRONG:
        better = np.greater(alike["truth"], alike[name])
        assert better.sum() >= 5, (name, alike)
