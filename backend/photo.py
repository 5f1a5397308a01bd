"""Opens a photo: bytes to upright sRGB pixels, and the focal length that the camera noted down."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, ImageOps

from .camera import FULL_FRAME_DIAGONAL_MM
from .errors import PhotoTooLarge, PhotoUnreadable
from .protocol import MAX_PHOTO_BYTES

try:
    import pillow_heif
except ImportError:
    HEIC_SUPPORTED = False
else:
    pillow_heif.register_heif_opener()
    HEIC_SUPPORTED = True

FORMATS = ("JPEG", "PNG", "WEBP", "HEIF") if HEIC_SUPPORTED else ("JPEG", "PNG", "WEBP")

MAX_PIXELS = 64_000_000
MAX_SIDE = 16_384
WORKING_PIXELS = 16_000_000
"""Larger photos are shrunk to this: a 2k texture holds no more detail, and memory stays bounded."""

MATTE_GREY = 128
"""Transparent pictures are laid over mid grey: neither fair nor dark hair melts into it."""

HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"heif", b"mif1", b"msf1", b"avif")
DECODING_FAILURES = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    struct.error,
    zlib.error,
)
"""What Pillow's decoders raise on damaged bytes."""

SENSOR_ASPECTS = (4 / 3, 3 / 2, 16 / 9)
ASPECT_TOLERANCE = 0.02
PLAUSIBLE_FOCAL_DIAGONALS = (0.2, 25.0)
"""Focal length over picture diagonal: a 9 mm fisheye to a 1000 mm telephoto lens on full frame."""
MM_PER_RESOLUTION_UNIT = {2: 25.4, 3: 10.0, 4: 1.0}
"""EXIF 2.32, FocalPlaneResolutionUnit: inch, centimetre, millimetre."""

SAVE_AGAIN = "Open it in an image editor and save it again as JPEG or PNG, or choose another photo."


@dataclass(frozen=True)
class Photo:
    """One photo, upright."""

    pixels: NDArray[np.uint8]
    """(H,W,3) sRGB."""
    focal_px: float | None = None
    """Focal length in pixels of :attr:`pixels` if the file says it reliably."""
    name: str = ""
    """File name for messages."""
    scale: float = 1.0
    """Size of :attr:`pixels` relative to the file's own size; below 1 only above 16 megapixels."""

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self.pixels.shape[1]

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self.pixels.shape[0]


def read_photo(path: Path | str) -> Photo:
    """Load a photo from a file; raises like :func:`load_photo`, also when it cannot be read at all."""
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or "unknown reason"
        raise PhotoUnreadable(
            f"{_titled(path.name)} could not be read ({reason}).",
            "Check that the file exists and that you may open it.",
        ) from error
    return load_photo(data, path.name)


def load_photo(data: bytes, name: str = "") -> Photo:
    """Decode JPEG, PNG, WebP (and HEIC where pillow-heif is installed) to upright sRGB.

    The size is checked in the header before anything is decoded. Transparent pictures are laid
    over mid grey, 16-bit ones are reduced to 8 bits, CMYK follows its embedded profile, and photos
    above 16 megapixels are shrunk.

    Raises:
        PhotoUnreadable: no such picture, or damaged.
        PhotoTooLarge: more than 64 megapixels, 16,384 pixels along a side or 64 MB.
    """
    if len(data) > MAX_PHOTO_BYTES:
        raise PhotoTooLarge(
            f"{_titled(name)} is larger than {MAX_PHOTO_BYTES // 2**20} MB.",
            "Save it as JPEG, or at a smaller size.",
        )
    image = _open(data, name)
    native_width, native_height = image.size
    try:
        exif = image.getexif()  # decodes the whole picture if it is a PNG
        image.draft("RGB", _working_size(image.size))  # lets the JPEG decoder shrink while decoding
        image.load()
        upright = ImageOps.exif_transpose(image)
        rgb = _to_srgb(upright)
    except DECODING_FAILURES as error:
        raise PhotoUnreadable(f"{_titled(name)} is damaged or incomplete.", SAVE_AGAIN) from error
    rgb = _shrunk(rgb, _working_size(rgb.size))
    pixels = np.array(rgb, np.uint8)
    focal_per_diagonal = focal_over_diagonal(exif, native_width, native_height)
    diagonal = float(np.hypot(*pixels.shape[:2]))
    focal_px = None if focal_per_diagonal is None else focal_per_diagonal * diagonal
    return Photo(pixels, focal_px, name, max(pixels.shape[:2]) / max(native_width, native_height))


def focal_over_diagonal(exif: Image.Exif, width: int, height: int) -> float | None:
    """Focal length divided by the picture's diagonal from EXIF, or None if it is not to be trusted.

    It describes the frame as it left the camera. An edited picture keeps the tag but not the
    field of view, so a shape that no camera takes (square, 4:5, panorama) or that differs from the
    shape noted in the file counts as cropped. Turning by 90 degrees changes nothing, because the
    ratio refers to the diagonal.
    """
    tags = exif.get_ifd(ExifTags.IFD.Exif)
    noted = _number(tags.get(ExifTags.Base.ExifImageWidth)), _number(tags.get(ExifTags.Base.ExifImageHeight))
    if not _is_full_frame(width, height, *noted):
        return None
    ratio = _ratio_from_equivalent(tags) or _ratio_from_sensor(tags, *noted)
    low, high = PLAUSIBLE_FOCAL_DIAGONALS
    return ratio if ratio is not None and low <= ratio <= high else None


def _open(data: bytes, name: str) -> Image.Image:
    """Read the header only and refuse what is not a picture or is too large."""
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise _too_large(name) from error
    except DECODING_FAILURES as error:
        raise _not_a_photo(data, name) from error
    if image.width * image.height > MAX_PIXELS or max(image.size) > MAX_SIDE:
        raise _too_large(name)
    return image


def _not_a_photo(data: bytes, name: str) -> PhotoUnreadable:
    if data[4:8] == b"ftyp" and data[8:12] in HEIC_BRANDS:
        return PhotoUnreadable(
            f"{_titled(name)} is a HEIC photo, which this installation cannot open.",
            "Save it as a JPEG: every program for photos can export one.",
        )
    kinds = "JPEG, PNG, WebP or HEIC" if HEIC_SUPPORTED else "JPEG, PNG or WebP"
    return PhotoUnreadable(f"{_titled(name)} is not a photo that Likeness opens ({kinds}).", SAVE_AGAIN)


def _too_large(name: str) -> PhotoTooLarge:
    return PhotoTooLarge(
        f"{_titled(name)} has too many pixels (at most {MAX_PIXELS // 10**6} megapixels"
        f" and {MAX_SIDE:,} pixels along a side).",
        "Save a smaller copy; 2,000 pixels across the head are more than enough.",
    )


def _titled(name: str) -> str:
    return f'"{name}"' if name else "The photo"


def _to_srgb(image: Image.Image) -> Image.Image:
    """Any Pillow mode to RGB in sRGB over :data:`MATTE_GREY`."""
    profile = image.info.get("icc_profile")
    image = _eight_bit(image)
    if not image.has_transparency_data:
        return _apply_profile(image, profile)
    layered = image.convert("RGBA")
    colours = _apply_profile(layered.convert("RGB"), profile)
    ground = Image.new("RGB", image.size, (MATTE_GREY,) * 3)
    ground.paste(colours, mask=layered.getchannel("A"))
    return ground


def _eight_bit(image: Image.Image) -> Image.Image:
    """Reduce 16-bit grey, which Pillow would clip, and expand palettes and bitmaps."""
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image, np.float64)
        return Image.fromarray(np.clip(np.rint(values / 257.0), 0, 255).astype(np.uint8))
    if image.mode in ("P", "1", "LA", "PA", "La", "RGBa") and not image.has_transparency_data:
        return image.convert("RGB")
    return image


def _apply_profile(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert to sRGB by the embedded ICC profile; a broken or mismatched profile is ignored."""
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(
                image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
        except (ImageCms.PyCMSError, OSError, ValueError):
            return image.convert("RGB")
        if converted is not None:
            return converted
    return image.convert("RGB")


def _working_size(size: tuple[int, int]) -> tuple[int, int]:
    factor = min(1.0, (WORKING_PIXELS / (size[0] * size[1])) ** 0.5)
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def _shrunk(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return image if image.size == size else image.resize(size, Image.Resampling.BOX)


def _is_full_frame(width: int, height: int, noted_width: float, noted_height: float) -> bool:
    aspect = _aspect(width, height)
    if noted_width > 0 and noted_height > 0 and not _close(aspect, _aspect(noted_width, noted_height)):
        return False
    return any(_close(aspect, sensor) for sensor in SENSOR_ASPECTS)


def _aspect(width: float, height: float) -> float:
    return max(width, height) / min(width, height)


def _close(aspect: float, other: float) -> bool:
    return abs(aspect / other - 1.0) < ASPECT_TOLERANCE


def _ratio_from_equivalent(tags: dict[int, object]) -> float | None:
    equivalent_mm = _number(tags.get(ExifTags.Base.FocalLengthIn35mmFilm))
    return equivalent_mm / FULL_FRAME_DIAGONAL_MM if equivalent_mm > 0 else None


def _ratio_from_sensor(tags: dict[int, object], noted_width: float, noted_height: float) -> float | None:
    """Focal length and sensor resolution; the resolution counts the pixels noted in the file."""
    focal_mm = _number(tags.get(ExifTags.Base.FocalLength))
    pixels_per_unit = _number(tags.get(ExifTags.Base.FocalPlaneXResolution))
    unit_mm = MM_PER_RESOLUTION_UNIT.get(int(_number(tags.get(ExifTags.Base.FocalPlaneResolutionUnit, 2))))
    if min(focal_mm, pixels_per_unit, noted_width, noted_height) <= 0 or unit_mm is None:
        return None
    return focal_mm * pixels_per_unit / unit_mm / float(np.hypot(noted_width, noted_height))


def _number(value: object) -> float:
    """An EXIF number (rational, integer, garbage) as float; 0 for anything unusable."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError):
        return 0.0
    return number if np.isfinite(number) else 0.0
