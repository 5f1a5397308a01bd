"""*Render New Pose Animation*: files, going on, stopping; and pictures in the scene's format."""

from __future__ import annotations

import threading

import bpy
import numpy as np
import pytest


@pytest.fixture
def turning(head, tmp_path):
    """A head that turns by 40 degrees in three frames, to be written below a folder that is not there yet."""
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 2, 4
    scene.render.filepath = str(tmp_path / "frames" / "turn_")
    scene.render.resolution_percentage = 25
    for frame, angle in ((2, 0.0), (4, 0.7)):
        head.rotation_euler.z += angle
        head.keyframe_insert("rotation_euler", frame=frame)
    scene.frame_set(1)
    return tmp_path / "frames"


def files(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def pixels(path) -> np.ndarray:
    image = bpy.data.images.load(str(path))
    values = np.array(image.pixels[:])
    bpy.data.images.remove(image)
    return values


def test_every_frame_gets_its_file_and_its_pose(backend, head, turning):
    datablocks = len(bpy.data.images), len(bpy.data.scenes)
    assert bpy.ops.likeness.render_new_pose_animation() == {"FINISHED"}
    assert files(turning) == ["turn_0002.png", "turn_0003.png", "turn_0004.png"]
    pictures = [pixels(turning / name) for name in files(turning)]
    assert np.abs(pictures[0] - pictures[1]).max() > 0.2
    assert np.abs(pictures[1] - pictures[2]).max() > 0.2
    assert bpy.context.scene.frame_current == 1
    assert (len(bpy.data.images), len(bpy.data.scenes)) == datablocks


def test_the_head_stands_as_before(addon, backend, head, turning):
    angles = head.rotation_euler[:]
    bpy.ops.likeness.render_new_pose_animation()
    assert head.rotation_euler[:] == pytest.approx(angles)


def test_frames_that_are_there_are_kept(addon, backend, head, turning):
    turning.mkdir()
    (turning / "turn_0003.png").write_bytes(b"mine")
    (turning / "turn_0002.png.part").write_bytes(b"half")
    bpy.ops.likeness.render_new_pose_animation()
    assert (turning / "turn_0003.png").read_bytes() == b"mine"
    assert files(turning) == ["turn_0002.png", "turn_0003.png", "turn_0004.png"]
    assert "2 frames rendered; 1 were there already" in addon("session").session.notice
    bpy.ops.likeness.render_new_pose_animation()
    assert "0 frames rendered; 3 were there already" in addon("session").session.notice
    bpy.ops.likeness.render_new_pose_animation(overwrite=True)
    assert (turning / "turn_0003.png").read_bytes() != b"mine"


def test_a_film_is_refused(backend, head, turning):
    settings = bpy.context.scene.render.image_settings
    if bpy.app.version >= (5, 0, 0):
        settings.media_type = "VIDEO"
    settings.file_format = "FFMPEG"
    with pytest.raises(RuntimeError, match="is a video"):
        bpy.ops.likeness.render_new_pose_animation()


def test_it_stops_where_the_head_leaves_the_picture(backend, head, turning):
    camera = bpy.context.scene.camera
    for frame, x in ((3, 0.0), (4, 5.0)):
        camera.location.x = x
        camera.keyframe_insert("location", frame=frame)
    with pytest.raises(RuntimeError, match="not in the picture"):
        bpy.ops.likeness.render_new_pose_animation()
    assert files(turning) == ["turn_0002.png", "turn_0003.png"]


class Window:
    """Drives the operator as Blender's event loop would, which does not turn in background mode."""

    def __init__(self, addon) -> None:
        module = addon("operators.render_new_pose_animation")
        real = module.LIKENESS_OT_render_new_pose_animation
        names = ("execute", "finished", "_go_on", "_subjects", "_told")
        methods = {name: vars(real)[name] for name in names}

        class Operator(addon("operators.job_operator").JobOperator):
            overwrite = False

            def start(self, context, request):
                choice = addon("preferences").backend_choice(context)
                self._job = addon("session").session.start_job(request, choice)
                return {"RUNNING_MODAL"}

            def modal(self, context, event):
                outcome = super().modal(context, event)
                return self._go_on(context) if outcome == {"FINISHED"} and self._left else outcome

            def report(self, kind, text):
                pass

        for name, method in methods.items():
            setattr(Operator, name, method)
        self.operator = Operator()

    def event(self, kind: str = "TIMER") -> set[str]:
        return self.operator.modal(bpy.context, type("Event", (), {"type": kind, "value": "PRESS"})())

    def until(self, done) -> set[str]:
        pause = threading.Event()
        while True:
            outcome = self.event()
            if outcome in ({"FINISHED"}, {"CANCELLED"}) or done():
                return outcome
            pause.wait(0.005)


def test_in_a_window_frames_follow_each_other(addon, backend, head, turning):
    window = Window(addon)
    assert window.operator.execute(bpy.context) == {"RUNNING_MODAL"}
    assert window.until(lambda: False) == {"FINISHED"}
    assert len(files(turning)) == 3


def test_esc_stops_and_what_is_written_stays(addon, backend, head, turning):
    window = Window(addon)
    window.operator.execute(bpy.context)
    window.until(lambda: (turning / "turn_0002.png").is_file())
    assert window.event("ESC") == {"CANCELLED"}
    assert files(turning) == ["turn_0002.png"]
    assert bpy.ops.likeness.render_new_pose_animation() == {"FINISHED"}
    assert len(files(turning)) == 3


@pytest.mark.parametrize(
    ("file_format", "magic"), [("JPEG", b"\xff\xd8"), ("TIFF", b"II"), ("PNG", b"\x89PNG")]
)
def test_a_still_is_written_in_the_scenes_format(backend, head, tmp_path, file_format, magic):
    scene = bpy.context.scene
    scene.render.image_settings.file_format = file_format
    scene.view_settings.view_transform = "AgX"
    path = tmp_path / "still.picture"
    bpy.ops.likeness.render_new_pose(filepath=str(path))
    assert path.read_bytes().startswith(magic)
    shown = np.array(bpy.data.images["New Pose"].pixels[:]).reshape(-1, 4)
    written = pixels(path).reshape(-1, 4)
    solid = shown[:, 3] == 1
    assert np.abs(shown[solid] - written[solid])[:, :3].mean() < 0.02
    assert scene.view_settings.view_transform == "AgX"
