"""*Render New Pose* for every frame of the scene, one job after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from bpy.props import BoolProperty

from ..errors import AddonError, SceneUnfit
from ..output import frame_path, require_pictures, save_picture
from ..properties import active_head
from ..session import session
from ..words import report_text
from .job_operator import JobOperator
from .render_new_pose import can_render, refine_request

if TYPE_CHECKING:
    from ..still_data import StillData


class LIKENESS_OT_render_new_pose_animation(bpy.types.Operator, JobOperator):
    """Render the selected head for every frame of the scene; a stopped animation goes on where it was"""

    bl_idname = "likeness.render_new_pose_animation"
    bl_label = "Render New Pose Animation"
    bl_options = {"REGISTER"}

    overwrite: BoolProperty(
        name="Overwrite",
        description="Render frames again whose files are there already",
        default=False,
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is a head and a camera."""
        return can_render(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Begin with the first frame that has no file."""
        scene, pivot = context.scene, active_head(context)
        assert pivot is not None
        try:
            require_pictures(scene)
        except AddonError as error:
            return self.refuse(error)
        frames = range(scene.frame_start, scene.frame_end + 1, scene.frame_step)
        # Names, since the artist may delete things or undo while frames are rendered.
        self._scene, self._pivot = scene.name, pivot.name
        self._left = [frame for frame in frames if self.overwrite or not frame_path(scene, frame).is_file()]
        self._wanted, self._skipped = len(self._left), len(frames) - len(self._left)
        outcome = self._go_on(context)
        while outcome == {"FINISHED"} and self._left:  # without a window each job was waited for
            outcome = self._go_on(context)
        return outcome

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Look after the frame that the backend works on, and begin the next one."""
        outcome = super().modal(context, event)
        return self._go_on(context) if outcome == {"FINISHED"} and self._left else outcome

    def finished(self, context: bpy.types.Context, result: StillData) -> set[str]:
        """Write the frame, and tell at the end what was done."""
        from ..build.images import build_image

        try:
            scene, _ = self._subjects()
            image = build_image(result.still, "New Pose Frame")
            try:
                save_picture(scene, image, frame_path(scene, self._left[0]))
            finally:
                bpy.data.images.remove(image)
        except AddonError as error:
            return self.refuse(error)
        del self._left[0]
        return {"FINISHED"} if self._left else self._told()

    def _go_on(self, context: bpy.types.Context) -> set[str]:
        """Render the next frame and hand it to the backend."""
        from ..render import render_coarse

        if not self._left:
            return self._told()
        frame, number = self._left[0], self._wanted - len(self._left) + 1
        try:
            scene, pivot = self._subjects()
            coarse = render_coarse(scene, pivot, frame)
        except AddonError as error:
            return self.refuse(error)
        return self.start(context, refine_request(f"Frame {frame}, {number} of {self._wanted}", coarse))

    def _subjects(self) -> tuple[bpy.types.Scene, bpy.types.Object]:
        """The scene and the head that were chosen; SceneUnfit if one of them is gone."""
        scene, pivot = bpy.data.scenes.get(self._scene), bpy.data.objects.get(self._pivot)
        if scene is None or pivot is None:
            raise SceneUnfit(
                "The head was deleted or renamed while its frames were rendered",
                "Start again; frames that are written are kept",
            )
        return scene, pivot

    def _told(self) -> set[str]:
        session.notice = report_text("{count} frames rendered", count=self._wanted)
        if self._skipped:
            session.notice += report_text("; {count} were there already", count=self._skipped)
        self.report({"INFO"}, session.notice)
        return {"FINISHED"}


CLASSES = (LIKENESS_OT_render_new_pose_animation,)
