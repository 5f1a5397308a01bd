"""MediaPipe's hair segmentation (Apache-2.0), the teacher of hair masks on real portraits."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 512
HAIR = 1
"""Channel of hair in its answer."""
ZOOMS = (1.0, 1.25)
"""A patient look sees the picture and its middle, each also mirrored."""

Field = NDArray[np.float32]


class HairTeacher:
    """Needs the package ``ai_edge_litert``, which the product does not."""

    def __init__(self, path: Path) -> None:
        """Load ``hair_segmentation.tflite``."""
        from ai_edge_litert.interpreter import Interpreter

        self._network = Interpreter(str(path), num_threads=1)
        self._network.allocate_tensors()
        self._input = self._network.get_input_details()[0]["index"]
        self._output = self._network.get_output_details()[0]["index"]

    def look(self, pixels: NDArray[np.uint8]) -> Field:
        """(H,W) share of hair in a picture (H,W,3) sRGB."""
        # The fourth channel is the answer for the previous frame of a video; there is none.
        picture = np.zeros((1, SIDE, SIDE, 4), np.float32)
        picture[0, ..., :3] = cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA) / np.float32(255)
        self._network.set_tensor(self._input, picture)
        self._network.invoke()
        scores = self._network.get_tensor(self._output)[0]
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        share = weights[..., HAIR] / weights.sum(axis=-1)
        return cv2.resize(share, pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR)

    def patient_look(self, pixels: NDArray[np.uint8]) -> Field:
        """(S,S) the same for a square picture, averaged over zooms and mirror images."""
        size = pixels.shape[0]
        total, looks = np.zeros((size, size), np.float32), np.zeros((size, size), np.float32)
        for zoom in ZOOMS:
            margin = round(size * (1 - 1 / zoom) / 2)
            window = np.s_[margin : size - margin, margin : size - margin]
            part = pixels[window]
            total[window] += self.look(part) + self.look(np.ascontiguousarray(part[:, ::-1]))[:, ::-1]
            looks[window] += 2
        return total / looks
