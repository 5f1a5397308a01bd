"""``make demo``: one photo becomes a head in Blender, with pictures and numbers to judge it by.

    python tools/demo.py [PHOTO]

Builds the extension, lets the newest Blender of this checkout install it and use it on the photo
(scikit-image's astronaut by default) and writes ``out/demo``: ``contact_sheet.png``, ``head.blend``,
``head.glb``, ``still_yaw+20.png``, ``report.json`` and what they were made of.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import skimage.data
import trimesh
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from backend import preview  # noqa: E402
from backend.bench import load_average, machine  # noqa: E402
from backend.cli.console import libraries_silenced  # noqa: E402
from backend.engine import Engine  # noqa: E402
from backend.errors import LikenessError  # noqa: E402
from backend.evaluate.predict import render_over_plate  # noqa: E402
from backend.evaluate.roundtrip import similarity_inside  # noqa: E402
from backend.export import json_bytes  # noqa: E402
from backend.photo import read_photo  # noqa: E402
from backend.reconstruction import Reconstruction  # noqa: E402
from backend.resample import Window, cut  # noqa: E402
from backend.wire import encode_png  # noqa: E402
from tools import build_extension  # noqa: E402
from tools.contact_sheet import Row, contact_sheet  # noqa: E402

OUT = ROOT / "out" / "demo"
BLENDERS = (".venv-blender52", ".venv-blender45")
"""Environments with Blender as a Python module, the newest first."""
MARK = "  - "
"""Begins the lines of the Blender half that are for people."""
YAWS_DEG = (-30, -15, 0, 15, 30)
TILE = 360
"""Side of a tile of the contact sheet in pixels."""
CLOSER = 1.2
"""How much nearer the sheet looks than the command line's preview."""

Pixels = NDArray[np.uint8]


def main(arguments: list[str]) -> int:
    """Run the demo; SystemExit with words if a step fails."""
    source = Path(arguments[0]) if arguments else None
    if source is not None and not source.is_file():
        raise SystemExit(f"There is no photo at {source}.")
    python = find_blender()
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    photo = copy_photo(source)
    print(f"1  Photo: {photo.name}")
    package = build_extension.build(OUT)
    print(f"2  Extension: {package.name}, {package.stat().st_size / 2**20:.1f} MB")
    print("3  Blender", flush=True)
    run_in_blender(python, package, photo)
    print("4  Pictures and numbers", flush=True)
    summary = finish(photo)
    tell(summary)
    return 0


def find_blender() -> Path:
    """The interpreter of the newest environment that has Blender."""
    for folder in BLENDERS:
        python = ROOT / folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        if python.is_file():
            return python
    raise SystemExit(
        "The demo needs Blender as a Python module: Python 3.13 for Blender 5.2 or Python 3.11 for\n"
        "Blender 4.5. Install one of them and run `make demo` again."
    )


def copy_photo(source: Path | None) -> Path:
    """The photo beside the results, so that they stay together."""
    if source is None:
        path = OUT / "photo.png"
        path.write_bytes(encode_png(skimage.data.astronaut()))
        return path
    path = OUT / f"photo{source.suffix.lower()}"
    try:
        shutil.copyfile(source, path)
    except OSError as error:
        raise SystemExit(f"{source} cannot be read ({error.strerror}).") from error
    return path


def run_in_blender(python: Path, package: Path, photo: Path) -> None:
    """Let the add-on do its work, with this environment as its backend; its talk goes to blender.log."""
    script = ROOT / "tools" / "demo_in_blender.py"
    command = [str(python), str(script), str(package), str(photo), str(OUT)]
    environment = {**os.environ, "LIKENESS_PYTHON": sys.executable, "PYTHONUNBUFFERED": "1"}
    log = OUT / "blender.log"
    said: list[str] = []
    with (
        log.open("w", encoding="utf-8") as file,
        subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        ) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            file.write(line)
            said.append(line)
            if line.startswith(MARK):
                print(line, end="", flush=True)
    if process.returncode != 0:
        raise SystemExit(
            f"The demo failed in Blender. Its last words, all of them in {log}:\n{''.join(said[-12:])}"
        )


def finish(photo: Path) -> dict[str, Any]:
    """Compose the contact sheet, measure the round trip and write the report."""
    with libraries_silenced():
        reconstruction = Engine().reconstruct(read_photo(photo))
    summary = json.loads((OUT / "blender.json").read_text(encoding="utf-8"))
    (OUT / "blender.json").unlink()
    _, head = render_over_plate(reconstruction)
    still = read_picture(OUT / "stills" / "yaw+0.png")[..., :3]
    if still.shape != reconstruction.images["photo"].shape:
        raise SystemExit(f"Blender's still has the size {still.shape[:2]}, the photo {head.shape}.")
    psnr_db, ssim = similarity_inside(reconstruction.images["photo"], still, head)
    summary = {
        "photo": {
            "name": photo.name,
            "width": reconstruction.camera.width,
            "height": reconstruction.camera.height,
        },
        "machine": machine(),
        "load_average": load_average(),
        **summary,
        "round_trip": {"psnr_db": round(psnr_db, 2), "ssim": round(ssim, 4)},
        "glb": glb_counts(OUT / "head.glb"),
    }
    (OUT / "contact_sheet.png").write_bytes(encode_png(compose(reconstruction, summary)))
    (OUT / "report.json").write_bytes(json_bytes(summary))
    return summary


def glb_counts(path: Path) -> dict[str, int]:
    """Open the exported file with another program's reader and count."""
    scene = trimesh.load(path, force="scene")
    meshes = list(scene.geometry.values())
    if not meshes:
        raise SystemExit(f"{path} holds no mesh.")
    return {
        "meshes": len(meshes),
        "vertices": sum(len(mesh.vertices) for mesh in meshes),
        "triangles": sum(len(mesh.faces) for mesh in meshes),
    }


def compose(reconstruction: Reconstruction, summary: dict[str, Any]) -> Pixels:
    """The contact sheet: photo, bare mesh, textured head and stills, all cropped alike."""
    margin = TILE * (1 - 1 / CLOSER) / 2
    view = preview.head_view(reconstruction, TILE).cropped(CLOSER, margin, margin, TILE, TILE)
    camera = reconstruction.camera
    scale = view.fx / camera.fx
    window = Window(scale, camera.cx - view.cx / scale, camera.cy - view.cy / scale, TILE, TILE)
    clay = [preview.shaded(reconstruction, reconstruction.pose.turned(yaw_deg=yaw), view) for yaw in YAWS_DEG]
    coarse = [over_paper(read_picture(OUT / "coarse" / f"yaw{yaw:+d}.png")) for yaw in YAWS_DEG]
    stills = [read_picture(OUT / "stills" / f"yaw{yaw:+d}.png")[..., :3] for yaw in YAWS_DEG]
    rows = (
        Row("Mesh", clay),
        Row("Textured head", [cut(picture, window) for picture in coarse]),
        Row("Render New Pose", [cut(picture, window) for picture in stills]),
    )
    photo = cut(reconstruction.images["photo"], window)
    columns = [f"{yaw:+d}°" if yaw else "as in the photo" for yaw in YAWS_DEG]
    return contact_sheet(photo, columns, rows, "Likeness", notes(summary))


def notes(summary: dict[str, Any]) -> list[str]:
    """A few figures for the sheet."""
    counts, trip = summary["counts"], summary["round_trip"]
    return [
        f"One photo, {summary['photo']['width']} x {summary['photo']['height']} pixels",
        f"{counts['objects']} objects, {counts['polygons']:,} polygons",
        f"{counts['meshes']['Face']['shape_keys']} shape keys on the face",
        f"Blender {summary['blender']}, {summary['device']}",
        f"Back in the photo: {trip['psnr_db']:.1f} dB",
    ]


def over_paper(picture: Pixels) -> Pixels:
    """An RGBA picture on light grey."""
    alpha = picture[..., 3:] / 255.0
    return np.rint(alpha * picture[..., :3] + (1 - alpha) * preview.PAPER).astype(np.uint8)


def read_picture(path: Path) -> Pixels:
    """An 8-bit PNG as (H,W,3) RGB or (H,W,4) RGBA."""
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise SystemExit(f"{path} is missing or no picture.")
    order = cv2.COLOR_BGRA2RGBA if pixels.shape[2] == 4 else cv2.COLOR_BGR2RGB
    return cv2.cvtColor(pixels, order)


def tell(summary: dict[str, Any]) -> None:
    """The report in a few lines."""
    times, blender, trip = summary["timings_ms"], summary["blender_ms"], summary["round_trip"]
    print(f"{MARK}backend, warm: {times['total'] / 1000:.2f} s on {summary['device']}")
    print(f"{MARK}objects built in {blender['build_head'] / 1000:.2f} s")
    print(f"{MARK}round trip inside the head: {trip['psnr_db']} dB, SSIM {trip['ssim']}")
    if summary["interim"]:
        print(f"{MARK}still done by interim methods: {', '.join(summary['interim'])}")
    for warning in summary["warnings"]:
        print(f"{MARK}note: {warning}")
    print(f"\nLook at {OUT.relative_to(ROOT) / 'contact_sheet.png'}")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except LikenessError as error:
        sys.exit(f"{error.message} {error.hint}".strip())
