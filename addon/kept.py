"""The last few results, so that the step that applies one can be undone, redone and repeated."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

R = TypeVar("R")


class Kept(Generic[R]):
    """Results by key; the oldest goes when there are too many."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._results: OrderedDict[str, R] = OrderedDict()
        self._count = 0

    def keep(self, name: str, result: R) -> str:
        """Remember a result; returns the key under which it is found."""
        self._count += 1
        key = f"{name}#{self._count}"
        self._results[key] = result
        while len(self._results) > self._limit:
            self._results.popitem(last=False)
        return key

    def get(self, key: str) -> R | None:
        """A result, the newest for an empty key; None if it is gone."""
        if not key and self._results:
            return next(reversed(self._results.values()))
        return self._results.get(key)
