"""Records survive the wire; pictures that are none are refused."""

from __future__ import annotations

import contextlib
import struct
from dataclasses import replace

import numpy as np
import pytest
from backend_fakes import small_measure, small_reconstruction
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from backend.payload import BadPayload, pack
from backend.protocol import MeasureHeader
from backend.still import Still
from backend.wire import (
    RefineRequest,
    decode_png,
    encode_png,
    pack_measure,
    pack_reconstruction,
    pack_refine_request,
    pack_still,
    unpack_measure,
    unpack_reconstruction,
    unpack_refine_request,
    unpack_still,
)


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


@settings(max_examples=40)
@given(
    st.sampled_from([(), (3,), (4,)]).flatmap(
        lambda channels: st.tuples(st.integers(1, 9), st.integers(1, 9)).flatmap(
            lambda size: hnp.arrays(np.uint8, size + channels)
        )
    )
)
def test_png_keeps_every_pixel(pixels: np.ndarray) -> None:
    """Also where alpha is 0: refinement looks beneath the matte's edge."""
    np.testing.assert_array_equal(decode_png(encode_png(pixels), pixels.shape), pixels)


def test_a_measure_survives() -> None:
    before = small_measure()
    after = unpack_measure(pack_measure(before))
    assert (after.expression, after.model, after.warnings) == (
        before.expression,
        before.model,
        before.warnings,
    )
    np.testing.assert_array_equal(after.pose.rotation, before.pose.rotation)
    np.testing.assert_array_equal(after.pose.translation_mm, before.pose.translation_mm)


def test_a_measure_with_too_few_numbers_is_refused() -> None:
    rows = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    with pytest.raises(BadPayload, match="expected 3 items"):
        unpack_measure(pack(MeasureHeader(rows, (0.0, 0.0, 1.0), {}, "test"), {}))  # type: ignore[arg-type]


def test_a_reconstruction_survives() -> None:
    before = small_reconstruction()
    after = unpack_reconstruction(pack_reconstruction(before))
    assert after.camera == before.camera
    assert after.expression_names == before.expression_names
    assert after.warnings == before.warnings
    np.testing.assert_array_equal(after.pose.rotation, before.pose.rotation)
    np.testing.assert_array_equal(after.identity, before.identity)
    for old, new in zip(before.meshes, after.meshes, strict=True):
        assert (old.name, old.image, old.origin_mm) == (new.name, new.image, new.origin_mm)
        assert (old.follows_head, old.has_alpha, old.visible) == (
            new.follows_head,
            new.has_alpha,
            new.visible,
        )
        for key in ("vertices", "polygons", "uvs", "expression", "identity", "known", "seen_at"):
            np.testing.assert_array_equal(getattr(old, key), getattr(new, key))
    assert list(after.images) == list(before.images)
    for name, pixels in before.images.items():
        np.testing.assert_array_equal(after.images[name], pixels)


def test_light_survives() -> None:
    assert unpack_reconstruction(pack_reconstruction(small_reconstruction())).light is None
    light = np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32)
    after = unpack_reconstruction(pack_reconstruction(replace(small_reconstruction(), light=light)))
    assert after.light is not None
    assert after.light.dtype == np.float32
    np.testing.assert_array_equal(after.light, light)


def test_surprise_survives() -> None:
    surprise = {"identity": 0.9, "expression": 1.2, "albedo": 0.4}
    before = replace(small_reconstruction(), surprise=surprise)
    assert unpack_reconstruction(pack_reconstruction(before)).surprise == surprise


def test_a_refine_request_survives() -> None:
    place = np.random.default_rng(1).random((5, 7, 2)).astype(np.float32)
    before = RefineRequest(noise(5, 7, 4), noise(5, 7), place, noise(3, 2, 3), transparent=True)
    after = unpack_refine_request(pack_refine_request(before))
    for key in ("coarse", "known", "plate"):
        np.testing.assert_array_equal(getattr(after, key), getattr(before, key))
    assert after.transparent
    assert after.place == pytest.approx(place, abs=1e-5)
    assert after.surroundings is None
    assert after.photo is None
    before = replace(before, surroundings=noise(5, 7, 4), photo=noise(9, 8, 3))
    after = unpack_refine_request(pack_refine_request(before))
    np.testing.assert_array_equal(after.surroundings, before.surroundings)
    np.testing.assert_array_equal(after.photo, before.photo)


@pytest.mark.parametrize("channels", [3, 4])
def test_a_still_survives(channels: int) -> None:
    before = Still(noise(5, 7, channels), noise(5, 7), 0.25, "diffusion", True)
    after = unpack_still(pack_still(before))
    np.testing.assert_array_equal(after.pixels, before.pixels)
    np.testing.assert_array_equal(after.invented, before.invented)
    assert (after.invented_share, after.method, after.interim) == (0.25, "diffusion", True)


PLACE = np.zeros((5, 7, 2), np.float32)


@pytest.mark.parametrize(
    "request_",
    [
        RefineRequest(noise(5, 7, 3), noise(5, 7), PLACE, noise(5, 7, 3)),
        RefineRequest(noise(5, 7, 4), noise(7, 5), np.zeros((7, 5, 2), np.float32), noise(5, 7, 3)),
        RefineRequest(noise(5, 7, 4), noise(5, 7), PLACE, noise(5, 7, 4)),
        RefineRequest(noise(5, 7, 4), noise(5, 7), PLACE, noise(7, 5)),
        RefineRequest(noise(5, 7, 4), noise(5, 7), PLACE, noise(5, 7, 3), photo=noise(7, 5)),
        RefineRequest(noise(5, 7, 4), noise(5, 7), PLACE, noise(5, 7, 3), surroundings=noise(7, 5, 4)),
    ],
)
def test_pictures_of_a_wrong_shape_are_refused(request_: RefineRequest) -> None:
    with pytest.raises(BadPayload):
        unpack_refine_request(pack_refine_request(request_))


def test_a_picture_that_announces_too_many_pixels_is_not_decoded() -> None:
    data = bytearray(encode_png(noise(2, 2)))
    data[16:24] = struct.pack(">II", 30_000, 30_000)
    with pytest.raises(BadPayload, match="too large"):
        decode_png(bytes(data))


@settings(max_examples=100)
@given(st.data())
def test_damaged_pictures_raise_nothing_but_bad_payload(data: st.DataObject) -> None:
    picture = bytearray(encode_png(noise(6, 6, 4)))
    for _ in range(data.draw(st.integers(1, 4))):
        picture[data.draw(st.integers(0, len(picture) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(BadPayload):
        decode_png(bytes(picture[: data.draw(st.integers(0, len(picture)))]))
