"""Hands, eyes and a watch for a tour through Blender's own interface.

Blender must have been started with ``--enable-event-simulate``: mouse and keys are then ours. Nothing tells a
script where a button is, so the mouse goes down a region and asks Blender at each step what it hovers over.

Everything that takes time is a generator, which yields the seconds that it wants to wait; :func:`walk` drives
one from a timer, so that Blender draws and works in between.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import bpy

T = TypeVar("T")
Walk = Generator[float, None, T]

SETTLE_S = 0.08
"""After an event, until Blender has handled it and drawn; software OpenGL needs that long."""
STEP_PX = 9
"""Between two looks down a region: less than half a button."""
PAUSE_S = 0.6
"""Before a picture, and after a step that a person would look at."""
QUALITY = 82
"""Of the JPEG files: letters stay sharp at about 150 kB a window."""


class TourStopped(Exception):
    """Something did not happen that should have."""


def walk(steps: Walk[None], ended: Callable[[BaseException | None], None]) -> None:
    """Drive a generator from a timer that survives the opening of files; tell ``ended`` how it went."""

    def go_on() -> float | None:
        pause = None
        try:
            pause = next(steps)
        except StopIteration:
            ended(None)
        finally:
            if (error := sys.exception()) is not None:  # Blender prints it and takes the timer away
                ended(error)
        return pause

    bpy.app.timers.register(go_on, first_interval=1.0, persistent=True)


def until(what: str, happened: Callable[[], object], limit_s: float = 60.0) -> Walk[None]:
    """Wait for something; TourStopped if it does not come."""
    deadline = time.monotonic() + limit_s
    while not happened():
        if time.monotonic() > deadline:
            raise TourStopped(f"{what}: nothing after {limit_s:.0f} s")
        yield SETTLE_S


class Watch:
    """Tells how long Blender stood still: the longest gap between the ticks of a timer.

    On a busy machine Blender also stands still because others work: the processor time that it used itself
    in that gap tells the two apart.
    """

    TICK_S = 0.01

    def __init__(self) -> None:
        self.restart()
        bpy.app.timers.register(self._tick, persistent=True)

    def _tick(self) -> float:
        now, used = time.monotonic(), time.process_time()
        gap_s = now - self._last - self.TICK_S
        if gap_s > self.longest_s:
            self.longest_s, self.used_s = gap_s, used - self._used
        self._last, self._used = now, used
        return self.TICK_S

    def restart(self) -> None:
        """Forget the gaps so far."""
        self.longest_s = self.used_s = 0.0
        self._last, self._used = time.monotonic(), time.process_time()


@dataclass(frozen=True)
class Place:
    """A kind of region in one of the windows; looked up again at each use, as windows come and go."""

    area: str
    region: str = "WINDOW"

    def open(self) -> bool:
        """Whether it is there."""
        return self._found() is not None

    def look(self) -> tuple[bpy.types.Window, bpy.types.Area, bpy.types.Region]:
        """The largest such region; TourStopped if there is none."""
        found = self._found()
        if found is None:
            raise TourStopped(f"There is no {self.area}")
        return found

    def override(self) -> bpy.types.ContextTempOverride:
        """The context of an operator that is invoked there."""
        window, area, region = self.look()
        return bpy.context.temp_override(window=window, area=area, region=region)

    def _found(self) -> tuple[bpy.types.Window, bpy.types.Area, bpy.types.Region] | None:
        found = [
            (window, area, region)
            for window in bpy.context.window_manager.windows
            for area in window.screen.areas
            for region in area.regions
            if area.type == self.area and region.type == self.region
        ]
        return max(found, key=lambda triple: triple[1].width * triple[1].height, default=None)


VIEWPORT = Place("VIEW_3D")
SIDEBAR = Place("VIEW_3D", "UI")
PREFERENCES = Place("PREFERENCES")
FILES = Place("FILE_BROWSER")
PICTURES = Place("IMAGE_EDITOR")


def move(window: bpy.types.Window, x: float, y: float) -> Walk[None]:
    """Put the mouse somewhere, in pixels of a window from its lower left corner."""
    window.event_simulate(type="MOUSEMOVE", value="NOTHING", x=int(x), y=int(y))
    yield SETTLE_S


def press(
    window: bpy.types.Window, key: str, x: float, y: float, *, ctrl: bool = False, shift: bool = False
) -> Walk[None]:
    """Press and release a key or a mouse button."""
    for value in ("PRESS", "RELEASE"):
        window.event_simulate(type=key, value=value, x=int(x), y=int(y), ctrl=ctrl, shift=shift)
        yield SETTLE_S


def rest(place: Place) -> Walk[tuple[bpy.types.Window, float, float]]:
    """Move the mouse to the middle of a region; the window and where."""
    window, _, region = place.look()
    x, y = region.x + region.width / 2, region.y + region.height / 2
    yield from move(window, x, y)
    return window, x, y


def key(place: Place, name: str, *, ctrl: bool = False, shift: bool = False) -> Walk[None]:
    """Press a key with the mouse over a region."""
    window, x, y = yield from rest(place)
    yield from press(window, name, x, y, ctrl=ctrl, shift=shift)


def find(place: Place, wanted: str, column: float = 0.5) -> Walk[tuple[bpy.types.Window, float, float]]:
    """Hover down a region to an operator's button (``likeness.import_photo``) or a property (``.yaw``).

    ``column`` is where across the region, 0 to 1. TourStopped if it is not in sight.
    """
    window, _, region = place.look()
    x = region.x + column * region.width
    for y in range(region.y + region.height - STEP_PX, region.y, -STEP_PX):
        yield from move(window, x, y)
        if wanted in _hovered(place):
            return window, x, y
    raise TourStopped(f"No button for {wanted} in {place.area}")


def click(place: Place, wanted: str, column: float = 0.5) -> Walk[None]:
    """Find a button and press it."""
    window, x, y = yield from find(place, wanted, column)
    yield from press(window, "LEFTMOUSE", x, y)


def paste(place: Place, wanted: str, text: str, column: float = 0.7) -> Walk[None]:
    """Paste a text into the field of a property, as Ctrl+V over it does."""
    window, x, y = yield from find(place, wanted, column)
    bpy.context.window_manager.clipboard = text
    yield from press(window, "V", x, y, ctrl=True)


def _hovered(place: Place) -> str:
    """What the mouse is over: the Python command of a button, or the path of a property with a dot before."""
    with place.override():
        found = bpy.context.property
        if found is not None:
            return f".{found[1]}"
        if not bpy.ops.ui.copy_python_command_button.poll():
            return ""
        bpy.ops.ui.copy_python_command_button()
    return bpy.context.window_manager.clipboard


def choose_file(path: Path) -> Walk[None]:
    """Choose a file in the file dialogue that is about to open, and confirm."""
    yield from until("the file dialogue", FILES.open)
    yield 1.0  # it reads the folder
    _, area, _ = FILES.look()
    area.spaces.active.params.directory = str(path.parent).encode()
    area.spaces.active.params.filename = path.name
    yield 1.0


def confirm_file() -> Walk[None]:
    """Press Return in the file dialogue."""
    with FILES.override():
        bpy.ops.file.execute("INVOKE_DEFAULT")
    yield from until("the end of the file dialogue", lambda: not FILES.open())


class Photographer:
    """Takes the pictures: with Blender's own screenshot, or with a program of the desktop.

    Blender reads the window that the graphics driver shows, which software OpenGL keeps black.
    """

    def __init__(self, folder: Path, program: str = "") -> None:
        self.folder = folder
        self.program = program
        """Command line with ``{path}`` for the JPEG file to write; empty for Blender's own screenshot."""
        folder.mkdir(parents=True, exist_ok=True)

    def take(self, name: str, place: Place = VIEWPORT, pause_s: float = PAUSE_S) -> Walk[None]:
        """Write a JPEG file of the window that holds a region, or of the screen."""
        yield pause_s
        path = self.folder / f"{name}.jpg"
        if not self.program:
            _shoot_window(place, path)
            return
        command = [word.format(path=path) for word in shlex.split(self.program)]
        with subprocess.Popen(command) as process:
            yield from until(f"the end of {command[0]}", lambda: process.poll() is not None)
        if not path.is_file():
            raise TourStopped(f"{command[0]} wrote no picture")


def _shoot_window(place: Place, path: Path) -> None:
    whole = path.with_suffix(".png")
    with place.override():
        bpy.ops.screen.screenshot(filepath=str(whole))
    image = bpy.data.images.load(str(whole))
    try:
        image.file_format = "JPEG"
        image.save(filepath=str(path), quality=QUALITY)
    finally:
        bpy.data.images.remove(image)
        whole.unlink()
