"""Every way in which the add-on can fail, in words for the artist."""

from __future__ import annotations

from collections.abc import Callable


class AddonError(Exception):
    """Something went wrong: ``message`` says what, ``remedy`` says what to do about it.

    Words in braces are filled in from ``values``. They are kept apart until the artist is told, so
    that the sentences can be translated; braces that are meant as such are doubled.
    """

    def __init__(self, message: str, remedy: str = "", **values: object) -> None:
        self.sentences = (message, remedy) if remedy else (message,)
        self.values = values
        super().__init__(message.format(**values))

    @property
    def message(self) -> str:
        """What happened, in English."""
        return self.sentences[0].format(**self.values)

    @property
    def remedy(self) -> str:
        """What to do, in English; may be empty."""
        return "".join(self.sentences[1:]).format(**self.values)

    @property
    def text(self) -> str:
        """Message and remedy in one line, in English."""
        return self.told(str)

    def told(self, translate: Callable[[str], str]) -> str:
        """Message and remedy in one line, in the artist's language."""
        return ". ".join(translate(sentence).format(**self.values) for sentence in self.sentences)


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
