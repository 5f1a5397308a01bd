"""The wire: what the add-on and the backend say to each other. Standard library only.

Both sides read this one module (the add-on by a relative import, inside Blender's Python), so it
imports nothing but the standard library and stays valid on Python 3.11.

Routes (all need ``Authorization: Bearer <token>``)::

    GET    /v1/info                          -> BackendInfo
    POST   /v1/jobs/reconstruct?face=N&quality=Q  body: the photo's own bytes     -> JobStatus
    POST   /v1/jobs/measure?face=N&quality=Q      body: the photo's own bytes     -> JobStatus
    POST   /v1/jobs/refine                   body: payload (see below)        -> JobStatus
    GET    /v1/jobs/{id}?after=REV&wait=SEC  long poll                        -> JobStatus
    GET    /v1/jobs/{id}/result              payload
    DELETE /v1/jobs/{id}                     cancel and forget                -> JobStatus
    GET    /metrics                          counters, for a studio's monitoring

``face`` counts from the largest (1, the default); ``quality`` is a :class:`Quality` (default ``fast``).

A *payload* is an ``.npz`` archive without pickles: a JSON header in the member ``header`` (uint8)
and named arrays; images travel as PNG bytes in uint8 arrays named ``image/<name>``.
:mod:`backend.payload` reads and writes it, and checks counts, sizes, dtypes and ranges.
"""

from __future__ import annotations

import enum
import json
import math
from collections.abc import Iterable
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from types import UnionType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

PROTOCOL = 2
"""Must be equal on both sides; the version string is for display only."""

TOKEN_VARIABLE = "LIKENESS_TOKEN"
"""Environment variable through which the parent hands the token to the backend process."""

MAX_PHOTO_BYTES = 64 * 1024 * 1024
MAX_PAYLOAD_BYTES = 512 * 1024 * 1024


class ErrorCode(enum.StrEnum):
    """Stable names of everything that can go wrong; the add-on has a text for each."""

    INTERNAL = "internal"
    BAD_REQUEST = "bad_request"
    UNAUTHORIZED = "unauthorized"
    NOT_FOUND = "not_found"
    TOO_LARGE = "too_large"
    QUEUE_FULL = "queue_full"
    BUSY = "busy"
    TOO_FAST = "too_fast"
    NOT_READY = "not_ready"
    PHOTO_UNREADABLE = "photo_unreadable"
    PHOTO_TOO_LARGE = "photo_too_large"
    NO_FACE = "no_face"
    FACE_UNUSABLE = "face_unusable"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    STORAGE_FAILED = "storage_failed"
    ASSET_BROKEN = "asset_broken"


UNNOTICED_STRETCH = 1.25
"""Photo pixels drawn this much larger still look like a photo (a picture enlarged by a quarter does)."""
GRAZING = 0.02
"""Cosines below it, 89 degrees, belong to a surface's contour."""

LIGHT_TERMS = 9
"""Of the spherical harmonics in which light travels."""

STATISTICAL_EXPRESSION = "Expression "
"""Names that begin with this are components of a statistical model: weights are standard deviations of
either sign. All other expressions go by ARKit's names and have weights in [0,1]."""


def common_expressions(
    names: Iterable[str], model: str, other_names: Iterable[str], other_model: str
) -> frozenset[str]:
    """Expressions that mean the same in two morphable models.

    ARKit's names do so everywhere; a statistical component belongs to its own model alone.
    """
    common = frozenset(names) & frozenset(other_names)
    if model == other_model:
        return common
    return frozenset(name for name in common if not name.startswith(STATISTICAL_EXPRESSION))


class JobState(enum.StrEnum):
    """Life of one job."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def in_terminal_state(self) -> bool:
        """Whether nothing will change any more."""
        return self in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)


class Stage(enum.StrEnum):
    """Stages of a job in the order in which a photo passes them; values are shown to the artist."""

    LOAD = "Opening photo"
    DETECT = "Finding face"
    FIT = "Fitting head"
    PARSE = "Separating hair"
    DEPTH = "Shaping hair and ears"
    MESH = "Building mesh"
    TEXTURE = "Painting textures"
    PACK = "Packing result"
    REFINE = "Refining picture"


class Quality(enum.StrEnum):
    """How long the fit may take: ``best`` lets the pixels polish what ``fast`` found."""

    FAST = "fast"
    BEST = "best"


@dataclass(frozen=True)
class ErrorBody:
    """What went wrong, and the remedy."""

    code: ErrorCode
    message: str
    hint: str = ""


@dataclass(frozen=True)
class BackendInfo:
    """Who answers: ``device`` is a display name such as ``CPU (2 threads)``."""

    protocol: int
    version: str
    device: str
    interim: tuple[str, ...] = ()
    """Names of stages that are still interim (geometric or classical instead of a network)."""


@dataclass(frozen=True)
class JobStatus:
    """Snapshot of one job; ``revision`` grows with every change."""

    id: str
    kind: str
    state: JobState
    revision: int = 0
    stage: str = ""
    fraction: float = 0.0
    error: ErrorBody | None = None
    ahead: int = 0
    """Jobs that will run before this one, while it waits."""


@dataclass(frozen=True)
class ReadyEvent:
    """The one line that the backend process prints on stdout when it listens."""

    port: int
    protocol: int = PROTOCOL
    version: str = ""
    device: str = ""
    event: str = "ready"


@dataclass(frozen=True)
class CameraHeader:
    """Pinhole camera of the photo: pixels, pixel centres at integer coordinates (OpenCV)."""

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int


@dataclass(frozen=True)
class MeshHeader:
    """One mesh of a reconstruction. Its arrays are ``mesh/<name>/<array>``.

    ``vertices`` float32 (N,3) mm head frame relative to ``origin_mm``; ``polygons`` int32 (P,4),
    triangles padded with -1; ``uvs`` float32 (P,4,2), v up; optional ``expression`` and
    ``identity`` float16 (E,N,3) / (K,N,3) mm per unit; optional ``known`` float32 (N,), in [0,1] how
    well the photo saw each vertex, and ``seen_at`` float32 (N,3), mm, where it stood in the photo's
    camera space.
    """

    name: str
    image: str
    origin_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    follows_head: bool = True
    has_alpha: bool = False
    visible: bool = True
    has_shape_keys: bool = False


Vector = tuple[float, float, float]


@dataclass(frozen=True)
class ReconstructionHeader:
    """The JSON part of a reconstruction. Arrays besides the meshes: ``identity`` (K,) sigma,
    ``expression`` (E,) 0..1, ``rotation`` (3,3) and ``translation_mm`` (3,) head to camera."""

    camera: CameraHeader
    pose_deg: dict[str, float]
    meshes: tuple[MeshHeader, ...]
    images: tuple[str, ...]
    expression_names: tuple[str, ...]
    model: str
    warnings: tuple[str, ...] = ()
    timings_ms: dict[str, float] = field(default_factory=dict[str, float])
    interim: tuple[str, ...] = ()
    light: tuple[Vector, ...] | None = None
    """Nine spherical harmonics, linear RGB each, of the photo's light (:mod:`backend.harmonics`); None
    where nothing was estimated."""
    surprise: dict[str, float] = field(default_factory=dict[str, float])
    """How far from the middle of people each group of coefficients is, in usual spreads."""
    protocol: int = PROTOCOL


@dataclass(frozen=True)
class MeasureHeader:
    """What a person does in a photo: a payload without arrays."""

    rotation: tuple[Vector, Vector, Vector]
    """Rows of the head-to-camera rotation."""
    translation_mm: Vector
    """Head centre in camera space."""
    expression: dict[str, float]
    model: str
    warnings: tuple[str, ...] = ()
    protocol: int = PROTOCOL


@dataclass(frozen=True)
class RefineHeader:
    """A coarse render to be refined. Its images:

    ``coarse`` RGBA, straight alpha; ``known`` RGBA with 16 bits and a straight alpha of its own: where in
    the photo each pixel's surface was seen, as shares of the photo's width and height from its top left
    corner, and how well it is known, all of it times 65535; ``plate`` RGB, of any size; if the colours are
    still the photo's, the ``photo`` (RGB); where the scene has other objects, ``surroundings`` (RGBA: these
    with the head cut out). All but plate and photo have the header's size.
    """

    width: int
    height: int
    transparent: bool = False
    protocol: int = PROTOCOL


@dataclass(frozen=True)
class StillHeader:
    """A refined still: images ``still`` (RGB or RGBA) and ``invented`` (grey, 255 = a gap in
    the render that was filled)."""

    width: int
    height: int
    invented_share: float
    method: str
    interim: bool
    protocol: int = PROTOCOL


T = TypeVar("T")


def to_json(value: Any) -> str:
    """A wire dataclass as compact JSON."""
    return json.dumps(asdict(value), separators=(",", ":"), allow_nan=False)


def from_json(kind: type[T], text: str | bytes) -> T:
    """Read a wire dataclass from JSON text; ValueError if it is not one."""
    return decode(kind, json.loads(text))


def decode(kind: type[T], value: object) -> T:
    """Build the wire dataclass ``kind`` from what ``json.loads`` returned.

    Unknown keys are ignored, so that a newer side may add some. Raises ValueError with the path of
    the first field that is missing, of the wrong type or not a finite number.
    """
    return _decode(kind, value, kind.__name__)


def _decode(kind: Any, value: Any, path: str) -> Any:
    """Check ``value`` against the annotation ``kind``; containers recurse."""
    if kind is Any or kind is object:
        return value
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is UnionType:  # only ``X | None`` is used on the wire
        return None if value is None else _decode(arguments[0], value, path)
    if origin is tuple:
        return _decode_tuple(arguments, value, path)
    if origin is dict and isinstance(value, dict):
        items = cast("dict[Any, Any]", value)
        return {_decode(str, k, path): _decode(arguments[1], v, f"{path}.{k}") for k, v in items.items()}
    if is_dataclass(kind) and isinstance(value, dict):
        return _decode_record(cast("type[Any]", kind), cast("dict[str, Any]", value), path)
    if isinstance(kind, type):
        return _decode_scalar(cast("type[Any]", kind), value, path)
    raise ValueError(f"{path}: expected {kind}, got {type(value).__name__}")


def _decode_record(kind: type[Any], value: dict[str, Any], path: str) -> Any:
    """A dataclass from a JSON object."""
    hints = get_type_hints(kind)
    given: dict[str, Any] = {}
    for item in fields(kind):
        if item.name in value:
            given[item.name] = _decode(hints[item.name], value[item.name], f"{path}.{item.name}")
        elif item.default is MISSING and item.default_factory is MISSING:
            raise ValueError(f"{path}.{item.name}: missing")
    return kind(**given)


def _decode_tuple(arguments: tuple[Any, ...], value: Any, path: str) -> tuple[Any, ...]:
    """``tuple[X, ...]`` or a tuple of fixed length from a JSON list."""
    if not isinstance(value, list):
        raise ValueError(f"{path}: expected a list, got {type(value).__name__}")
    items = cast("list[Any]", value)
    kinds = [arguments[0]] * len(items) if arguments[-1] is Ellipsis else list(arguments)
    if len(kinds) != len(items):
        raise ValueError(f"{path}: expected {len(kinds)} items, got {len(items)}")
    return tuple(_decode(k, v, f"{path}[{i}]") for i, (k, v) in enumerate(zip(kinds, items, strict=True)))


def _decode_scalar(kind: type[Any], value: Any, path: str) -> Any:
    """A string, boolean, number or name of an enumeration. A boolean is no number."""
    if issubclass(kind, enum.Enum):
        try:
            return kind(value)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None
    if kind is float and type(value) in (int, float) and math.isfinite(value):
        return float(value)
    if kind in (str, bool, int) and type(value) is kind:
        return value
    raise ValueError(f"{path}: expected {kind.__name__}, got {value!r:.40}")
