"""*Head from Photo* in a real Blender, with a backend process."""

from __future__ import annotations

import threading

import bpy
import pytest

KINDS = ("objects", "meshes", "materials", "images", "cameras", "collections")


def counts() -> dict[str, int]:
    return {kind: len(getattr(bpy.data, kind)) for kind in KINDS}


class Clicks:
    """Stands in for Blender's event loop, which does not turn in background mode: it drives the modal
    operator as the window would, one event at a time."""

    def __init__(self, addon, photo: str) -> None:
        self.module = addon("operators.job_operator")
        self.session = addon("session").session
        requests = addon("operators.import_photo")
        path = photo
        self.reports: list[tuple[set, str]] = []
        self.finished = None
        operator = type(
            "Operator",
            (self.module.JobOperator,),
            {
                "report": lambda _, kind, text: self.reports.append((kind, text)),
                "finished": lambda operator, context, result: requests.LIKENESS_OT_import_photo.finished(
                    operator, context, result
                ),
            },
        )()
        from pathlib import Path

        data = Path(path).read_bytes()
        decode = addon("head_data").decode_head
        operator._job = self.session.start_job(
            addon("jobs").Request(
                Path(path).name, lambda client: client.reconstruct(data), lambda answer: decode("Ann", answer)
            ),
            addon("preferences").backend_choice(bpy.context),
        )
        self.operator = operator

    def event(self, kind: str = "TIMER") -> set[str]:
        event = type("Event", (), {"type": kind, "value": "PRESS"})()
        return self.operator.modal(bpy.context, event)

    def until(self, *outcomes: set[str]) -> set[str]:
        pause = threading.Event()
        while True:
            outcome = self.event()
            if outcome in outcomes:
                return outcome
            pause.wait(0.005)


@pytest.fixture
def modal(addon, backend, photo):
    return lambda content="a photo": Clicks(addon, photo(content))


def test_a_photo_becomes_a_head(addon, backend, photo):
    assert bpy.ops.likeness.import_photo(filepath=photo()) == {"FINISHED"}
    head = bpy.context.view_layer.objects.active
    assert head.name == "Head"
    assert addon("properties").likeness(head).collection.name == "Jürgen in the sun"


def test_warnings_reach_the_artist(addon, backend, photo):
    bpy.ops.likeness.import_photo(filepath=photo("warn"))
    assert "turned far" in addon("session").session.notice
    assert "turned far" in bpy.context.view_layer.objects.active["likeness_record"]["warnings"]


@pytest.mark.parametrize(
    ("preferred", "chosen", "sent"),
    [
        ("fast", None, "fast"),
        ("best", None, "best"),
        ("best", "fast", "fast"),
    ],
)
def test_the_fit_is_chosen_in_the_import_or_the_preferences(addon, backend, photo, preferred, chosen, sent):
    backend.quality = preferred
    bpy.ops.likeness.import_photo(filepath=photo("echo"), **({"quality": chosen} if chosen else {}))
    backend.quality = "fast"
    assert f"quality={sent}" in addon("session").session.notice


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("fail:no_face", "Words of the backend. A hint of the backend"),
        ("fail:internal", "fault of its own"),
        ("die", "stopped unexpectedly"),
        ("broken", "damaged head"),
    ],
)
def test_failures_are_told_and_leave_nothing(addon, backend, photo, content, words):
    before = counts()
    with pytest.raises(RuntimeError, match=words):
        bpy.ops.likeness.import_photo(filepath=photo(content))
    assert counts() == before
    assert words[:20] in addon("session").session.notice


def test_a_missing_file(backend):
    with pytest.raises(RuntimeError, match="no photo at"):
        bpy.ops.likeness.import_photo(filepath="/nowhere/photo.jpg")


def test_a_missing_backend(backend, photo):
    backend.kind = "BUNDLED"
    with pytest.raises(RuntimeError, match="not set up yet"):
        bpy.ops.likeness.import_photo(filepath=photo())


def test_a_server_is_not_asked_while_blender_is_offline(backend, photo, monkeypatch):
    backend.kind, backend.url = "REMOTE", "https://studio.example"
    if bpy.app.online_access:
        pytest.skip("this Blender is online")
    with pytest.raises(RuntimeError, match="Online Access"):
        bpy.ops.likeness.import_photo(filepath=photo())


def test_the_window_gets_its_head_without_waiting(modal):
    clicks = modal()
    assert clicks.event("MOUSEMOVE") == {"PASS_THROUGH"}  # Blender stays usable
    clicks.until({"FINISHED"})
    assert bpy.data.objects.get("Face") is not None


def test_esc_stops_the_import(modal):
    clicks = modal("slow")
    before = counts()
    assert clicks.event() == {"PASS_THROUGH"}
    assert clicks.event("ESC") == {"CANCELLED"}
    assert counts() == before
    assert "stopped" in clicks.reports[0][1]


def test_a_second_import_while_one_runs_is_refused(modal, photo):
    clicks = modal("slow")
    with pytest.raises(RuntimeError, match="still working on Jürgen"):
        bpy.ops.likeness.import_photo(filepath=photo("a photo", "second.jpg"))
    assert clicks.event() == {"PASS_THROUGH"}  # the first goes on
    assert bpy.data.objects.get("Face") is None


def test_undo_during_an_import_changes_nothing_for_it(modal):
    bpy.ops.ed.undo_push(message="start")
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.ed.undo_push(message="cube")
    clicks = modal()
    clicks.event()
    bpy.ops.ed.undo()
    assert "Cube" not in bpy.data.objects
    clicks.until({"FINISHED"})
    assert bpy.data.objects.get("Face") is not None
    bpy.ops.ed.undo()
    assert bpy.data.objects.get("Face") is None


def test_a_file_opened_during_an_import_gets_no_head(addon, modal, tmp_path):
    path = str(tmp_path / "other.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    clicks = modal("slow")
    clicks.event()
    bpy.ops.wm.open_mainfile(filepath=path)
    assert clicks.event() == {"CANCELLED"}
    assert bpy.data.objects.get("Face") is None
    assert "another file was opened" in addon("session").session.notice
    assert "another file was opened" in clicks.reports[0][1]


def test_a_head_waits_until_edit_mode_is_left(modal):
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.object.mode_set(mode="EDIT")
    clicks = modal()
    pause = threading.Event()
    while clicks.operator._job.ending is None:
        assert clicks.event() == {"PASS_THROUGH"}
        pause.wait(0.005)
    assert clicks.event() == {"PASS_THROUGH"}
    assert bpy.data.objects.get("Face") is None
    bpy.ops.object.mode_set(mode="OBJECT")
    assert clicks.event() == {"FINISHED"}


def test_a_window_that_goes_away_stops_the_job(modal):
    clicks = modal("slow")
    clicks.operator.cancel(bpy.context)
    assert clicks.operator._job.ending is not None


def test_the_backend_is_started_and_stopped_by_hand(addon, backend):
    def state():
        return addon("session").session.state(addon("preferences").backend_choice(bpy.context))

    assert state().value == "Stopped"
    bpy.ops.likeness.start_backend()
    assert state().value in ("Starting", "Running")
    bpy.ops.likeness.stop_backend()
    assert state().value == "Stopped"


@pytest.mark.parametrize(
    ("area", "region", "takes"),
    [("VIEW_3D", "UI", True), ("VIEW_3D", "WINDOW", False), ("IMAGE_EDITOR", "UI", False)],
)
def test_only_the_sidebar_takes_dropped_photos(addon, area, region, takes):
    """Blender's own handlers keep what is dropped into the viewport."""

    class Context:
        pass

    context = Context()
    context.area, context.region = Context(), Context()
    context.area.type, context.region.type = area, region
    assert addon("operators.import_photo").LIKENESS_FH_photo.poll_drop(context) is takes


def test_the_menus_offer_import_and_export(addon):
    menus = addon("menus")
    assert menus._draw_import in bpy.types.TOPBAR_MT_file_import._dyn_ui_initialize()
    assert menus._draw_export in bpy.types.TOPBAR_MT_file_export._dyn_ui_initialize()
