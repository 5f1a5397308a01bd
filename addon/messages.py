"""What the artist reads for each error code of the wire."""

from __future__ import annotations

from dataclasses import dataclass

from ..backend.protocol import ErrorBody, ErrorCode
from .errors import RequestRefused


@dataclass(frozen=True)
class Text:
    """One sentence that says what happened and one that says what to do, without full stops."""

    message: str
    remedy: str
    prefer_backend: bool = False
    """Whether the backend's own words are more precise and also meant for the artist."""


TEXTS: dict[ErrorCode, Text] = {
    ErrorCode.INTERNAL: Text(
        "The backend ran into a fault of its own",
        "Try again; if it stays, press Copy Report in Preferences > Add-ons > Likeness and ask for help",
    ),
    ErrorCode.BAD_REQUEST: Text(
        "The backend did not understand the add-on",
        "Update Likeness here and where the backend runs, then start the backend again",
    ),
    ErrorCode.UNAUTHORIZED: Text(
        "The backend did not accept the access token",
        "Check the token in Preferences > Add-ons > Likeness, or stop and start the backend",
    ),
    ErrorCode.NOT_FOUND: Text(
        "The backend no longer knows this job", "Start it again; results are kept for a limited time"
    ),
    ErrorCode.TOO_LARGE: Text("The file is too large for the backend", "Use a smaller picture"),
    ErrorCode.QUEUE_FULL: Text(
        "Too many of your jobs are waiting at the backend", "Wait until one is done and try again"
    ),
    ErrorCode.BUSY: Text(
        "The backend is busy with the work of others", "Wait a minute and try again; everybody takes turns"
    ),
    ErrorCode.TOO_FAST: Text(
        "The backend was asked too often from this computer", "Wait a few seconds and try again"
    ),
    ErrorCode.NOT_READY: Text("The backend is not ready yet", "Wait a few seconds and try again"),
    ErrorCode.PHOTO_UNREADABLE: Text(
        "The photo cannot be opened", "Use a JPEG, PNG or WebP file that opens in a picture viewer", True
    ),
    ErrorCode.PHOTO_TOO_LARGE: Text(
        "The photo has too many pixels", "Make it smaller; 4000 pixels on the long side are plenty", True
    ),
    ErrorCode.NO_FACE: Text(
        "No face was found in the photo", "Use a photo of a person who looks roughly at the camera", True
    ),
    ErrorCode.FACE_UNUSABLE: Text(
        "The face in the photo cannot be rebuilt",
        "Use a photo in which the face is large, complete and turned less to the side",
        True,
    ),
    ErrorCode.CANCELLED: Text("The job was stopped", "Start it again whenever you like"),
    ErrorCode.TIMED_OUT: Text(
        "The backend took too long", "Try again with a smaller photo, or close other heavy programs"
    ),
    ErrorCode.STORAGE_FAILED: Text(
        "The backend could not write a file", "Free some disk space and try again", True
    ),
    ErrorCode.ASSET_BROKEN: Text(
        "A file that belongs to Likeness is missing or damaged", "Install the extension again", True
    ),
}


def explain(error: ErrorBody) -> RequestRefused:
    """The exception to raise for an error that came over the wire, in the artist's words."""
    text = TEXTS[error.code]
    if not text.prefer_backend or not error.message:
        return RequestRefused(text.message, text.remedy)
    return RequestRefused(
        _literal(error.message.rstrip(". ")), _literal((error.hint or text.remedy).rstrip())
    )


def _literal(words: str) -> str:
    """Words in which nothing is to be filled in."""
    return words.replace("{", "{{").replace("}", "}}")
