"""Preferences: where the backend comes from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import bpy
from bpy.props import EnumProperty, IntProperty, StringProperty

from ..backend.setup.state import SetupState
from . import PACKAGE
from .errors import BackendUnreachable
from .installation import IDLE_MINUTES, BackendChoice, BackendKind, look
from .paragraph import draw_paragraph
from .session import session
from .setup_layout import draw_button, draw_progress
from .state import BackendState
from .words import CONTEXT, label_text

if TYPE_CHECKING:
    from bpy.types import Context

QUALITIES = (
    ("fast", "Fast", "Fit shape and pose to the face; takes a moment"),
    ("best", "Best", "Then polish shape and pose by the photo's pixels; takes some seconds more"),
)
"""Items of *Fit*, here and in the import: the values of :class:`backend.protocol.Quality`."""


def _choice_changed(_self: LikenessPreferences, context: Context) -> None:
    look_again(context)


class LikenessPreferences(bpy.types.AddonPreferences):
    """Preferences of the extension."""

    bl_idname = PACKAGE

    kind: EnumProperty(
        name="Backend",
        description="Where the program runs that turns photos into heads",
        items=(
            (BackendKind.BUNDLED, "Bundled", "Use what Set Up Backend has installed on this computer"),
            (
                BackendKind.INTERPRETER,
                "Own Python",
                "Use a Python on this computer in which you have installed the backend yourself",
            ),
            (BackendKind.REMOTE, "Server", "Use a backend on another computer; photos are sent there"),
        ),
        default=BackendKind.BUNDLED,
        update=_choice_changed,
    )
    interpreter: StringProperty(
        name="Python",
        description="The program python in the environment that holds the backend",
        subtype="FILE_PATH",
        update=_choice_changed,
    )
    device: EnumProperty(
        name="Device",
        description="What Set Up Backend installs for: the processor or a graphics card",
        items=(
            ("AUTO", "Automatic", "The fastest that this computer's graphics card and driver allow"),
            ("CPU", "CPU", "The processor: the smallest download"),
            (
                "CUDA",
                "NVIDIA",
                "NVIDIA's cards from the GTX 16 and RTX 20 series on, with driver 580 or newer",
            ),
            ("ROCM", "AMD", "AMD's cards on Linux; not tried by us, and 6 GB to download"),
            ("MPS", "Apple", "The graphics of Apple's own chips"),
        ),
    )
    wheels: StringProperty(
        name="Install From",
        description="Folder with the files to install (wheels), for computers without a network. Leave it"
        " empty to download",
        subtype="DIR_PATH",
    )
    url: StringProperty(name="Address", description="Address of the server, like https://my-server:8443")
    token: StringProperty(
        name="Token", description="Access token that the server asks for", subtype="PASSWORD"
    )
    ca_file: StringProperty(
        name="Certificate",
        description="File with the studio's own certificates (PEM). Leave it empty for a server that every"
        " browser trusts",
        subtype="FILE_PATH",
    )
    idle_minutes: IntProperty(
        name="Rest After (min)",
        description="Minutes without work after which the backend on this computer ends and frees its"
        " memory. It starts again with the next photo; 0 keeps it",
        default=IDLE_MINUTES,
        min=0,
        soft_max=240,
    )
    quality: EnumProperty(
        name="Fit",
        translation_context=CONTEXT,
        description="How closely new heads are fitted to their photo, unless the import says otherwise",
        items=QUALITIES,
    )

    def draw(self, context: Context) -> None:
        """Show the choice and what the backend is doing."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(self, "kind", expand=True)
        kind = BackendKind(self.kind)
        if kind is BackendKind.BUNDLED:
            self._draw_setup()
        elif kind is BackendKind.INTERPRETER:
            layout.prop(self, "interpreter")
        elif kind is BackendKind.REMOTE:
            layout.prop(self, "url")
            layout.prop(self, "token")
            layout.prop(self, "ca_file")
        draw_state(layout, session.drawn_state())
        if kind is not BackendKind.REMOTE:
            layout.prop(self, "idle_minutes")
        layout.prop(self, "quality", expand=True)
        layout.operator("likeness.copy_report", icon="COPYDOWN")

    def _draw_setup(self) -> None:
        """What the extension's own environment is made of, and the buttons for it."""
        layout = self.layout
        if draw_progress(layout):
            return
        layout.prop(self, "device")
        layout.prop(self, "wheels")
        if session.glance is None:
            return
        state = session.glance.installation.state
        draw_button(layout, state, self.wheels)
        if state is not SetupState.ABSENT:
            layout.operator("likeness.remove_backend", icon="TRASH")


def draw_state(layout: bpy.types.UILayout, state: BackendState) -> None:
    """The backend's state with the one button that helps."""
    row = layout.row()
    row.label(
        text=label_text("Backend: {state}", state=label_text(state.value)), icon=_ICONS.get(state, "INFO")
    )
    if state in (BackendState.STOPPED, BackendState.FAILED):
        row.operator("likeness.start_backend", text="Start", icon="PLAY")
    elif state in (BackendState.STARTING, BackendState.RUNNING, BackendState.UPDATE_REQUIRED):
        row.operator("likeness.stop_backend", text="Stop", icon="SNAP_FACE")
    if state in (BackendState.FAILED, BackendState.RUNNING, BackendState.UPDATE_REQUIRED):
        layout.operator("likeness.open_log", icon="TEXT")
    if state is BackendState.UPDATE_REQUIRED:
        words = "Update Likeness here and where the backend runs, then start the backend again"
        draw_paragraph(layout, label_text(words))


_ICONS = {
    BackendState.NOT_INSTALLED: "ERROR",
    BackendState.FAILED: "ERROR",
    BackendState.UPDATE_REQUIRED: "ERROR",
    BackendState.RUNNING: "CHECKMARK",
    BackendState.STARTING: "SORTTIME",
}


def preferences(context: Context) -> LikenessPreferences:
    """Typed access to the preferences."""
    return cast("LikenessPreferences", context.preferences.addons[PACKAGE].preferences)


def backend_choice(context: Context) -> BackendChoice:
    """The preferences as plain data."""
    values = preferences(context)
    folder = Path(bpy.utils.extension_path_user(PACKAGE, create=False))
    interpreter = bpy.path.abspath(values.interpreter) if values.interpreter else ""
    ca_file = bpy.path.abspath(values.ca_file) if values.ca_file else ""
    return BackendChoice(
        BackendKind(values.kind),
        folder,
        interpreter,
        values.url,
        values.token,
        ca_file,
        values.idle_minutes,
    )


def look_again(context: Context) -> bool:
    """Look at the disk for what is drawn next; whether it says something else than before."""
    before, session.glance = session.glance, look(backend_choice(context))
    session.was_drawn = False
    return session.glance != before


def require_permission(choice: BackendChoice) -> None:
    """BackendUnreachable if the artist keeps Blender offline and the choice is a server elsewhere."""
    if choice.kind is not BackendKind.REMOTE or bpy.app.online_access:
        return
    from .client import Address

    if not Address.from_url(choice.url, choice.token).is_local:
        raise BackendUnreachable(
            "Blender is set to stay offline, so no server can be used",
            "Allow Online Access in Preferences > System, or use the backend on this computer",
        )


CLASSES = (LikenessPreferences,)
