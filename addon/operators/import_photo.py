"""Photo in, head out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.props import EnumProperty, IntProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from ..preferences import QUALITIES, preferences
from ..session import read_photo, session
from ..views import redraw_sidebars
from ..words import CONTEXT, report_text
from .job_operator import JobOperator

if TYPE_CHECKING:
    from ..head_data import HeadData

EXTENSIONS = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif")


class LIKENESS_OT_import_photo(bpy.types.Operator, JobOperator, ImportHelper):
    """Turn the photo of a person into a head that can be posed and rendered"""

    bl_idname = "likeness.import_photo"
    bl_label = "Head from Photo"
    bl_options = {"REGISTER"}

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(default=";".join(f"*{end}" for end in EXTENSIONS), options={"HIDDEN"})
    face: IntProperty(
        name="Face",
        translation_context=CONTEXT,
        description="Which face to take if the photo shows several, largest first; 0 takes the largest",
        min=0,
        max=99,
        options={"SKIP_SAVE"},
    )
    quality: EnumProperty(
        name="Fit",
        translation_context=CONTEXT,
        description="How closely the head is fitted to the photo",
        items=QUALITIES,
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask for a file unless one was dropped."""
        self._use_preferences(context)
        return self.execute(context) if self.filepath else ImportHelper.invoke(self, context, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Send the photo to the backend; the head is built when it comes back."""
        from ...backend.protocol import MAX_PHOTO_BYTES, Quality
        from ..head_data import decode_head
        from ..jobs import Request

        self._use_preferences(context)
        path = Path(bpy.path.abspath(self.filepath))
        face, quality = self.face or None, Quality(self.quality)
        session.photos.append(path)
        request: Request[HeadData] = Request(
            title=path.name,
            submit=lambda client: client.reconstruct(read_photo(path, MAX_PHOTO_BYTES), face, quality),
            decode=lambda data: decode_head(path.stem, data),
        )
        return self.start(context, request)

    def _use_preferences(self, context: bpy.types.Context) -> None:
        """Where nobody chose a quality, the preferences do."""
        if not self.properties.is_property_set("quality"):
            self.quality = preferences(context).quality

    def finished(self, context: bpy.types.Context, result: HeadData) -> set[str]:
        """Build the head as a step of its own that can be undone and redone."""
        key = session.heads.keep(result.name, result)
        bpy.ops.likeness.build_head("EXEC_DEFAULT", True, result=key)
        warnings = result.header.warnings
        session.notice = " ".join(warnings)
        if warnings:
            self.report({"WARNING"}, session.notice)
        else:
            self.report({"INFO"}, report_text("{head} is ready to be turned", head=result.name))
        redraw_sidebars(context)
        return {"FINISHED"}


class LIKENESS_FH_photo(bpy.types.FileHandler):
    """A photo dropped onto the Likeness tab; other drops stay with Blender's own handlers."""

    bl_idname = "LIKENESS_FH_photo"
    bl_label = "Head from Photo"
    bl_import_operator = "likeness.import_photo"
    bl_file_extensions = ";".join(EXTENSIONS)

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        """Only the sidebar of a 3D viewport."""
        area, region = context.area, context.region
        return area is not None and area.type == "VIEW_3D" and region is not None and region.type == "UI"


CLASSES = (LIKENESS_OT_import_photo, LIKENESS_FH_photo)
