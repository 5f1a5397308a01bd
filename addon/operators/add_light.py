"""The photo's own light for the scene."""

from __future__ import annotations

import bpy
from bpy.props import EnumProperty

from ..properties import RECORD, active_head, likeness
from ..words import label_text

SUN, WORLD = "SUN", "WORLD"
KINDS = (
    (SUN, "Sun", "Add a soft sun where most of the photo's light came from; everything else stays"),
    (
        WORLD,
        "World",
        "Light the scene from all sides as in the photo. Replaces the scene's world, which is kept",
    ),
)


class LIKENESS_OT_add_light(bpy.types.Operator):
    """Light the scene as the photo was lit, as far as the face tells"""

    bl_idname = "likeness.add_light"
    bl_label = "Add Estimated Light"
    bl_options = {"REGISTER", "UNDO"}

    kind: EnumProperty(name="Light", description="What to add to the scene", items=KINDS)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether the selected head has an estimate and still its camera, which gives the direction."""
        pivot = active_head(context)
        if pivot is None:
            cls.poll_message_set("Select a head first")
            return False
        if likeness(pivot).camera is None or "light" not in pivot.get(RECORD, {}):
            cls.poll_message_set("Nothing is known about this photo's light. Import the photo again")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask which, because one of them changes what the artist made."""
        self.kind = SUN if context.scene.world is not None else WORLD
        return context.window_manager.invoke_props_dialog(self)

    def draw(self, context: bpy.types.Context) -> None:
        """The choice, and what it does to the scene's world."""
        self.layout.prop(self, "kind", expand=True)
        world = context.scene.world
        if self.kind == WORLD and world is not None:
            words = label_text("Replaces “{world}”, which stays in the file", world=world.name)
            self.layout.label(text=words, icon="INFO")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add the sun, or exchange the world."""
        import numpy as np

        from ..build.lights import add_sun, build_world, remove_sun

        pivot = active_head(context)
        assert pivot is not None
        light = np.reshape(pivot[RECORD]["light"], (-1, 3))
        if self.kind == SUN:
            add_sun(pivot, light)
            return {"FINISHED"}
        remove_sun(pivot)
        if context.scene.world is not None:
            context.scene.world.use_fake_user = True  # else saving would drop it
        context.scene.world = build_world(light, likeness(pivot).camera)
        return {"FINISHED"}


CLASSES = (LIKENESS_OT_add_light,)
