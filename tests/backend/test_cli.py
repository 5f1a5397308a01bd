"""The command line: files all or none, one message for a refusal, one object for ``--json``."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from backend_fakes import FakeEngine, small_reconstruction
from PIL import Image

import backend.cli.batch
import backend.cli.bench
import backend.cli.evaluate
import backend.cli.import_photo
import backend.cli.repose
import backend.cli.stills
import backend.cli.transfer
from backend import bench
from backend.cli import main
from backend.errors import FaceUnusable, NoFaceFound
from backend.progress import ignore
from backend.protocol import Quality
from backend.repose import CoarseRender

ROOT = Path(__file__).resolve().parents[2]
FILES = ["head.glb", "head.npz", "preview.png", "report.json"]


class TalkativeEngine(FakeEngine):
    """Prints from native code, as MediaPipe does."""

    def reconstruct(self, photo, *, face=None, quality=Quality.FAST, progress=ignore):
        os.write(1, b"native words\n")
        os.write(2, b"W0000 native words\n")
        return super().reconstruct(photo, face=face, quality=quality, progress=progress)


COMMANDS = (backend.cli.import_photo, backend.cli.repose, backend.cli.batch, backend.cli.transfer)


@pytest.fixture
def engine(monkeypatch) -> FakeEngine:
    fake = TalkativeEngine()
    for module in (*COMMANDS, bench):
        monkeypatch.setattr(module, "Engine", lambda **_: fake)
    return fake


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """As large as the fake reconstruction's photo, at a path that quoting would break."""
    folder = tmp_path / "Größe & Maß"
    folder.mkdir()
    path = folder / "my photo.png"
    Image.fromarray(small_reconstruction().images["photo"]).save(path)
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_import_writes_four_files(engine, photo: Path, tmp_path: Path, capfd) -> None:
    out = tmp_path / "new folder" / "ü"
    assert main(["import", str(photo), "-o", str(out), "--face", "2"]) == 0
    assert names(out) == FILES
    assert engine.calls == [((48, 64, 3), 2, Quality.FAST)]
    words = capfd.readouterr()
    assert "The face is turned." in words.out
    assert "native" not in words.out + words.err
    assert Image.open(out / "preview.png").mode == "RGB"


def test_the_best_fit_is_asked_for(engine, photo: Path, tmp_path: Path) -> None:
    assert main(["import", str(photo), "-o", str(tmp_path / "out"), "--quality", "best"]) == 0
    assert engine.calls == [((48, 64, 3), None, Quality.BEST)]


def test_import_prints_one_object(engine, photo: Path, tmp_path: Path, capfd) -> None:
    assert main(["import", str(photo), "-o", str(tmp_path / "out"), "--json"]) == 0
    printed = json.loads(capfd.readouterr().out)
    assert printed == json.loads((tmp_path / "out" / "report.json").read_text())
    assert printed["device"] == "test device"
    assert set(printed["pose_deg"]) == {"yaw", "pitch", "roll"}
    assert set(printed["round_trip"]) == {"psnr_db", "ssim"}


@pytest.mark.parametrize(
    "error", [NoFaceFound("No face.", "Take another."), FaceUnusable("Too small.", "Crop.")]
)
@pytest.mark.parametrize("command", ["import", "repose"])
def test_refused_photos_leave_one_message_and_no_file(
    engine, photo: Path, tmp_path: Path, capfd, command: str, error: NoFaceFound
) -> None:
    engine.error = error
    out = tmp_path / "out"
    assert main([command, str(photo), "-o", str(out / "x.png" if command == "repose" else out)]) == 2
    words = capfd.readouterr()
    assert words.err == f"{error.message} {error.hint}\n"
    assert words.out == ""
    assert not out.exists()


@pytest.mark.parametrize("data", [b"", b"just text", b"\xff\xd8\xff\xe0 and no more", None])
def test_files_that_are_no_photos(engine, tmp_path: Path, capfd, data: bytes | None) -> None:
    path = tmp_path / "no photo.jpg"
    if data is not None:
        path.write_bytes(data)
    out = tmp_path / "out"
    assert main(["import", str(path), "-o", str(out)]) == 2
    message = capfd.readouterr().err
    assert message.count("\n") == 1
    assert "no photo.jpg" in message
    assert not out.exists()
    assert not engine.calls


def test_a_full_disk(engine, photo: Path, tmp_path: Path, capfd, monkeypatch) -> None:
    def write_bytes(self: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    out = tmp_path / "out"
    assert main(["import", str(photo), "-o", str(out)]) == 1
    assert "space" in capfd.readouterr().err
    assert not out.exists()


def test_interrupting_leaves_nothing(engine, photo: Path, tmp_path: Path, capfd) -> None:
    engine.error = KeyboardInterrupt()
    assert main(["import", str(photo), "-o", str(tmp_path / "out")]) == 130
    assert capfd.readouterr().err == "Stopped.\n"
    assert not (tmp_path / "out").exists()


def test_repose_writes_a_picture_of_the_photos_size(engine, photo: Path, tmp_path: Path, capfd) -> None:
    out = tmp_path / "turned.png"
    assert main(["repose", str(photo), "--yaw", "25", "--pitch", "-5", "-o", str(out), "--json"]) == 0
    assert Image.open(out).size == (64, 48)
    printed = json.loads(capfd.readouterr().out)
    assert printed["output"] == str(out)
    assert printed["interim"] is True


def test_repose_turns_by_the_angles(engine, photo: Path, tmp_path: Path, monkeypatch) -> None:
    poses = []

    def render(reconstruction, pose):
        poses.append(pose)
        return CoarseRender(np.zeros((48, 64, 4), np.uint8), np.zeros((48, 64), np.uint8))

    monkeypatch.setattr(backend.cli.stills, "render_view", render)
    arguments = ["--yaw", "25", "--pitch", "-5", "--roll", "3", "-o", str(tmp_path / "t.png")]
    assert main(["repose", str(photo), *arguments]) == 0
    before = small_reconstruction().pose.angles_deg
    changes = {name: angle - before[name] for name, angle in poses[0].angles_deg.items()}
    assert changes == pytest.approx({"yaw": 25, "pitch": -5, "roll": 3})


def test_stills_come_for_every_photo_and_pose(engine, photo: Path, tmp_path: Path, capfd) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    folder = tmp_path / "all"
    arguments = [
        "--yaw",
        "-30",
        "0",
        "12.5",
        "--pitch",
        "0",
        "10",
        "-o",
        str(folder),
        "--transparent",
        "--json",
    ]
    assert main(["stills", str(broken), str(photo), *arguments]) == 0
    names = [f"my photo_yaw{yaw}{nod}.png" for yaw in ("-30", "+0", "+12.5") for nod in ("", "_pitch+10")]
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)
    assert all(Image.open(path).mode == "RGBA" for path in folder.iterdir())
    printed = capfd.readouterr()
    told = json.loads(printed.out)
    assert [entry["output"] for entry in told["stills"]] == [str(folder / name) for name in names]
    assert list(told["refused"]) == [str(broken)]
    assert "broken.jpg" in printed.err


def test_stills_of_nothing_but_refusals_fail(engine, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    assert main(["stills", str(broken), "-o", str(tmp_path / "all")]) == 2


def test_the_same_pose_gives_the_same_picture_by_either_command(engine, photo: Path, tmp_path: Path) -> None:
    assert main(["stills", str(photo), "--yaw", "20", "-o", str(tmp_path)]) == 0
    assert main(["repose", str(photo), "--yaw", "20", "-o", str(tmp_path / "one.png")]) == 0
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "my photo_yaw+20.png").read_bytes()


@pytest.mark.parametrize(
    ("take", "turns", "speaks"),
    [("both", True, True), ("pose", True, False), ("expression", False, True)],
)
def test_transfer_takes_what_it_was_asked_for(
    engine, photo: Path, tmp_path: Path, capfd, monkeypatch, take: str, turns: bool, speaks: bool
) -> None:
    rendered = []

    def render(head, pose):
        rendered.append((head, pose))
        return CoarseRender(np.zeros((48, 64, 4), np.uint8), np.zeros((48, 64), np.uint8))

    monkeypatch.setattr(backend.cli.stills, "render_view", render)
    source, out = photo.with_name("source.png"), tmp_path / "moved.png"
    Image.fromarray(np.zeros((30, 20, 3), np.uint8)).save(source)
    arguments = ["--take", take, "--source-face", "2", "-o", str(out), "--json"]
    assert main(["transfer", str(source), str(photo), *arguments]) == 0
    assert engine.calls == [((30, 20, 3), 2, Quality.FAST), ((48, 64, 3), None, Quality.FAST)]
    own, [(head, pose)] = small_reconstruction(), rendered
    assert (pose.angles_deg != pytest.approx(own.pose.angles_deg)) is turns
    assert (head.expression.tolist() == [0.75, 0.125]) is speaks
    assert Image.open(out).size == (64, 48)
    notes = json.loads(capfd.readouterr().out)["warnings"]
    assert notes == ["source.png: The photo is blurred.", "my photo.png: The face is turned."]


def test_transfer_says_which_photo_was_refused(engine, photo: Path, tmp_path: Path, capfd) -> None:
    engine.error = NoFaceFound("No face.", "Take another.")
    out = tmp_path / "out" / "x.png"
    assert main(["transfer", str(photo), str(photo), "-o", str(out)]) == 2
    assert capfd.readouterr().err == "my photo.png: No face. Take another.\n"
    assert not out.parent.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["import"],
        ["import", "x"],
        ["import", "x", "-o", "y", "--face", "0"],
        ["import", "x", "-o", "y", "--quality", "perfect"],
        ["eval", "beauty", "x"],
        ["bench", "--runs", "3"],
    ],
)
def test_wrong_command_lines(arguments: list[str], capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: likeness" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["--help"], ["import", "--help"], ["serve", "--help"]])
def test_help_loads_no_network(command: list[str]) -> None:
    code = (
        "import sys\nfrom backend.cli import main\n"
        f"try: main({command!r})\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'cv2', 'mediapipe', 'starlette'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "usage: likeness" in done.stdout


@pytest.mark.parametrize("measure", ["geometry", "parsing"])
def test_eval_scores_a_folder_of_predictions(measure: str, monkeypatch, tmp_path: Path, capsys) -> None:
    seen = []

    def score(dataset, predictor, save=None):
        seen.append((dataset, predictor.folder, save))
        return {"n": 1, "iou": {"hair": 0.5}}

    monkeypatch.setattr(f"backend.evaluate.evaluate_{measure}", score)
    arguments = ["eval", measure, "data", "--predictions", "theirs", "--save", "s", "--json"]
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out) == {"n": 1, "iou": {"hair": 0.5}}
    assert seen == [(Path("data"), Path("theirs"), Path("s"))]


def test_eval_for_people(monkeypatch, capsys) -> None:
    monkeypatch.setattr(backend.cli.evaluate, "_score", lambda options, folder: {"mae_deg": {"yaw": 1.23456}})
    assert main(["eval", "pose", "data"]) == 0
    assert capsys.readouterr().out.split() == ["mae_deg", "yaw", "1.235"]


def test_eval_says_what_has_no_predictions(capsys) -> None:
    assert main(["eval", "pose", "data", "--predictions", "x"]) == 1
    assert "geometry or parsing" in capsys.readouterr().err


def test_eval_without_a_data_set(tmp_path: Path, capsys) -> None:
    assert main(["eval", "geometry", str(tmp_path), "--predictions", str(tmp_path)]) == 1
    message = capsys.readouterr().err
    assert "manifest.jsonl" in message
    assert "Traceback" not in message


def test_bench_counts_its_runs(engine, photo: Path, capfd, monkeypatch) -> None:
    rasterizer = {"size": 8, "triangles": 2, "torch_ms": 1.0, "pytorch3d_ms": None, "speedup": None}
    monkeypatch.setattr(bench, "measure_rasterizers", lambda: rasterizer)
    assert main(["bench", str(photo), "--runs", "11", "--json"]) == 0
    result = json.loads(capfd.readouterr().out)
    assert len(engine.calls) == 1 + 11
    assert result["runs"] == 11
    assert result["median_ms"]["fit"] == 12.5
    assert {"load", "pack", "import_total", "still_render", "still_refine"} <= set(result["median_ms"])
    assert result["photo"] == {"name": "my photo.png", "width": 64, "height": 48}
    assert "my photo.png" in bench.table(result)


def test_medians_are_medians() -> None:
    samples = bench.Samples()
    for value in (1.0, 100.0, 2.0):
        samples.add({"fit": value})
    assert samples.medians() == {"fit": 2.0}


def test_the_real_engine_from_the_command_line(tmp_path: Path) -> None:
    """As the README says it: one photo, four files, in a process of its own."""
    astronaut = pytest.importorskip("skimage.data").astronaut()
    photo = tmp_path / "a photo.jpg"
    Image.fromarray(astronaut).save(photo, quality=95)
    command = [sys.executable, "-m", "backend", "import", str(photo), "-o", str(tmp_path / "out"), "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    report = json.loads(done.stdout)
    assert names(tmp_path / "out") == FILES
    assert report["counts"]["face"]["polygons"] > 1000
    with np.load(tmp_path / "out" / "head.npz") as file:
        pixels = file["vertices"] @ file["camera_matrix"].T
        assert (file["vertices"][:, 2] > 0).all()
        face = file["faces"][file["mesh_index"] == list(file["mesh_names"]).index("face")]
        centre = (pixels[face, :2] / pixels[face, 2:]).mean((0, 1))
    assert np.linalg.norm(centre - [222, 120]) < 60  # where her face is in the 512 x 512 photo
