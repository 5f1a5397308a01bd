"""A tour of Likeness through the window of a real Blender, with a picture at each step.

    blender --enable-event-simulate --python docs/tour/tour.py -- \\
        --zip dist/likeness-0.1.0.zip --wheels FOLDER --photo portrait.jpg --work FOLDER [--camera PROGRAM]

The README beside this file says what it needs and what it cannot do. It prints what each step took and how
long Blender stood still in it, writes the same to ``tour.json`` in the working folder, and closes Blender.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))

from hands import (
    FILES,
    PREFERENCES,
    SIDEBAR,
    VIEWPORT,
    Photographer,
    TourStopped,
    Walk,
    Watch,
    choose_file,
    click,
    confirm_file,
    key,
    move,
    paste,
    press,
    rest,
    until,
    walk,
)

MODULE = "bl_ext.user_default.likeness"
SETUP_LIMIT_S, HEAD_LIMIT_S, STILL_LIMIT_S = 3600.0, 600.0, 300.0
"""Generous: the tour may run on a machine with software OpenGL and other work."""
FRAMES = 6
ARROW_PX = 20
"""From the preferences' upper right corner to the arrow of Get Extensions, which no script can find."""


class Tour:
    """The steps, in the order of an artist's first hour."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.zip: Path = options.zip.resolve()
        self.wheels: Path | None = options.wheels.resolve() if options.wheels else None
        self.photo: Path = options.photo.resolve()
        self.work: Path = options.work.resolve()
        self.work.mkdir(parents=True, exist_ok=True)
        self.camera = Photographer(options.pictures.resolve(), options.camera)
        self.watch = Watch()
        self.record: list[dict[str, object]] = []
        self.began = time.monotonic()
        """When the zip was chosen."""

    def steps(self) -> Walk[None]:
        """All steps, each timed."""
        for step in (
            self.install,
            self.set_up if self.wheels else self.open_tab,
            self.import_photo,
            self.turn,
            self.render_still,
            self.render_animation,
            self.export,
            self.drop,
            self.undo_and_redo,
            self.save_and_reopen,
            self.render_in_scene_light,
            self.in_a_light_theme,
        ):
            try:
                yield from self._timed(step)
            except TourStopped:
                yield from self.camera.take(f"stopped_{step.__name__}")
                raise

    def _timed(self, step: Callable[[], Walk[None]]) -> Walk[None]:
        started = time.monotonic()
        self.watch.restart()
        yield from step()
        self._tell(step.__name__, time.monotonic() - started)

    def _tell(self, name: str, seconds: float, **more: object) -> None:
        """Remember and print a time; how long Blender stood still is counted since the last one."""
        still_s, used_s = self.watch.longest_s, self.watch.used_s
        self.watch.restart()
        times = {"seconds": seconds, "stood_still_s": still_s, "of_which_own_processor_s": used_s}
        self.record.append({"step": name} | {key: round(value, 2) for key, value in times.items()} | more)
        words = f"{seconds:.1f} s, stood still for {still_s:.2f} s (own processor time {used_s:.2f} s)"
        say(f"{name}: {words} {more or ''}")

    # Installing --------------------------------------------------------------------------------

    def install(self) -> Walk[None]:
        """Preferences > Get Extensions > Install from Disk."""
        yield from self._open_preferences("EXTENSIONS")
        window, _, _ = PREFERENCES.look()
        arrow = window.width - ARROW_PX, window.height - ARROW_PX
        yield from move(window, *arrow)
        yield from press(window, "LEFTMOUSE", *arrow)
        yield from self.camera.take("01_install", PREFERENCES)
        yield from press(window, "F", *arrow)  # the letter that is underlined in Install from Disk
        yield from choose_file(self.zip)
        yield from self.camera.take("01_install_zip", FILES)
        started = self.began = time.monotonic()
        yield from confirm_file()
        yield from until("the extension", lambda: MODULE in bpy.context.preferences.addons)
        self._tell("install, from the click", time.monotonic() - started)
        yield from self._close_preferences()

    def open_tab(self, picture: str = "02_panel") -> Walk[None]:
        """The sidebar and in it our tab, wide enough for its words."""
        _, area, _ = VIEWPORT.look()
        area.spaces.active.show_region_ui = True
        yield 1.0
        SIDEBAR.look()[2].active_panel_category = "Likeness"
        yield from rest(VIEWPORT)
        yield from self.camera.take(picture)

    def set_up(self) -> Walk[None]:
        """Set Up Backend, from a folder of wheels."""
        yield from self.open_tab("02_not_set_up")
        yield from click(SIDEBAR, "likeness.open_preferences")
        yield from until("the preferences", PREFERENCES.open)
        yield 1.0
        yield from paste(PREFERENCES, ".wheels", str(self.wheels))
        yield from rest(PREFERENCES)
        yield from self.camera.take("03_preferences", PREFERENCES)
        yield from self._close_preferences()
        yield from click(SIDEBAR, "likeness.set_up_backend")
        yield from rest(VIEWPORT)
        session = part("session").session
        started = time.monotonic()
        yield from until(
            "progress", lambda: session.setup.ended or session.setup.progress.fraction > 0.4, SETUP_LIMIT_S
        )
        yield from self.camera.take("03_setup")
        yield from until("the backend", lambda: session.setup.ended is not None, SETUP_LIMIT_S)
        if not session.setup.ended.ok:
            raise TourStopped(f"Setup: {session.setup.ended}")
        self._tell("set up, from the click", time.monotonic() - started)
        yield from self.camera.take("02_panel")

    def _open_preferences(self, section: str) -> Walk[None]:
        with VIEWPORT.override():
            bpy.ops.screen.userpref_show("INVOKE_DEFAULT", section=section)
        yield from until("the preferences", PREFERENCES.open)
        yield 1.0

    def _close_preferences(self) -> Walk[None]:
        with PREFERENCES.override():
            bpy.ops.wm.window_close()
        yield from until("the end of the preferences", lambda: not PREFERENCES.open())

    # From photo to head ------------------------------------------------------------------------

    def import_photo(self) -> Walk[None]:
        """The button, the file dialogue, progress, the head."""
        yield from click(SIDEBAR, "likeness.import_photo")
        yield from choose_file(self.photo)
        yield from self.camera.take("04_import_dialogue", FILES)
        started = time.monotonic()
        self.watch.restart()
        yield from confirm_file()
        yield from rest(VIEWPORT)
        yield from until("a stage", lambda: self._job_at_work() or head() is not None, HEAD_LIMIT_S)
        yield from self.camera.take("05_progress", pause_s=0.0)
        yield from self._job_done(HEAD_LIMIT_S)
        yield from until("a head", lambda: head() is not None, 5.0)
        yield 0.5
        self._tell("import, from the confirmed photo to the head", time.monotonic() - started)
        self._tell("from the zip to the first head", time.monotonic() - self.began)
        for item in ("Cube", "Light"):  # of Blender's first scene, which would be rendered beside the head
            bpy.data.objects.remove(bpy.data.objects[item])
        yield from self.camera.take("06_head")

    def turn(self) -> Walk[None]:
        """Yaw and pitch, pasted into their fields."""
        self.watch.restart()
        yield from paste(SIDEBAR, ".likeness.yaw", "18")
        yield from paste(SIDEBAR, ".likeness.pitch", "-4")
        yield from rest(VIEWPORT)
        yield 1.0  # the gauge follows
        yield from self.camera.take("07_turned")

    # From head to picture ----------------------------------------------------------------------

    def render_still(self) -> Walk[None]:
        """Render New Pose with an Image Editor beside the viewport."""
        yield from self._split_viewport()
        yield from self._render("render new pose")
        yield from self.camera.take("08_still")

    def render_in_scene_light(self) -> Walk[None]:
        """The same in the look Lit, with the photo's own light, by EEVEE."""
        yield from self._engine("EEVEE")
        bpy.ops.likeness.add_light(kind="SUN")
        head().likeness.look = "LIT"
        yield from self._render("render new pose, lit, EEVEE")
        yield from self.camera.take("08_still_lit")
        head().likeness.look = "PHOTO"

    def _render(self, name: str) -> Walk[None]:
        started = time.monotonic()
        self.watch.restart()
        yield from click(SIDEBAR, "likeness.render_new_pose")
        yield from rest(VIEWPORT)
        yield from self._job_done(STILL_LIMIT_S)
        yield 1.0
        self._tell(name, time.monotonic() - started, said=part("session").session.notice)

    def _engine(self, name: str) -> Walk[None]:
        render = bpy.context.scene.render
        render.engine = "BLENDER_EEVEE" if name == "EEVEE" else name
        yield 0.2

    def render_animation(self) -> Walk[None]:
        """A few frames: stopped with Esc after the first, and gone on with."""
        scene, pivot = bpy.context.scene, head()
        scene.frame_start, scene.frame_end = 1, FRAMES
        scene.render.filepath = str(self.work / "frames" / "pose_")
        for frame, yaw in ((1, 0.0), (FRAMES, 0.35)):
            pivot.likeness.yaw = yaw
            pivot.keyframe_insert("rotation_euler", frame=frame)
        scene.frame_set(1)
        written = lambda: len(list((self.work / "frames").glob("*.png")))  # noqa: E731
        yield from click(SIDEBAR, "likeness.render_new_pose_animation")
        yield from rest(VIEWPORT)
        yield from until("the first frame", lambda: written() >= 1 and self._job_running(0.0), STILL_LIMIT_S)
        yield from self.camera.take("09_animation")
        yield from key(VIEWPORT, "ESC")
        yield from until("the stop", lambda: not self._job_running(0.0), 10.0)
        yield 1.0
        stopped_at = written()
        yield from self.camera.take("09_animation_stopped")
        yield from click(SIDEBAR, "likeness.render_new_pose_animation")
        yield from until("all frames", lambda: written() == FRAMES, FRAMES * STILL_LIMIT_S)
        yield 2.0
        say(f"stopped after {stopped_at} of {FRAMES} frames, then: {part('session').session.notice}")

    def export(self) -> Walk[None]:
        """File > Export > Likeness Head."""
        with VIEWPORT.override():
            bpy.ops.likeness.export_glb("INVOKE_DEFAULT")
        yield from choose_file(self.work / "head.glb")
        yield from self.camera.take("10_export", FILES)
        yield from confirm_file()
        yield from until("the file", (self.work / "head.glb").is_file)

    # What an artist relies on ------------------------------------------------------------------

    def drop(self) -> Walk[None]:
        """A photo dropped onto the tab: what Blender calls when the desktop has brought it there."""
        window, x, y = yield from rest(SIDEBAR)
        with SIDEBAR.override():
            bpy.ops.wm.drop_import_file(
                "INVOKE_DEFAULT", directory=str(self.photo.parent), files=[{"name": self.photo.name}]
            )
        yield from self.camera.take("11_drop_menu")
        yield from press(window, "H", x, y)  # Head from Photo
        yield from rest(VIEWPORT)
        yield from until("the job", lambda: self._job_running(0.0), 10.0)
        yield from self._job_done(HEAD_LIMIT_S)
        yield from until("the second head", lambda: heads() == 2, 5.0)
        yield from self.camera.take("11_drop")

    def undo_and_redo(self) -> Walk[None]:
        """Ctrl+Z takes the second head away, Ctrl+Shift+Z brings it back."""
        yield from key(VIEWPORT, "Z", ctrl=True)
        yield from until("one head after undo", lambda: heads() == 1, 10.0)
        yield from key(VIEWPORT, "Z", ctrl=True, shift=True)
        yield from until("two heads after redo", lambda: heads() == 2, 10.0)
        yield from key(VIEWPORT, "Z", ctrl=True)
        yield from until("one head after undo", lambda: heads() == 1, 10.0)

    def save_and_reopen(self) -> Walk[None]:
        """Save As, a new file, and the saved one again."""
        path = self.work / "head.blend"
        with VIEWPORT.override():
            bpy.ops.wm.save_as_mainfile("INVOKE_DEFAULT")
        yield from choose_file(path)
        yield from confirm_file()
        yield from until("the file", path.is_file)
        with VIEWPORT.override():
            bpy.ops.wm.read_homefile(use_splash=False)
        yield 2.0
        if head() is not None:
            raise TourStopped("A head in a new file")
        with VIEWPORT.override():
            bpy.ops.wm.open_mainfile(filepath=str(path))
        yield from until("the head", lambda: head() is not None)
        yield 2.0
        yield from self.camera.take("12_reopened")
        yield from self._render("render new pose after reopening")
        yield from self.camera.take("12_reopened_still")

    def in_a_light_theme(self) -> Walk[None]:
        """The tab in a light theme."""
        themes = Path(bpy.utils.preset_paths("interface_theme")[0])
        bpy.ops.script.execute_preset(
            filepath=str(themes / "Blender_Light.xml"), menu_idname="USERPREF_MT_interface_theme_presets"
        )
        yield from self.camera.take("13_light_theme")

    # Looking -----------------------------------------------------------------------------------

    def _split_viewport(self) -> Walk[None]:
        """An Image Editor left of the viewport, so that both are in the picture."""
        with VIEWPORT.override():
            bpy.ops.screen.area_split(direction="VERTICAL", factor=0.42)
        yield 0.5
        window, _, _ = VIEWPORT.look()
        smaller = min(
            (area for area in window.screen.areas if area.type == "VIEW_3D"), key=lambda area: area.width
        )
        smaller.type = "IMAGE_EDITOR"
        yield 1.0
        with VIEWPORT.override():
            bpy.ops.view3d.view_center_camera()
        yield 0.5

    def _job_running(self, fraction: float) -> bool:
        job = part("session").session.job
        return job is not None and job.ending is None and job.progress.fraction >= fraction

    def _job_at_work(self) -> bool:
        job = part("session").session.job
        return self._job_running(0.0) and job.progress.stage not in ("Starting", "Waiting")

    def _job_done(self, limit_s: float) -> Walk[None]:
        session = part("session").session
        yield from until("the end of the job", lambda: not self._job_running(0.0), limit_s)
        if not session.job.succeeded:
            raise TourStopped(f"{session.job.request.title}: {session.job.ending}")
        yield 0.3  # its operator takes the result in

    def ended(self, error: BaseException | None) -> None:
        """Write the record and close Blender."""
        summary = {"ok": error is None, "blender": bpy.app.version_string, "steps": self.record}
        (self.work / "tour.json").write_text(json.dumps(summary, indent=2), encoding="utf-8")
        say("complete" if error is None else f"stopped: {error}")
        if MODULE in bpy.context.preferences.addons:
            part("session").session.stop_backend(wait=True)
        bpy.ops.wm.quit_blender()


def say(line: str) -> None:
    """Tell what goes on, between the lines that Blender prints."""
    sys.stdout.write(f"tour: {line}\n")
    sys.stdout.flush()


def part(name: str) -> object:
    """A module of the add-on as Blender has loaded it."""
    return sys.modules[f"{MODULE}.addon.{name}"]


def head() -> bpy.types.Object | None:
    """The pivot of a head of the scene."""
    return next((item for item in bpy.context.scene.objects if item.likeness.role == "pivot"), None)


def heads() -> int:
    """How many there are."""
    return sum(item.likeness.role == "pivot" for item in bpy.context.scene.objects)


def parsed() -> argparse.Namespace:
    """The options after ``--``."""
    parser = argparse.ArgumentParser(prog="tour.py", description=__doc__.splitlines()[0])
    parser.add_argument("--zip", type=Path, required=True, help="what `make extension` builds")
    parser.add_argument(
        "--wheels", type=Path, help="folder for Set Up Backend; without it, LIKENESS_PYTHON is used"
    )
    parser.add_argument("--photo", type=Path, required=True, help="a portrait")
    parser.add_argument("--work", type=Path, required=True, help="folder for what the tour saves")
    parser.add_argument(
        "--pictures", type=Path, default=Path(__file__).parent / "pictures", help="folder for the pictures"
    )
    parser.add_argument(
        "--camera", default="", help="program that takes a picture of the screen, with {path}"
    )
    return parser.parse_args(sys.argv[sys.argv.index("--") + 1 :])


if __name__ == "__main__":
    bpy.context.preferences.view.show_splash = False
    tour = Tour(parsed())
    walk(tour.steps(), tour.ended)
