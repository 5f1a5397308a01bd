"""What a run has to show for itself: one JSON object a line, and pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from .errors import DiskFull
from .storage import write_whole

METRICS = "metrics.jsonl"
"""In the folder of a run."""


class MetricsLog:
    """``metrics.jsonl`` and ``pictures/`` in the folder of a run."""

    def __init__(self, folder: Path, step: int = 0) -> None:
        """Continue the log at ``step``; what an interrupted run wrote after it is dropped."""
        self._folder = folder
        self.path = folder / METRICS
        kept = [line for line in self._lines() if json.loads(line)["step"] <= step] if step else []
        write_whole(self.path, lambda stream: stream.write("".join(kept).encode()))

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Append one line."""
        line = json.dumps({"step": step, **{name: round(value, 6) for name, value in values.items()}})
        try:
            with self.path.open("a", encoding="utf-8") as stream:
                stream.write(line + "\n")
        except OSError as error:
            raise DiskFull(self.path, error) from error

    def picture(self, step: int, name: str, pixels: NDArray[np.uint8]) -> None:
        """Save an (H,W,3) sRGB picture as ``pictures/<name>_<step>.png``."""
        _, data = cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
        path = self._folder / "pictures" / f"{name}_{step:06d}.png"
        write_whole(path, lambda stream: stream.write(data.tobytes()))

    def _lines(self) -> list[str]:
        if not self.path.is_file():
            return []
        # A process that was killed may have left half a line.
        lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
        return [line for line in lines if line.endswith("}\n")]
