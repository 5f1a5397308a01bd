"""Tells the parts of a head apart with the parsing network; without its weights the classical parser does."""

from __future__ import annotations

import logging
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from .crop import HeadCrop
from .errors import AssetBroken
from .head_parse import (
    BACKGROUND,
    BODY,
    EAR,
    FACE,
    HEAD_CLASSES,
    OTHER_HEAD,
    HeadParse,
    HeadParser,
    ParseGuide,
    continued,
    face_axes,
    face_oval,
)
from .nets.parse_net import PARSE_ASSET, ParseNet, load_parse_net, normalised
from .parse_interim import InterimHeadParser, below_hair, solid_person
from .person_mask import PersonSegmenter

LOOK_SIDE = 320
"""Pixels that the network sees along each side of the working crop. It was trained at 256 with zooms of 0.7
to 1.4; on the hand labels 320 finds ears best (IoU 0.77 against 0.75), and 384 is no better."""
HAIR_REACH = 16 / 512
"""How far the head's matte reaches beyond its classes, as a share of the crop (16 mm): what is farther is
noise along the shoulders."""
SPECK = 1.5e-3
"""Smallest area of a class in squared face heights; what is smaller belongs to what is around it."""
OVAL_MARGIN = 0.03
"""By which the landmarks' oval may be too large, in face heights."""

Field = NDArray[np.float32]
Mask = NDArray[np.bool_]

log = logging.getLogger(__name__)


class NetworkHeadParser:
    """Parser with the network of :mod:`backend.nets.parse_net`.

    The network says what is what; where the silhouette lies is decided by the person's matte, which follows
    the photo's own edges at the crop's full size.
    """

    interim = False

    def __init__(
        self,
        net: ParseNet,
        device: torch.device | str = "cpu",
        segmenter: PersonSegmenter | None = None,
        side: int = LOOK_SIDE,
    ) -> None:
        """``net`` as :func:`load_parse_net` gives it; ``side`` is a multiple of 32."""
        self._device = torch.device(device)
        self._net = net.to(self._device, memory_format=torch.channels_last)
        self._segmenter = segmenter or PersonSegmenter()
        self._side = side

    def parse(self, crop: HeadCrop, guide: ParseGuide) -> HeadParse:
        """See :meth:`backend.head_parse.HeadParser.parse`."""
        shares = self._look(crop.pixels)
        person = self._segmenter.segment_head(crop.pixels)
        if not person.any():  # nobody there: nothing to hold together
            return HeadParse(np.zeros(person.shape, np.uint8), person, person)
        person = solid_person(person, guide)
        labels = _labels(shares, person, guide)
        return HeadParse(labels, person * _head_share(labels, shares), person)

    @torch.inference_mode()
    def _look(self, pixels: NDArray[np.uint8]) -> Field:
        """Shares of the classes (8,S,S) in a picture (S,S,3)."""
        size = pixels.shape[0]
        small = cv2.resize(pixels, (self._side, self._side), interpolation=cv2.INTER_AREA)
        picture = normalised(torch.from_numpy(small)[None].to(self._device))
        scores = self._net(picture.contiguous(memory_format=torch.channels_last)).classes
        # Scores rather than shares are enlarged: borders stay where two classes are equal, and crisp.
        scores = functional.interpolate(scores, (size, size), mode="bilinear", align_corners=False)[0]
        return scores.softmax(dim=0).cpu().numpy()


def head_parser(
    device: torch.device | str, segmenter: PersonSegmenter | None = None, weights: Path = PARSE_ASSET
) -> HeadParser:
    """The network if its weights are there and sound, else the classical parser (``interim``)."""
    try:
        return NetworkHeadParser(load_parse_net(weights), device, segmenter)
    except AssetBroken as error:
        log.warning("The classical parser stands in for the network. %s", error.message)
        return InterimHeadParser(segmenter)


def _head_share(labels: NDArray[np.uint8], shares: Field) -> Field:
    """(S,S) how much of the person is head. Mesh borders are cut along it, so it agrees with the classes."""
    inside = labels != BACKGROUND
    head = np.isin(continued(labels, inside), HEAD_CLASSES)
    soft = shares[list(HEAD_CLASSES)].sum(axis=0) / np.maximum(1 - shares[BACKGROUND], 1e-6)
    agreed = np.where(inside & (head == (soft > 0.5)), soft.clip(0, 1), head)
    reach = 2 * round(HAIR_REACH * len(labels)) + 1
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    near = cv2.dilate((head & inside).astype(np.uint8), brush)
    return (agreed * near).astype(np.float32)


def _labels(shares: Field, person: Field, guide: ParseGuide) -> NDArray[np.uint8]:
    """(S,S) classes within the person: no specks, no other heads, and nothing odd amid the face."""
    size = person.shape[0]
    labels = shares[1:].argmax(axis=0).astype(np.uint8) + np.uint8(1)
    axes = face_axes(guide.landmarks_px)
    margin = 2 * round(OVAL_MARGIN * axes.height_px) + 1
    oval = cv2.erode(
        face_oval(guide.landmarks_px, size).astype(np.uint8), np.ones((margin, margin), np.uint8)
    )
    labels[(oval > 0) & np.isin(labels, (EAR, OTHER_HEAD))] = FACE
    labels[person <= 0.5] = BACKGROUND
    labels[below_hair(labels == OTHER_HEAD, person > 0.5)] = FACE
    labels = _without_specks(labels, SPECK * axes.height_px**2)
    return _one_head(labels, guide)


def _without_specks(labels: NDArray[np.uint8], smallest: float) -> NDArray[np.uint8]:
    """Patches of fewer pixels take the class of their nearest neighbour; background stays background."""
    speck = np.zeros(labels.shape, bool)
    for code in np.unique(labels[labels != BACKGROUND]).tolist():
        of_class = (labels == code).astype(np.uint8)
        _, patch, stats, _ = cv2.connectedComponentsWithStats(of_class, connectivity=8)
        small = stats[:, cv2.CC_STAT_AREA] < smallest
        small[0] = False
        speck |= small[patch]
    return np.where(speck, continued(labels, ~speck & (labels != BACKGROUND)), labels)


def _one_head(labels: NDArray[np.uint8], guide: ParseGuide) -> NDArray[np.uint8]:
    """Heads that do not hang together with the fitted one are other people's: body, which nobody turns."""
    head = np.isin(labels, HEAD_CLASSES)
    _, patch = cv2.connectedComponents(head.astype(np.uint8), connectivity=8)
    ours = np.unique(patch[head & guide.skull])
    return np.where(head & ~np.isin(patch, ours), np.uint8(BODY), labels)
