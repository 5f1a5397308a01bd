"""Who is next: clients take turns, and each client's own work stays in order."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class WaitingLine(Generic[T]):
    """A queue for each client; :meth:`pop` goes round robin. Not locked: its owner is.

    An artist with one photo waits for one photo of every other artist at most, however many those
    have handed in.
    """

    def __init__(self) -> None:
        self._lines: OrderedDict[str, deque[T]] = OrderedDict()
        """The client whose turn it is comes first; none is empty."""

    def push(self, client: str, item: T) -> None:
        """Stand behind the client's own work."""
        self._lines.setdefault(client, deque()).append(item)

    def pop(self) -> T:
        """The next item; its client goes to the end. IndexError if nobody waits."""
        if not self._lines:
            raise IndexError("nobody waits")
        client, line = next(iter(self._lines.items()))
        item = line.popleft()
        self._lines.move_to_end(client)
        if not line:
            del self._lines[client]
        return item

    def remove(self, item: T) -> None:
        """Leave the line; nothing happens if the item does not wait."""
        for client, line in self._lines.items():
            if item in line:
                line.remove(item)
                if not line:
                    del self._lines[client]
                return

    def of(self, client: str) -> int:
        """How much of a client waits."""
        return len(self._lines.get(client, ()))

    @property
    def clients(self) -> int:
        """How many clients wait."""
        return len(self._lines)

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def __iter__(self) -> Iterator[T]:
        """In the order in which :meth:`pop` would give them out."""
        for turn in range(max(map(len, self._lines.values()), default=0)):
            yield from (line[turn] for line in self._lines.values() if turn < len(line))
