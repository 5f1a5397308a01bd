"""Pictures packed into the .blend as the PNG files that arrived."""

from __future__ import annotations

import bpy

from ..head_data import ImageData


def build_image(data: ImageData, name: str) -> bpy.types.Image:
    """A packed image. Blender decodes it when it is first shown."""
    image = bpy.data.images.new(name, data.width, data.height, alpha=True)
    image.pack(data=data.png, data_len=len(data.png))
    image.source = "FILE"  # the packed file instead of the generated pixels
    image.filepath_raw = f"//{bpy.path.clean_name(name)}.png"  # where *Unpack* would put it
    image.file_format = "PNG"
    image.colorspace_settings.name = "sRGB"
    image.alpha_mode = "STRAIGHT"
    return image
