"""Folders of :mod:`train.refine.portraits` become numbered samples.

A *pair* is a photo and what of it a new pose would see: the truth is known. A *render* is a head in a new
pose, for which there is no truth.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.nets.parse_net import normalised
from backend.refine_view import neighbours_guess, smoothed, solid, texture_guess, view_tensors
from backend.resample import Window, cut

from ..common.errors import BrokenSample, EmptyDataset, HeldOutSample
from ..common.seed import sample_generator
from ..synth.write import MANIFEST

CACHED = 128
"""Decoded pictures that a process keeps."""
AT_A_HOLE = 0.8
"""Share of the windows that are centred on a missing pixel."""
RING = 0.5
"""Share of the pairs that lack a ring along the person's outline, too."""
WIDEST_RING_PX = 7
"""Renders end there with a hard edge or with colours of the old background."""
HINT_SIGMA_PX = (3.0, 8.0)
HINT_SHIFT_PX = 5.0
HINT_GAIN = 0.15
"""A texture's guess about what the photo does not show is smooth, out of place and too bright or dark."""
COARSE_NOISE = 8
"""Knots of smooth noise along one side of a window."""

Picture = NDArray[np.uint8]
Field = NDArray[np.float32]


@dataclass(frozen=True)
class View:
    """One picture with all that is known of it, as written."""

    colour: Picture
    """(S,S,3) the person over the background: a photo, or a render laid over the plate."""
    person: Picture
    """(S,S,3) colours of the person where ``cover`` is not 0."""
    plate: Picture
    """(S,S,3)."""
    cover: Picture
    """(S,S)."""
    known: Picture
    """(S,S) how well each pixel is known; the background is."""

    def cut(self, window: Window, mirrored: bool) -> View:
        """A window of it."""
        maps = (cut(getattr(self, field.name), window) for field in fields(self))
        return View(*(np.ascontiguousarray(m[:, ::-1]) if mirrored else m for m in maps))


@dataclass(frozen=True)
class PosedPortrait:
    """A portrait and one of its new poses."""

    folder: Path
    id: str
    pose: int

    def pair(self) -> View:
        """The photo, and what of it the new pose would see."""
        photo, plate, cover = self._photo()
        return View(photo, photo, plate, cover, _known(cover, self._seen()[..., 1]))

    def render(self) -> View:
        """The head in the new pose, and what of it the photo saw."""
        _, plate, _ = self._photo()
        seen = self._seen()
        person = _picture(self.folder / f"{self.id}_{self.pose}.png")
        alpha = seen[..., 2:] / np.float32(255)
        colour = np.rint(alpha * person + (1 - alpha) * plate).astype(np.uint8)
        return View(colour, person, plate, seen[..., 2], _known(seen[..., 2], seen[..., 0]))

    def _photo(self) -> tuple[Picture, Picture, Picture]:
        stem = self.folder / self.id
        cover = _picture(Path(f"{stem}_cover.png"))[..., 0]
        return _picture(Path(f"{stem}.jpg")), _picture(Path(f"{stem}_plate.jpg")), cover

    def _seen(self) -> Picture:
        return _picture(self.folder / f"{self.id}_{self.pose}_seen.png")


def read_portraits(folder: Path) -> list[PosedPortrait]:
    """What a folder's manifest lists; raises EmptyDataset and BrokenSample."""
    manifest = folder / MANIFEST
    if not manifest.is_file():
        raise EmptyDataset(f"There is no {manifest}.", "Write it with train.refine.portraits.")
    found = []
    for line in manifest.read_text(encoding="utf-8").splitlines():
        try:
            values = json.loads(line)
            found += [PosedPortrait(folder, values["id"], pose) for pose in range(len(values["poses"]))]
        except (ValueError, KeyError, TypeError) as error:
            raise BrokenSample(manifest, f"a line says nothing ({error})") from error
    if not found:
        raise EmptyDataset(f"{manifest} lists nothing.", "Write it with train.refine.portraits.")
    return found


def _known(cover: Picture, seen: Picture) -> Picture:
    """What is background is known; of the person, what is seen."""
    return np.rint(255 - cover * (1 - seen / np.float32(255))).astype(np.uint8)


def _picture(path: Path) -> Picture:
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    if pixels is None:
        raise BrokenSample(path, "it is no picture")
    return pixels


class RefineData:
    """Windows of all portraits of all folders: of pairs, or of renders."""

    def __init__(
        self,
        folders: Sequence[Path],
        side: int,
        zoom: tuple[float, float],
        hinted: float,
        seed: int,
        held_out: frozenset[str],
        paired: bool,
    ) -> None:
        """Raises EmptyDataset, BrokenSample, and HeldOutSample for portraits that no training may see."""
        if not folders:
            raise EmptyDataset("No folder of portraits was named.", "Name at least one with --data.")
        self._portraits = [portrait for folder in folders for portrait in read_portraits(folder)]
        for portrait in self._portraits:
            if portrait.id in held_out:
                raise HeldOutSample(
                    f"{portrait.id} in {portrait.folder} belongs to the test set.", "Take it out of the data."
                )
        self._side, self._zoom, self._hinted = side, zoom, hinted
        self._seed, self._paired = seed, paired
        read: Callable[[PosedPortrait], View] = PosedPortrait.pair if paired else PosedPortrait.render
        self._read = lru_cache(CACHED)(read)

    def sample(self, number: int) -> dict[str, Tensor]:
        """The fields of a :class:`backend.nets.refine_net.CoarseView`, and ``truth`` (3,S,S) of a pair.

        Equal numbers give equal samples.
        """
        # One bit keeps the random numbers of both kinds apart.
        rng = sample_generator(self._seed, 2 * number + self._paired)
        view = self._read(self._portraits[rng.integers(len(self._portraits))])
        view = view.cut(window_at(view.known, self._side, self._zoom, rng), bool(rng.random() < 0.5))
        if self._paired and rng.random() < RING:
            view = without_ring(view, int(rng.integers(1, WIDEST_RING_PX + 1)))
        hint = bool(rng.random() < self._hinted)
        spoilt = spoil(view, rng) if hint and self._paired else None
        tensors = tensors_of(view, hint, spoilt)
        if self._paired:
            tensors["truth"] = normalised(torch.from_numpy(view.colour))
        return tensors


def window_at(known: Picture, side: int, zoom: tuple[float, float], rng: np.random.Generator) -> Window:
    """A random window inside a picture, mostly around something missing."""
    size = len(known)
    side_px = min(side / rng.uniform(*zoom), float(size))
    x, y = rng.uniform(0, size - 1, 2)
    rows, columns = np.nonzero(known < 255 * rng.uniform())
    if len(rows) and rng.random() < AT_A_HOLE:
        at = rng.integers(len(rows))
        x, y = columns[at] + rng.uniform(-0.25, 0.25) * side_px, rows[at] + rng.uniform(-0.25, 0.25) * side_px
    low, high = side_px / 2 - 0.5, size - 0.5 - side_px / 2
    return Window.centred(min(max(x, low), high), min(max(y, low), high), side_px, side)


def without_ring(view: View, width_px: int) -> View:
    """The same with the pixels along the person's outline missing on both sides."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width_px, width_px))
    solid = (view.cover > 127).astype(np.uint8)
    ring = cv2.dilate(solid, disc) - cv2.erode(solid, disc)
    return replace(view, known=np.where(ring > 0, 0, view.known).astype(np.uint8))


def spoil(view: View, rng: np.random.Generator) -> Field:
    """The person (S,S,3) as a texture would guess it from the other pose: roughly."""
    size = len(view.colour)
    cover = view.cover / np.float32(255)
    rough = smoothed(view.person, solid(cover), rng.uniform(*HINT_SIGMA_PX))

    def noise(spread: float) -> Field:
        knots = rng.normal(0, spread, (COARSE_NOISE, COARSE_NOISE)).astype(np.float32)
        return cv2.resize(knots, (size, size), interpolation=cv2.INTER_CUBIC)

    rows, columns = np.mgrid[:size, :size].astype(np.float32)
    moved = cv2.remap(
        rough,
        columns + noise(HINT_SHIFT_PX),
        rows + noise(HINT_SHIFT_PX),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return (moved * (1 + noise(HINT_GAIN))[..., None]).clip(0, 255)


def tensors_of(view: View, hint: bool, spoilt: Field | None = None) -> dict[str, Tensor]:
    """A view as the network gets it. ``hint`` guesses by the texture, else by the neighbours; ``spoilt``
    stands for the texture of a photo, which would give the truth away."""
    cover, known = view.cover / np.float32(255), view.known / np.float32(255)
    if not hint:
        guess = neighbours_guess(view.person, known, cover, view.plate)
    elif spoilt is None:
        guess = texture_guess(view.person, cover, view.plate)
    else:
        guess = cover[..., None] * spoilt + (1 - cover[..., None]) * view.plate
    return view_tensors(view.colour, known, cover, guess)
