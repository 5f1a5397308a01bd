"""First guess of a portrait's labels from what the product already sees, to be corrected by hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.engine import Engine
from backend.head_parse import BACKGROUND, BODY, EAR, FACE, HAIR, OTHER_HEAD
from backend.parse_interim import InterimHeadParser
from backend.person_mask import PersonSegmenter
from backend.photo import Photo
from backend.resample import paste
from train.parsing.hair_teacher import HairTeacher

CLEAN_PX = 1.2


@dataclass(frozen=True)
class Proposal:
    """Guesses for one photo, all (H,W)."""

    labels: NDArray[np.uint8]
    """The mixture from which the corrections start."""
    interim: NDArray[np.uint8]
    """The product's interim parser, background outside its crop."""
    inside: NDArray[np.bool_]
    """What the working crop covers."""
    person: NDArray[np.float32]
    hair: NDArray[np.float32]
    """Probability of the hair teacher; the parser's hair where there is no teacher."""


class Proposer:
    """Loads the networks once."""

    def __init__(self, teacher: Path | None) -> None:
        """``teacher``: MediaPipe's hair segmenter (.tflite), needs ``ai_edge_litert``; None goes without."""
        self._engine = Engine("cpu", parser=InterimHeadParser())
        self._segmenter = PersonSegmenter()
        self._teacher = HairTeacher(teacher) if teacher else None

    def propose(self, photo: Photo) -> Proposal:
        """Guesses for one photo; raises as :meth:`backend.engine.Engine.parse`."""
        crop, parse = self._engine.parse(photo)
        height, width = photo.height, photo.width
        interim = _to_photo(parse.labels, crop.window, width, height)
        inside = paste(np.ones(crop.pixels.shape[:2], np.float32), crop.window, width, height, 0.0) > 0.5
        person = self._segmenter.segment(photo.pixels)
        hair = self._teacher.look(photo.pixels) if self._teacher else (interim == HAIR).astype(np.float32)
        labels = _mixture(interim, inside, person, hair)
        return Proposal(labels, interim, inside, person, hair)


def _to_photo(labels: NDArray[np.uint8], window: object, width: int, height: int) -> NDArray[np.uint8]:
    """(H,W) class of the largest share in each photo pixel, BACKGROUND outside the crop."""
    shares = np.stack([(labels == code).astype(np.float32) for code in range(8)], axis=-1)
    return paste(shares, window, width, height, 0.0).argmax(axis=-1).astype(np.uint8)


def _mixture(
    interim: NDArray[np.uint8],
    inside: NDArray[np.bool_],
    person: NDArray[np.float32],
    hair: NDArray[np.float32],
) -> NDArray[np.uint8]:
    """Hair by the teacher, the silhouette by the person mask, the rest by the parser."""
    labels = np.where(inside, interim, np.where(person > 0.5, BODY, BACKGROUND)).astype(np.uint8)
    strands = (hair > 0.5) & (labels != EAR)
    skin = (labels == HAIR) & ~strands & (person > 0.5)
    labels[(labels == HAIR) & ~strands] = BACKGROUND
    labels[skin] = OTHER_HEAD
    labels[strands] = HAIR
    codes = (BACKGROUND, FACE, HAIR, EAR, BODY, OTHER_HEAD)
    votes = [cv2.GaussianBlur((labels == code).astype(np.float32), (0, 0), CLEAN_PX) for code in codes]
    return np.array(codes, np.uint8)[np.argmax(votes, axis=0)]
