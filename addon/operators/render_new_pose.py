"""The head as it stands now, rendered back into a photo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.props import StringProperty

from ..errors import AddonError
from ..output import require_pictures, save_picture
from ..properties import active_head
from ..session import session
from ..views import redraw_sidebars, show_image
from ..words import report_text
from .job_operator import JobOperator

if TYPE_CHECKING:
    from ..jobs import Request
    from ..still_data import CoarseRender, StillData


class LIKENESS_OT_render_new_pose(bpy.types.Operator, JobOperator):
    """Render the selected head through the scene's camera into a picture that continues the photo"""

    bl_idname = "likeness.render_new_pose"
    bl_label = "Render New Pose"
    bl_options = {"REGISTER"}

    _carried = 1.0

    filepath: StringProperty(
        name="Save As",
        description="File to write as well, in the scene's output format; the picture always opens in the"
        " Image Editor",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is a head and a camera."""
        return can_render(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Render the head alone, then let the backend put it before the plate and fill what is missing."""
        from ..render import render_coarse

        pivot = active_head(context)
        assert pivot is not None
        try:
            if self.filepath:
                require_pictures(context.scene)
            coarse = render_coarse(context.scene, pivot)
        except AddonError as error:
            return self.refuse(error)
        self._carried = coarse.carried
        return self.start(context, refine_request("New Pose", coarse))

    def finished(self, context: bpy.types.Context, result: StillData) -> set[str]:
        """Open the picture, write the file if one was asked for, and say how it was finished."""
        from ..build.images import build_image

        still = build_image(result.still, "New Pose")
        if self.filepath:
            try:
                save_picture(context.scene, still, Path(bpy.path.abspath(self.filepath)))
            except AddonError as error:
                bpy.data.images.remove(still)
                return self.refuse(error)
        invented = build_image(result.invented, "New Pose Invented")
        invented.colorspace_settings.name = "Non-Color"
        for image in (still, invented):
            image["likeness_method"] = result.header.method
            image["likeness_interim"] = result.header.interim
            image["likeness_invented_share"] = result.header.invented_share
            image.use_fake_user = True  # nothing else keeps it in the .blend
        show_image(context, still)
        session.notice = describe(result, self._carried)
        self.report({"INFO"}, session.notice)
        redraw_sidebars(context)
        return {"FINISHED"}


def can_render(operator: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    """Whether there is a head and a camera; tells the artist what is missing."""
    if active_head(context) is None:
        operator.poll_message_set("Select a head first")
        return False
    if context.scene.camera is None:
        operator.poll_message_set("The scene has no camera")
        return False
    return True


def refine_request(title: str, coarse: CoarseRender) -> Request[StillData]:
    """The job that finishes a coarse render."""
    from ..jobs import Request
    from ..still_data import decode_still, encode_refine

    return Request(title, lambda client: client.refine(encode_refine(coarse)), decode_still)


def describe(result: StillData, carried: float) -> str:
    """How the picture was finished, in a sentence or two."""
    from ..gauge import STRETCHED

    header = result.header
    words = report_text("New pose rendered: {share:.1%} of the head is invented", share=header.invented_share)
    if header.interim:
        words += report_text(" by {method} (interim)", method=header.method)
    if carried < STRETCHED:
        words += report_text(". The photo shows only {share:.0%} of this side of the head", share=carried)
    return words


CLASSES = (LIKENESS_OT_render_new_pose,)
