"""Every way in which the add-on can fail, in words for the artist."""

from __future__ import annotations


class AddonError(Exception):
    """Something went wrong: ``message`` says what, ``remedy`` says what to do about it."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    @property
    def text(self) -> str:
        """Message and remedy in one line, as Blender reports it."""
        return f"{self.message}. {self.remedy}" if self.remedy else self.message


class BackendMissing(AddonError):
    """No Python environment with the backend was found."""


class BackendUnreachable(AddonError):
    """Nothing answers, or what answers is no backend."""


class BackendDied(AddonError):
    """The backend process ended on its own."""


class ProtocolMismatch(AddonError):
    """Add-on and backend come from different versions."""


class RequestRefused(AddonError):
    """The backend answered, and said no."""


class ResultBroken(AddonError):
    """What came back cannot be built."""


class FileUnusable(AddonError):
    """A file chosen by the artist cannot be read or written."""


class Busy(AddonError):
    """A job is running already."""


class SceneUnfit(AddonError):
    """The scene lacks something that the step needs."""
