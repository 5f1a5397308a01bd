"""The Blender process seen from outside: started once, it draws one parcel after the other."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from backend.errors import LikenessError, StorageFailed

from .exr import BadPicture, read_exr
from .parcel import Parcel, to_bytes

ROOT = Path(__file__).resolve().parents[3]
WORKER = "train.synth.cycles.worker"
TAIL_CHARACTERS = 800
"""How much of what Blender said last goes into an error."""

Channels = dict[str, NDArray[np.float32]]


class BlenderMissing(LikenessError):
    """The Python with Blender in it does not start."""


class RenderFailed(LikenessError):
    """Blender refused a scene, or ended while it drew."""


@dataclass(frozen=True)
class BlenderSettings:
    """Which Blender draws, and how carefully."""

    python: Path
    """A Python interpreter that has the module ``bpy``, 4.5 or newer."""
    samples: int = 48
    """Paths for each pixel; what noise they leave is filtered away."""
    hairs: int = 30_000
    """How many hairs grow from the strands of a scalp."""
    device: str = "CPU"
    """Or CUDA, OPTIX, HIP, METAL."""


@dataclass(frozen=True)
class Passes:
    """What Blender drew of one scene."""

    beauty: Channels
    """(S,S) each: colour (linear, premultiplied), alpha, classes."""
    truth: Channels
    """(3S,3S) each, one ray a pixel: depth, normal, classes."""
    seconds: float
    cpu_seconds: float


class Blender:
    """A running Blender; see :func:`open_blender`."""

    def __init__(
        self, process: subprocess.Popen[str], log: IO[str], folder: Path, settings: BlenderSettings
    ) -> None:
        self.settings = settings
        self._process, self._log, self._folder = process, log, folder

    def draw(self, parcel: Parcel) -> Passes:
        """Draw one scene. Raises RenderFailed, or StorageFailed if there is no room for the files."""
        files = {name: self._folder / name for name in ("parcel", "beauty", "truth")}
        try:
            files["parcel"].write_bytes(to_bytes(parcel))
            answer = self._ask({key: str(path) for key, path in files.items()})
            beauty, truth = read_exr(files["beauty"]), read_exr(files["truth"])
            return Passes(beauty, truth, float(answer["seconds"]), float(answer["cpu_seconds"]))
        except BadPicture as error:
            raise StorageFailed(
                f"A picture from Blender is damaged: {error}.",
                "Is there room in the temporary folder (TMPDIR)?",
            ) from error
        except OSError as error:
            raise StorageFailed(
                f"The scene could not be handed to Blender: {error}.",
                "Make room in the temporary folder, or name another one with TMPDIR.",
            ) from error
        finally:
            for path in files.values():
                path.unlink(missing_ok=True)

    def _ask(self, files: dict[str, str]) -> dict[str, object]:
        request = files | {"samples": self.settings.samples, "device": self.settings.device}
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise self._ended()
        answer = json.loads(line)
        if "error" in answer:
            raise RenderFailed(
                f"Blender could not draw a scene: {answer['error']}", "Its own words: " + self._last_words()
            )
        return answer

    def _ended(self) -> LikenessError:
        """The error for a Blender that is gone: before its first picture it never really started."""
        code = self._process.wait()
        words = self._last_words()
        if "No module named 'bpy'" in words or "No module named 'numpy'" in words:
            return BlenderMissing(
                f"{self.settings.python} has no Blender in it.", "Install bpy there (docs/developer.md)."
            )
        return RenderFailed(
            f"Blender ended with code {code} while it drew.",
            f"Too little memory? Try fewer hairs or smaller pictures. Its last words: {words}",
        )

    def _last_words(self) -> str:
        self._log.seek(0)
        return self._log.read()[-TAIL_CHARACTERS:].strip() or "none"


@contextmanager
def open_blender(settings: BlenderSettings) -> Iterator[Blender]:
    """Start Blender and end it afterwards. Raises BlenderMissing if its Python cannot be started."""
    # Blender's Python must not see the packages of ours.
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    with (
        tempfile.TemporaryDirectory(prefix="likeness-cycles-") as folder,
        tempfile.TemporaryFile("w+") as log,
    ):
        try:
            process = subprocess.Popen(
                [str(settings.python), "-m", WORKER],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        except OSError as error:
            raise BlenderMissing(
                f"Blender's Python {settings.python} does not start: {error.strerror}.",
                "Name a Python that has bpy with --blender-python (docs/developer.md says how to make one).",
            ) from error
        with process:
            try:
                yield Blender(process, log, Path(folder), settings)
            finally:
                # What a Blender that is gone was not told is still in the buffer, and closing tries again.
                if process.stdin is not None:
                    with suppress(BrokenPipeError):
                        process.stdin.close()
                process.terminate()
