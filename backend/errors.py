"""Every way in which Likeness can refuse, in words for the artist.

Each error has a stable ``code`` (listed in :mod:`backend.protocol`), a ``message`` that says what
happened and a ``hint`` that says what to do about it. Errors are raised where the cause is known
and turned into text once: at the HTTP edge, in the command line and in the add-on.
"""

from __future__ import annotations

from .protocol import ErrorBody, ErrorCode


class LikenessError(Exception):
    """Base of all errors that are meant to be read by a person."""

    code: ErrorCode = ErrorCode.INTERNAL

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def to_body(self) -> ErrorBody:
        """The error as it travels over the wire."""
        return ErrorBody(code=self.code, message=self.message, hint=self.hint)


class PhotoUnreadable(LikenessError):
    """The bytes are no photo that Likeness can open."""

    code = ErrorCode.PHOTO_UNREADABLE


class PhotoTooLarge(LikenessError):
    """The photo has more pixels than Likeness is willing to decode."""

    code = ErrorCode.PHOTO_TOO_LARGE


class NoFaceFound(LikenessError):
    """No face of a person was found in the photo."""

    code = ErrorCode.NO_FACE


class FaceUnusable(LikenessError):
    """A face was found, but too small, too far turned or too cropped to be rebuilt."""

    code = ErrorCode.FACE_UNUSABLE


class Cancelled(LikenessError):
    """The person asked to stop."""

    code = ErrorCode.CANCELLED

    def __init__(self, message: str = "Cancelled.", hint: str = "") -> None:
        super().__init__(message, hint)


class ExpressionsDiffer(LikenessError):
    """Two heads come from morphable models that share no expression."""

    code = ErrorCode.BAD_REQUEST


class StorageFailed(LikenessError):
    """A result could not be written (full disk, read-only folder)."""

    code = ErrorCode.STORAGE_FAILED


class BadRequest(LikenessError):
    """The request does not follow the protocol."""

    code = ErrorCode.BAD_REQUEST


class AssetBroken(LikenessError):
    """A file that ships with Likeness is missing or damaged."""

    code = ErrorCode.ASSET_BROKEN


class ModelUnusable(LikenessError):
    """A morphable model of the user's own is not there, damaged, or not of a kind that Likeness reads."""

    code = ErrorCode.ASSET_BROKEN


class SetupFailed(LikenessError):
    """The backend's environment could not be made; the one before, if there was one, still works."""
