"""The head as it stands now, rendered back into a photo."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.props import StringProperty

from ..build.images import build_image
from ..errors import AddonError, FileUnusable
from ..jobs import Request
from ..properties import active_head
from ..render import render_coarse
from ..session import session
from ..still_data import StillData, decode_still, encode_refine
from ..views import redraw_sidebars, show_image
from .job_operator import JobOperator


class LIKENESS_OT_render_new_pose(bpy.types.Operator, JobOperator):
    """Render the selected head through the scene's camera into a picture that continues the photo"""

    bl_idname = "likeness.render_new_pose"
    bl_label = "Render New Pose"
    bl_options = {"REGISTER"}

    filepath: StringProperty(
        name="Save As",
        description="PNG file to write as well; the picture always opens in the Image Editor",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is a head and a camera."""
        if active_head(context) is None:
            cls.poll_message_set("Select a head first")
            return False
        if context.scene.camera is None:
            cls.poll_message_set("The scene has no camera")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Render the head alone, then let the backend put it before the plate and fill what is missing."""
        pivot = active_head(context)
        assert pivot is not None
        try:
            coarse = render_coarse(context.scene, pivot)
        except AddonError as error:
            return self.refuse(error)
        request: Request[StillData] = Request(
            title="New Pose",
            submit=lambda client: client.refine(encode_refine(coarse)),
            decode=decode_still,
        )
        return self.start(context, request)

    def finished(self, context: bpy.types.Context, result: StillData) -> set[str]:
        """Open the picture, write the file if one was asked for, and say how it was finished."""
        if self.filepath:
            try:
                save_picture(Path(bpy.path.abspath(self.filepath)), result.still.png)
            except AddonError as error:
                return self.refuse(error)
        still = build_image(result.still, "New Pose")
        invented = build_image(result.invented, "New Pose Invented")
        invented.colorspace_settings.name = "Non-Color"
        for image in (still, invented):
            image["likeness_method"] = result.header.method
            image["likeness_interim"] = result.header.interim
            image["likeness_invented_share"] = result.header.invented_share
            image.use_fake_user = True  # nothing else keeps it in the .blend
        show_image(context, still)
        session.notice = describe(result)
        self.report({"INFO"}, session.notice)
        redraw_sidebars(context)
        return {"FINISHED"}


def describe(result: StillData) -> str:
    """How the picture was finished, in one sentence."""
    share = f"gaps in {result.header.invented_share:.1%} of the head are filled in"
    method = f" by an interim method: {result.header.method}" if result.header.interim else ""
    return f"New pose rendered: {share}{method}"


def save_picture(path: Path, png: bytes) -> None:
    """Write a file completely or not at all; FileUnusable with the reason."""
    partial = path.with_name(path.name + ".part")
    try:
        partial.write_bytes(png)
        partial.replace(path)
    except OSError as error:
        if partial.is_file():
            partial.unlink()
        raise FileUnusable(
            f"{path.name} cannot be written ({error.strerror})", "Choose another folder or free some space"
        ) from error


CLASSES = (LIKENESS_OT_render_new_pose,)
