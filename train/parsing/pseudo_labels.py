"""Labels for real portraits from teachers that may be used: where these disagree, the answer is 'unknown'.

    python -m train.parsing.pseudo_labels PORTRAITS OUT --teacher hair_segmentation.tflite

The teachers are MediaPipe's hair segmentation (Apache-2.0; ``pip install ai-edge-litert`` reads it), the
product's own interim parser with its person matte, and the fitted head. Runs on the machine that has the
product's packages; training reads the written folder alone.
"""

from __future__ import annotations

import argparse
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.errors import FaceUnusable, NoFaceFound
from backend.head_parse import (
    BACKGROUND,
    BODY,
    EAR,
    FACE,
    HAIR,
    HEAD_CLASSES,
    HEADWEAR,
    OTHER_HEAD,
    HeadParse,
    ParseGuide,
    face_axes,
    face_oval,
)
from backend.parse_interim import InterimHeadParser

from .hair_teacher import HairTeacher
from .held_out import TEST_IDS, read_ids
from .sample import UNKNOWN, Sample, write_manifest, write_sample

if TYPE_CHECKING:
    from backend.crop import HeadCrop
    from backend.engine import Engine

Field = NDArray[np.float32]
Mask = NDArray[np.bool_]

HAIR_SURE, SKIN_SURE = 0.6, 0.4
"""The hair teacher's shares above which hair counts and below which it does not. Its hairline is far better
than that of the interim parser (hair IoU 0.91 against 0.78 on the test set), so it decides alone there."""
HAIRLINE_PX = 1
"""Half the band that stays open between hair and what it borders on (512 px crop)."""
OUTSIDE_SURE, INSIDE_SURE = 0.05, 0.95
"""Of the person's matte."""
BORDER_PX = 3
"""Half the band between two classes that no teacher places exactly (512 px crop)."""
EAR_ZONE = 0.09
"""By which a fitted ear may be misplaced, in face heights: around it nothing but hair is known."""
NAPE_BAND = (-0.12, 0.12)
"""Heights above the chin in face heights within which jaw and neck meet outside the oval."""
EYE_BAND = (0.42, 0.8)
"""Heights in face heights between which glasses may sit: no teacher knows them, so nothing is known there."""
EDGE_REACH_PX = 12.0
"""Half the width of the silhouette along which the matte of colours is trusted."""
BALD_SHARE = 0.012
"""Share of the crop from which bare scalp is a bald head and not a high temple."""

HANDMADE = Path(__file__).parent / "handmade" / "labels"
"""Labels by hand of portraits that may be trained on."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Evidence:
    """What the teachers say of one working crop of S pixels."""

    pixels: NDArray[np.uint8]
    """(S,S,3) sRGB."""
    inside: Mask
    """(S,S) where the photo has a pixel."""
    hair: Field
    """(S,S) the hair teacher's share."""
    parse: HeadParse
    """The interim parser's answer."""
    guide: ParseGuide
    """The fitted head."""


def label(evidence: Evidence) -> Sample:
    """A training sample of one crop: classes where the teachers agree, mattes where the border is known."""
    size = evidence.hair.shape[0]
    axes = face_axes(evidence.guide.landmarks_px)
    heights = axes.heights(size)
    oval = face_oval(evidence.guide.landmarks_px, size)
    theirs, hair, person = evidence.parse.labels, evidence.hair, evidence.parse.person
    bare = hair < SKIN_SURE

    labels = np.full((size, size), UNKNOWN, np.uint8)
    for code in (BACKGROUND, BODY, FACE):
        labels[(theirs == code) & bare] = code
    # Beside hair the outline is the hair teacher's, which sees twice as finely as the person's matte.
    outline = _near(hair > HAIR_SURE) & (person < 0.5)
    labels[(theirs == BACKGROUND) & (person > OUTSIDE_SURE) & ~outline] = UNKNOWN
    labels[(theirs == BODY) & (person < INSIDE_SURE)] = UNKNOWN
    if ((theirs == OTHER_HEAD) & bare).mean() > BALD_SHARE:
        labels[(theirs == OTHER_HEAD) & bare & (person > INSIDE_SURE)] = OTHER_HEAD
    if ((theirs == HEADWEAR) & bare).mean() > BALD_SHARE:
        labels[(theirs == HEADWEAR) & bare & (person > INSIDE_SURE)] = HEADWEAR
    # Low in the face the teacher takes beards for hair.
    beard = oval & (heights < EYE_BAND[1]) & (theirs != HAIR)
    labels[(hair > HAIR_SURE) & (person > 0.5) & ~beard] = HAIR
    labels[oval & bare] = FACE
    labels[(labels == FACE) & (heights > EYE_BAND[0]) & (heights < EYE_BAND[1])] = UNKNOWN
    between = ~oval & (heights > NAPE_BAND[0]) & (heights < NAPE_BAND[1])
    labels[between & np.isin(labels, (FACE, BODY)) & (theirs != BODY)] = UNKNOWN

    labels = _with_unknown_borders(labels, between=~bare & (hair <= HAIR_SURE))
    labels = _with_ears(labels, evidence, axes.height_px)
    labels[~evidence.inside] = UNKNOWN
    head, person, trusted = mattes_of(evidence, labels)
    return Sample(evidence.pixels, labels, _bytes(head), _bytes(person), _bytes(trusted))


def _with_unknown_borders(labels: NDArray[np.uint8], between: Mask) -> NDArray[np.uint8]:
    """Leave a narrow band between two classes open; a narrower one around hair.

    ``between`` (S,S) is where the hair teacher itself changes its mind: no third class.
    """
    fine = (HAIR, FACE, BACKGROUND)
    hairline = np.isin(labels, fine) | between
    wide, narrow = _disk(BORDER_PX), _disk(HAIRLINE_PX)
    # The picture's edge is no border between classes.
    inner = cv2.erode(hairline.astype(np.uint8), wide, borderValue=1) > 0
    known = np.full_like(labels, UNKNOWN)
    for code in np.unique(labels[labels != UNKNOWN]).tolist():
        own = (labels == code).astype(np.uint8)
        core = cv2.erode(own, wide, borderValue=1) > 0
        if code in fine:
            core |= (cv2.erode(own, narrow, borderValue=1) > 0) & inner
        known[core] = code
    return known


def _disk(radius: int) -> NDArray[np.uint8]:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2)


def _with_ears(labels: NDArray[np.uint8], evidence: Evidence, face_height_px: float) -> NDArray[np.uint8]:
    """Ears where fitted head and colours agree; around fitted ears nothing else but hair is known."""
    reach = max(1, round(EAR_ZONE * face_height_px))
    zone = cv2.dilate(evidence.guide.ears.astype(np.uint8), _disk(reach)) > 0
    seen = (evidence.parse.labels == EAR) & (evidence.hair < SKIN_SURE) & (evidence.parse.person > 0.5)
    core = cv2.erode((seen & evidence.guide.ears).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    labels = np.where(zone & ~np.isin(labels, (HAIR, BACKGROUND)), np.uint8(UNKNOWN), labels)
    labels[core] = EAR
    return labels


def mattes_of(evidence: Evidence, labels: NDArray[np.uint8]) -> tuple[Field, Field, Mask]:
    """Head and person (S,S), and where both may be trusted."""
    parse = evidence.parse
    # Long hair on shoulders: what only the teacher found belongs to the head as well.
    head = np.where(labels == HAIR, parse.person, parse.matte).astype(np.float32)
    known = (labels != UNKNOWN) & ((head > 0.5) == np.isin(labels, HEAD_CLASSES))
    silhouette = _near(labels == BACKGROUND) & _near(np.isin(labels, HEAD_CLASSES))
    axes = face_axes(evidence.guide.landmarks_px)
    within = (parse.matte > INSIDE_SURE) & (axes.heights(labels.shape[0]) > NAPE_BAND[1])
    return head, parse.person, (known | silhouette | within) & evidence.inside


def _near(mask: Mask) -> Mask:
    """Within :data:`EDGE_REACH_PX` of the mask."""
    return cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 3) < EDGE_REACH_PX


def _bytes(share: Field | Mask) -> NDArray[np.uint8]:
    return np.rint(share * np.float32(255)).astype(np.uint8)


@dataclass(frozen=True)
class Look:
    """A portrait as the product's own stages see it before parsing."""

    crop: HeadCrop
    guide: ParseGuide
    parse: HeadParse
    """The interim parser's answer."""


def look_at(path: Path, engine: Engine) -> Look:
    """Fit, crop and parse one portrait; raises NoFaceFound or FaceUnusable."""
    from backend.crop import head_crop
    from backend.fitting import guide_of
    from backend.photo import read_photo
    from backend.project import project_head
    from backend.raster import default_rasterizer

    photo = read_photo(path)
    fit, face, _ = engine.fit(photo)
    crop = head_crop(photo, fit.camera, fit.pose)
    head = project_head(engine.model, fit, crop.camera, default_rasterizer(engine.device))
    guide = guide_of(crop, head, face)
    return Look(crop, guide, InterimHeadParser().parse(crop, guide))


def gather(path: Path, engine: Engine, teacher: HairTeacher) -> Evidence:
    """Ask all teachers about one portrait; raises NoFaceFound or FaceUnusable."""
    look = look_at(path, engine)
    crop = look.crop
    return Evidence(crop.pixels, crop.inside, teacher.patient_look(crop.pixels), look.parse, look.guide)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("portraits", type=Path, help="folder of JPEG portraits")
    parser.add_argument("out", type=Path, help="folder for the samples")
    parser.add_argument("--teacher", type=Path, required=True, help="MediaPipe's hair_segmentation.tflite")
    parser.add_argument("--held-out", type=Path, default=TEST_IDS, help="names that training must not see")
    parser.add_argument("--better", type=Path, default=HANDMADE, help="folder of hand labels, left out here")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    from backend.engine import Engine

    engine, teacher, held_out = Engine("cpu"), HairTeacher(arguments.teacher), read_ids(arguments.held_out)
    lines, better = [], {path.stem for path in arguments.better.glob("*.png")}
    for path in sorted(arguments.portraits.glob("*.jpg")):
        if path.stem in held_out | better:
            continue
        try:
            sample = label(gather(path, engine, teacher))
        except (NoFaceFound, FaceUnusable) as refusal:
            log.info("%s left out: %s", path.name, refusal.message)
            continue
        lines.append(write_sample(arguments.out, path.stem, sample))
    write_manifest(arguments.out, lines)
    log.info("%d samples in %s", len(lines), arguments.out)


if __name__ == "__main__":
    main()
