from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.head_parse import FACE
from train.common.errors import BrokenSample, EmptyDataset
from train.parsing.sample import MANIFEST, UNKNOWN, read_manifest, read_samples, write_sample

from . import pictures


def test_round_trip(tmp_path: Path) -> None:
    sample = pictures.person()
    sample.regions[:10] = UNKNOWN
    sample.trusted[:10] = 0
    line = write_sample(tmp_path, "a", sample)
    (tmp_path / MANIFEST).write_text(json.dumps(line))
    (files,) = read_manifest(tmp_path)
    found = files.read()
    for name in ("regions", "head", "person", "trusted"):
        np.testing.assert_array_equal(getattr(found, name), getattr(sample, name))
    # Even colours survive JPEG; the noise on them need not.
    face = sample.regions == FACE
    np.testing.assert_allclose(found.pixels[face].mean(axis=0), sample.pixels[face].mean(axis=0), atol=1.5)


def test_the_generators_compact_format_needs_no_manifest(tmp_path: Path) -> None:
    pictures.folder(tmp_path, 1)
    (tmp_path / MANIFEST).unlink()
    mattes = cv2.imread(str(tmp_path / "p0_mattes.png"), cv2.IMREAD_UNCHANGED)
    cv2.imwrite(str(tmp_path / "p0_alpha.png"), mattes[..., :3])
    (files,) = read_samples(tmp_path)
    found = files.read()
    np.testing.assert_array_equal(found.head, pictures.person().head)
    assert (found.trusted == 255).all()


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(EmptyDataset, match=tmp_path.name):
        read_samples(tmp_path)
    (tmp_path / MANIFEST).write_text("\n")
    with pytest.raises(EmptyDataset, match=MANIFEST):
        read_samples(tmp_path)


@pytest.mark.parametrize("name", ["p0.jpg", "p0_regions.png", "p0_mattes.png"])
def test_a_broken_or_missing_file_is_named(tmp_path: Path, name: str) -> None:
    (files,) = read_samples(pictures.folder(tmp_path, 1))
    whole = (tmp_path / name).read_bytes()
    for data in (b"", b"no picture", whole[:40]):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(BrokenSample, match=name):
            files.read()
    (tmp_path / name).unlink()
    with pytest.raises(BrokenSample, match=name):
        files.read()


def test_a_wrong_size_is_named(tmp_path: Path) -> None:
    (files,) = read_samples(pictures.folder(tmp_path, 1))
    cv2.imwrite(str(files.regions), np.zeros((40, 40), np.uint8))
    with pytest.raises(BrokenSample, match=r"p0_regions\.png.*\(40, 40\)"):
        files.read()


def test_codes_that_mean_nothing_are_named(tmp_path: Path) -> None:
    (files,) = read_samples(pictures.folder(tmp_path, 1))
    cv2.imwrite(str(files.regions), np.full((pictures.SIDE, pictures.SIDE), 8, np.uint8))
    with pytest.raises(BrokenSample, match="codes"):
        files.read()
    cv2.imwrite(str(files.mattes), np.zeros((pictures.SIDE, pictures.SIDE), np.uint8))
    with pytest.raises(BrokenSample, match="codes"):
        files.read()
    with pytest.raises(BrokenSample, match="mattes"):
        replace(files, regions=pictures.folder(tmp_path / "other", 1) / "p0_regions.png").read()


@pytest.mark.parametrize("line", ["no json", "[]", '{"id": "a"}', '{"id": "a", "image": "a.jpg"}'])
def test_a_line_without_its_label_is_named(tmp_path: Path, line: str) -> None:
    with (pictures.folder(tmp_path, 2) / MANIFEST).open("a") as stream:
        stream.write(line)
    with pytest.raises(BrokenSample, match="line 3"):
        read_samples(tmp_path)
