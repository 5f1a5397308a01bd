"""Every way in which a training run can refuse, in words that name the file and say what to do."""

from __future__ import annotations

from pathlib import Path


class TrainingError(Exception):
    """Base of the errors that are meant to be read by whoever started the run."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())
        self.message = message
        self.hint = hint


class BrokenSample(TrainingError):
    """A file of a data set is missing, unreadable or does not fit the others."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}.", "Repair the file, or take its line out of manifest.jsonl.")
        self.path = path


class EmptyDataset(TrainingError):
    """A data set has no sample to train on."""


class HeldOutSample(TrainingError):
    """A data set holds a portrait of the test set."""


class WrongExperiment(TrainingError):
    """An experiment that is not in the table, or a checkpoint of another one."""


class CheckpointBroken(TrainingError):
    """A checkpoint or one of its parts is missing or damaged."""


class DiskFull(TrainingError):
    """A file could not be written; what was there before is still whole."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(
            f"{path} could not be written ({error.strerror or error}).",
            "Free some space and resume: the last checkpoint is untouched.",
        )


class Diverged(TrainingError):
    """The loss is no number any more."""
