"""Pictures packed into the .blend as the PNG files that arrived."""

from __future__ import annotations

import bpy

from ..head_data import ImageData

DELIVERED = "likeness_bytes"
"""Custom property of an image: size of its file as it arrived."""


def build_image(data: ImageData, name: str) -> bpy.types.Image:
    """A packed image. Blender decodes it when it is first shown."""
    image = bpy.data.images.new(name, data.width, data.height, alpha=True)
    image.pack(data=data.png, data_len=len(data.png))
    image[DELIVERED] = len(data.png)
    image.source = "FILE"  # the packed file instead of the generated pixels
    image.filepath_raw = f"//{bpy.path.clean_name(name)}.png"  # where *Unpack* would put it
    image.file_format = "PNG"
    image.colorspace_settings.name = "sRGB"
    image.alpha_mode = "STRAIGHT"
    return image


def as_delivered(image: bpy.types.Image | None) -> bool:
    """Whether an image is still the file that arrived: nobody painted on it."""
    if image is None or image.is_dirty or image.packed_file is None:
        return False
    return image.packed_file.size == image.get(DELIVERED)
