"""Pictures on disk as the scene's output settings ask for them, written completely or not at all."""

from __future__ import annotations

from pathlib import Path

import bpy

from .errors import FileUnusable, SceneUnfit


def require_pictures(scene: bpy.types.Scene) -> None:
    """SceneUnfit if the scene's output is a film, which cannot be written frame by frame."""
    if scene.render.is_movie_format:
        raise SceneUnfit("The scene's output is a video", "Choose an image format in the Output properties")


def frame_path(scene: bpy.types.Scene, frame: int) -> Path:
    """Where the scene's output settings put a frame."""
    return Path(bpy.path.abspath(scene.render.frame_path(frame=frame)))


def save_picture(scene: bpy.types.Scene, image: bpy.types.Image, path: Path) -> None:
    """Write an image in the scene's output format, its colours as they are; FileUnusable with the reason."""
    from .stage import keep_colours

    partial = path.with_name(f"{path.name}.part")
    stage = scene.copy()  # its format without its film look
    try:
        keep_colours(stage)
        stage.render.image_settings.color_management = "FOLLOW_SCENE"
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save_render(str(partial), scene=stage)
        partial.replace(path)
    except (OSError, RuntimeError) as error:  # Blender's own words for a full disk are a RuntimeError
        raise FileUnusable(
            "{name} cannot be written ({reason})",
            "Choose another folder or free some space",
            name=path.name,
            reason=getattr(error, "strerror", None) or error,
        ) from error
    finally:
        if partial.is_file():
            partial.unlink()
        bpy.data.scenes.remove(stage)
