"""The tab in the sidebar. Drawing reads what is already known and does no work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..backend.setup.state import SetupState
from .installation import BackendKind
from .paragraph import draw_paragraph
from .pose_gauge import reading
from .preferences import draw_state, preferences
from .properties import IDENTITY, LOOK_DELIT, LOOK_PHOTO, LOOKS, LikenessObject, active_head, likeness
from .session import session
from .setup_layout import draw_button, draw_progress
from .state import BackendState
from .words import label_text

if TYPE_CHECKING:
    from .jobs import Progressed

FIRST_SHAPES = 10
"""Identity sliders that are always in sight: nine tenths of the variance of the model that ships."""

QUIET_STATES = (BackendState.RUNNING, BackendState.STOPPED, BackendState.REMOTE)
"""States that need no attention: a stopped backend starts with the next photo."""


class LikenessPanel:
    """What all panels of the tab share."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Likeness"


class HeadPanel(LikenessPanel):
    """A panel about the selected head."""

    bl_parent_id = "LIKENESS_PT_main"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether a head is selected."""
        return active_head(context) is not None


class LIKENESS_PT_main(LikenessPanel, bpy.types.Panel):
    """Import, progress and anything that needs attention."""

    bl_label = "Likeness"

    def draw(self, context: bpy.types.Context) -> None:
        """Progress while a job runs, the import button otherwise."""
        layout = self.layout
        job = session.job
        if job is not None and job.ending is None:
            layout.label(text=job.request.title, icon="IMAGE_DATA", translate=False)
            row = layout.row(align=True)
            row.progress(factor=job.progress.fraction, text=_stage(job.progress))
            row.operator("likeness.stop_job", text="", icon="X")
            return
        if draw_progress(layout):
            return
        state = session.drawn_state()
        button = layout.row()
        button.scale_y = 1.5
        button.enabled = state is not BackendState.NOT_INSTALLED
        button.operator("likeness.import_photo", icon="USER")
        if state not in (*QUIET_STATES, BackendState.NOT_INSTALLED):
            draw_state(layout, state)
        _draw_setup(layout, context, needed=state is BackendState.NOT_INSTALLED)
        if session.notice:
            draw_paragraph(layout.box(), session.notice, icon="INFO")


def _stage(progress: Progressed) -> str:
    """What the backend does with the job, or how many come first."""
    if progress.ahead:
        return label_text("Waiting: {count} come first", count=progress.ahead)
    return label_text(progress.stage)


def _draw_setup(layout: bpy.types.UILayout, context: bpy.types.Context, *, needed: bool) -> None:
    """The way to a backend where there is none yet, or to a newer one."""
    glance = session.glance
    if glance is not None and glance.choice.kind is BackendKind.BUNDLED:
        found = glance.installation.state
        if needed or found is SetupState.OUTDATED:
            draw_button(layout, found, preferences(context).wheels)
    elif needed:
        draw_paragraph(layout, label_text("There is no Python where the preferences say"), icon="ERROR")
        layout.operator("likeness.open_preferences", icon="PREFERENCES")


class LIKENESS_PT_pose(HeadPanel, bpy.types.Panel):
    """Turning the head."""

    bl_label = "Pose"

    def draw(self, context: bpy.types.Context) -> None:
        """Angles from the photo, the way back and the view through the camera."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        pivot = active_head(context)
        if pivot is None:
            return
        column = layout.column(align=True)
        for angle in ("yaw", "pitch", "roll"):
            column.prop(likeness(pivot), angle)
        _draw_gauge(layout)
        layout.operator("likeness.copy_from_photo", text="Copy from Photo", icon="EYEDROPPER")
        layout.operator("likeness.reset_pose", icon="LOOP_BACK")
        layout.operator("likeness.look_through", icon="OUTLINER_OB_CAMERA")


def _draw_gauge(layout: bpy.types.UILayout) -> None:
    """How much of what the camera sees was in the photo, as it was last measured."""
    from .gauge import verdict

    share = reading.share
    if share is not None:
        words = label_text(
            "{verdict}: {share:.0%} from the Photo", verdict=label_text(verdict(share).value), share=share
        )
        layout.progress(factor=share, text=words)


class LIKENESS_PT_expression(HeadPanel, bpy.types.Panel):
    """What the face does, as sliders."""

    bl_label = "Expression"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """All expressions of the model, and the way back to the photo's."""
        self.layout.operator("likeness.reset_expression", icon="LOOP_BACK")
        _draw_sliders(self.layout, _sliders(context, identity=False))


class LIKENESS_PT_shape(HeadPanel, bpy.types.Panel):
    """Who the face is, as sliders: the model's own components, those that change most first."""

    bl_label = "Shape"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """The first components, the others folded away, and the way back to the photo's person."""
        layout = self.layout
        layout.operator("likeness.reset_shape", icon="LOOP_BACK")
        sliders = _sliders(context, identity=True)
        _draw_sliders(layout, sliders[:FIRST_SHAPES])
        if len(sliders) > FIRST_SHAPES:
            header, body = layout.panel("LIKENESS_more_shapes", default_closed=True)
            more = len(sliders) - FIRST_SHAPES
            header.label(text=label_text("{count} More with Less Effect", count=more))
            if body is not None:
                _draw_sliders(body, sliders[FIRST_SHAPES:])


def _sliders(context: bpy.types.Context, *, identity: bool) -> list[bpy.types.ShapeKey]:
    """The face's keys of one kind, without the basis."""
    pivot = active_head(context)
    face = likeness(pivot).face if pivot is not None else None
    if face is None or face.data.shape_keys is None:
        return []
    return [key for key in face.data.shape_keys.key_blocks[1:] if key.name.startswith(IDENTITY) is identity]


def _draw_sliders(layout: bpy.types.UILayout, sliders: list[bpy.types.ShapeKey]) -> None:
    if not sliders:
        layout.label(text="The face has no such shape keys")
    column = layout.column(align=True)
    for key in sliders:
        column.prop(key, "value", text=key.name, slider=True)


class LIKENESS_PT_render(HeadPanel, bpy.types.Panel):
    """From the head back to a picture."""

    bl_label = "Render"

    def draw(self, context: bpy.types.Context) -> None:
        """Look, background and the button."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        pivot = active_head(context)
        if pivot is None:
            return
        _draw_look(layout, likeness(pivot))
        row = layout.row()
        row.use_property_split = False  # it would leave half of the width, and cut the words off
        row.prop(context.scene.render, "film_transparent", text="Transparent Background")
        button = layout.row()
        button.scale_y = 1.3
        button.operator("likeness.render_new_pose", icon="RENDER_STILL")
        layout.operator("likeness.render_new_pose_animation", icon="RENDER_ANIMATION")
        transform = context.scene.view_settings.view_transform
        if transform != "Standard":
            words = label_text(
                "The {look} film look of this scene changes the photo's colours", look=transform
            )
            draw_paragraph(layout, words)
            layout.operator("likeness.true_colours", icon="COLOR")


def _draw_look(layout: bpy.types.UILayout, properties: LikenessObject) -> None:
    """The looks in one row, grey where the head has no de-lit skin; the photo's light where it matters."""
    row = layout.row(align=True)
    row.use_property_split = False  # it would give every choice a label of its own
    for look, _, _ in LOOKS:
        choice = row.row(align=True)
        choice.enabled = look != LOOK_DELIT or properties.delit is not None
        choice.prop_enum(properties, "look", look)
    if properties.look != LOOK_PHOTO:
        layout.operator("likeness.add_light", icon="LIGHT_SUN")


class LIKENESS_PT_export(HeadPanel, bpy.types.Panel):
    """From Blender to other programs."""

    bl_label = "Export"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """The one format so far."""
        self.layout.operator("likeness.export_glb", icon="EXPORT")


CLASSES = (
    LIKENESS_PT_main,
    LIKENESS_PT_pose,
    LIKENESS_PT_expression,
    LIKENESS_PT_shape,
    LIKENESS_PT_render,
    LIKENESS_PT_export,
)
