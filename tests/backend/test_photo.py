from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms

from backend.camera import FULL_FRAME_DIAGONAL_MM
from backend.errors import PhotoTooLarge, PhotoUnreadable
from backend.photo import MATTE_GREY, MAX_PIXELS, load_photo, read_photo

from . import bad_input


def gradient(width: int = 60, height: int = 40) -> np.ndarray:
    """A picture without symmetry, smooth enough for JPEG."""
    y, x = np.mgrid[:height, :width]
    return np.dstack([x * 4 % 256, y * 5 % 256, (x + y) * 2 % 256]).astype(np.uint8)


def with_exif(picture: np.ndarray, **tags: object) -> bytes:
    exif = Image.Exif()
    if "Orientation" in tags:
        exif[ExifTags.Base.Orientation] = tags.pop("Orientation")
    details = exif.get_ifd(ExifTags.IFD.Exif)
    for name, value in tags.items():
        details[ExifTags.Base[name]] = value
    return bad_input.encoded(picture, "JPEG", exif=exif, quality=100, subsampling=0)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_lossless_formats_keep_every_pixel(kind: str) -> None:
    photo = load_photo(bad_input.encoded(gradient(), kind, lossless=True), "a.png")
    np.testing.assert_array_equal(photo.pixels, gradient())
    assert (photo.width, photo.height, photo.name, photo.scale) == (60, 40, "a.png", 1.0)


def test_jpeg() -> None:
    photo = load_photo(bad_input.encoded(bad_input.astronaut(), "JPEG", quality=95))
    error = np.abs(photo.pixels.astype(int) - bad_input.astronaut())
    assert np.median(error) < 3


def test_path_with_spaces_and_umlauts(tmp_path: Path) -> None:
    path = tmp_path / "Größe und Überblick" / "Jörg mit Hut.png"
    path.parent.mkdir()
    path.write_bytes(bad_input.encoded(gradient()))
    photo = read_photo(path)
    np.testing.assert_array_equal(photo.pixels, gradient())
    assert photo.name == "Jörg mit Hut.png"


def test_missing_file_and_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing here.jpg", tmp_path):
        with pytest.raises(PhotoUnreadable, match=path.name) as caught:
            read_photo(path)
        assert caught.value.hint


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photo_is_turned_upright(orientation: int) -> None:
    upright = gradient()
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    photo = load_photo(with_exif(np.ascontiguousarray(stored), Orientation=orientation))
    assert photo.pixels.shape == upright.shape
    assert np.abs(photo.pixels.astype(int) - upright).mean() < 4


def test_focal_length_from_the_35_mm_equivalent_survives_turning() -> None:
    expected = 50.0 / FULL_FRAME_DIAGONAL_MM * np.hypot(60, 40)
    for orientation, picture in ((1, gradient(60, 40)), (6, gradient(60, 40))):
        photo = load_photo(with_exif(picture, Orientation=orientation, FocalLengthIn35mmFilm=50))
        assert photo.focal_px == pytest.approx(expected)


def test_focal_length_from_the_sensor_resolution() -> None:
    # 6000 px on a 36 mm sensor, 85 mm lens; the file was resized to 60 px without cropping.
    data = with_exif(
        gradient(60, 40),
        FocalLength=85.0,
        FocalPlaneXResolution=6000 / 3.6,
        FocalPlaneResolutionUnit=3,
        ExifImageWidth=6000,
        ExifImageHeight=4000,
    )
    assert load_photo(data).focal_px == pytest.approx(85 / 36 * 60, rel=1e-3)


@pytest.mark.parametrize(
    ("size", "tags"),
    [
        ((50, 50), {"FocalLengthIn35mmFilm": 50}),
        ((40, 50), {"FocalLengthIn35mmFilm": 50}),
        ((60, 40), {"FocalLengthIn35mmFilm": 50, "ExifImageWidth": 4000, "ExifImageHeight": 3000}),
        ((60, 40), {"FocalLengthIn35mmFilm": 0}),
        ((60, 40), {"FocalLengthIn35mmFilm": 60_000}),
        ((60, 40), {"FocalLength": 85.0}),
        ((60, 40), {}),
    ],
)
def test_doubtful_focal_lengths_are_ignored(size: tuple[int, int], tags: dict[str, object]) -> None:
    assert load_photo(with_exif(gradient(*size), **tags)).focal_px is None


def test_srgb_and_broken_profiles_leave_the_colours() -> None:
    profile = ImageCms.createProfile("sRGB")
    same = bad_input.encoded(gradient(), icc_profile=ImageCms.ImageCmsProfile(profile).tobytes())
    assert np.abs(load_photo(same).pixels.astype(int) - gradient()).max() <= 1
    broken = bad_input.encoded(gradient(), icc_profile=b"no profile at all")
    np.testing.assert_array_equal(load_photo(broken).pixels, gradient())


def test_profile_of_another_kind_of_picture_is_ignored() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    np.testing.assert_array_equal(
        load_photo(bad_input.encoded(gradient(), icc_profile=lab)).pixels, gradient()
    )


def test_cmyk_jpeg_comes_out_in_its_colours() -> None:
    photo = load_photo(bad_input.cmyk_jpeg())
    assert np.abs(photo.pixels.astype(int) - bad_input.astronaut()).mean() < 6


@pytest.mark.parametrize("make", [bad_input.grey_png_16, bad_input.rgb_png_16])
def test_sixteen_bits_are_reduced_not_clipped(make) -> None:
    photo = load_photo(make())
    grey = np.asarray(Image.fromarray(bad_input.astronaut()).convert("L")).astype(int)
    ours = np.asarray(Image.fromarray(photo.pixels).convert("L")).astype(int)
    assert np.abs(ours - grey).max() <= 2


def test_transparent_parts_become_mid_grey() -> None:
    photo = load_photo(bad_input.palette_png_with_alpha())
    assert (photo.pixels[:, :250] == MATTE_GREY).all()
    right = photo.pixels[:, 262:].astype(int) - bad_input.astronaut()[:, 262:]
    assert np.abs(right).mean() < 16  # 128 palette colours


def test_half_transparency_is_blended() -> None:
    picture = np.dstack([np.full((4, 4, 3), 255, np.uint8), np.full((4, 4), 51, np.uint8)])
    blended = load_photo(bad_input.encoded(picture)).pixels
    assert np.abs(blended.astype(int) - round(0.2 * 255 + 0.8 * MATTE_GREY)).max() <= 1


def test_grey_and_black_and_white() -> None:
    for mode in ("L", "1", "LA"):
        stream = io.BytesIO()
        Image.fromarray(bad_input.astronaut()).convert("L").convert(mode).save(stream, "PNG")
        assert load_photo(stream.getvalue()).pixels.shape == (512, 512, 3)


def test_decompression_bomb_is_refused_by_its_header() -> None:
    data = bad_input.bomb_png()
    assert len(data) < 300_000
    with pytest.raises(PhotoTooLarge, match="too many pixels") as caught:
        load_photo(data, "big.png")
    assert "big.png" in caught.value.message and caught.value.hint


def test_just_over_the_limits_is_refused() -> None:
    for width, height in ((MAX_PIXELS // 5000 + 1, 5001), (16_400, 10)):
        with pytest.raises(PhotoTooLarge):
            load_photo(bad_input.bomb_png(width, height))


def test_above_16_megapixels_the_photo_is_shrunk_and_the_focal_length_with_it() -> None:
    data = bad_input.bomb_png(6000, 4000)
    photo = load_photo(data)
    assert photo.pixels.shape[0] * photo.pixels.shape[1] <= 16_010_000
    assert photo.scale == pytest.approx(photo.width / 6000, rel=1e-3)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (bad_input.truncated_jpeg(), "damaged or incomplete"),
        (bad_input.text_file(), "is not a photo"),
        (b"", "is not a photo"),
        (bad_input.encoded(gradient(), "GIF"), "is not a photo"),
        (bad_input.encoded(gradient(), "TIFF"), "is not a photo"),
        (bad_input.encoded(gradient())[:80], "damaged or incomplete"),
    ],
)
def test_what_is_no_photo_is_refused_with_a_remedy(data: bytes, words: str) -> None:
    with pytest.raises(PhotoUnreadable, match=words) as caught:
        load_photo(data, "photo.jpg")
    assert "photo.jpg" in caught.value.message and caught.value.hint


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["PNG", "JPEG", "WEBP"]), st.integers(0, 10_000), st.integers(0, 255), st.data())
def test_flipped_bytes_never_raise_anything_else(kind: str, place: int, value: int, data) -> None:
    whole = bytearray(bad_input.encoded(gradient(), kind))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[place % len(whole)] = value
        place = place * 31 + 7
    try:
        photo = load_photo(bytes(whole))
    except (PhotoUnreadable, PhotoTooLarge):
        return
    assert photo.pixels.dtype == np.uint8 and photo.pixels.ndim == 3
