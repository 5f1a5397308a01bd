"""Pose and expression of another photo for a head that is there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.props import BoolProperty, IntProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from ..errors import AddonError
from ..preferences import preferences
from ..properties import PIVOT, RECORD, active_head, likeness
from ..session import read_photo, session
from ..views import redraw_sidebars
from ..words import CONTEXT, report_text
from .import_photo import EXTENSIONS
from .job_operator import JobOperator

if TYPE_CHECKING:
    from ..measured import MeasuredFace


class LIKENESS_OT_copy_from_photo(bpy.types.Operator, JobOperator, ImportHelper):
    """Let the selected head do what the person in another photo does"""

    bl_idname = "likeness.copy_from_photo"
    bl_label = "Copy Pose and Expression from Photo"
    bl_options = {"REGISTER"}

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(default=";".join(f"*{end}" for end in EXTENSIONS), options={"HIDDEN"})
    use_pose: BoolProperty(name="Pose", description="Turn the head as in the photo", default=True)
    use_expression: BoolProperty(name="Expression", description="Set the expression sliders", default=True)
    face: IntProperty(
        name="Face",
        translation_context=CONTEXT,
        description="Which face to take if the photo shows several, largest first; 0 takes the largest",
        min=0,
        max=99,
        options={"SKIP_SAVE"},
    )

    _head_uid = 0

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is a head."""
        cls.poll_message_set("Select a head first")
        return active_head(context) is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Send the photo to the backend; the head moves when it has been measured."""
        from ...backend.protocol import MAX_PHOTO_BYTES, Quality
        from ..jobs import Request
        from ..measured import decode_measure

        pivot = active_head(context)
        assert pivot is not None
        self._head_uid = pivot.session_uid
        path = Path(bpy.path.abspath(self.filepath))
        face, quality = self.face or None, Quality(preferences(context).quality)
        session.photos.append(path)
        request: Request[MeasuredFace] = Request(
            title=path.name,
            submit=lambda client: client.measure(read_photo(path, MAX_PHOTO_BYTES), face, quality),
            decode=lambda data: decode_measure(path.name, data),
        )
        return self.start(context, request)

    def finished(self, context: bpy.types.Context, result: MeasuredFace) -> set[str]:
        """Move the head as a step of its own that can be undone and adjusted."""
        # Looked up again: the artist may have deleted or renamed it meanwhile.
        pivot = next((item for item in context.scene.objects if item.session_uid == self._head_uid), None)
        if pivot is None:
            return self.refuse(
                AddonError("The head is no longer in this scene", "Select another and try again")
            )
        outcome: set[str] = bpy.ops.likeness.take_over(
            "EXEC_DEFAULT",
            True,
            result=session.measures.keep(result.name, result),
            head=pivot.name,
            use_pose=self.use_pose,
            use_expression=self.use_expression,
        )
        session.notice = " ".join(result.warnings)
        if result.warnings:
            self.report({"WARNING"}, session.notice)
        redraw_sidebars(context)
        return outcome


class LIKENESS_OT_take_over(bpy.types.Operator):
    """Move a head as the person in the photo that was measured last"""

    bl_idname = "likeness.take_over"
    bl_label = "Take Over Pose and Expression"
    bl_options = {"REGISTER", "UNDO"}

    result: StringProperty(options={"HIDDEN", "SKIP_SAVE"})
    head: StringProperty(options={"HIDDEN", "SKIP_SAVE"})
    use_pose: BoolProperty(name="Pose", description="Turn the head as in the photo", default=True)
    use_expression: BoolProperty(name="Expression", description="Set the expression sliders", default=True)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Set rotation and sliders; both or, if the expressions cannot be compared, neither."""
        from ..build.posing import rotate, set_sliders
        from ..measured import rotation_like, weights_for

        measured = session.measures.get(self.result)
        pivot = context.scene.objects.get(self.head) if self.head else active_head(context)
        if measured is None or pivot is None or likeness(pivot).role != PIVOT:
            words = "There is nothing to take over. Copy from a photo with a head selected"
            self.report({"ERROR"}, report_text(words))
            return {"CANCELLED"}
        record = pivot[RECORD]
        try:
            weights = weights_for(measured, record["expression"].keys(), record["model"])
        except AddonError as error:
            if self.use_expression:
                session.note(error)
                self.report({"ERROR"}, error.told(report_text))
                return {"CANCELLED"}
        if self.use_expression:
            set_sliders(context, likeness(pivot).face, weights)
        if self.use_pose:
            rotate(context, pivot, rotation_like(measured, record["translation_mm"]))
        head = likeness(pivot).collection.name
        self.report(
            {"INFO"}, report_text("{head} now does what {photo} shows", head=head, photo=measured.name)
        )
        return {"FINISHED"}


CLASSES = (LIKENESS_OT_copy_from_photo, LIKENESS_OT_take_over)
