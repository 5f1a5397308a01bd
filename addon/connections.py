"""The two ways to a backend: the process on this computer, and somebody's server."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from .client import Address, Client
from .errors import AddonError, BackendUnreachable
from .installation import BackendChoice, require_interpreter
from .jobs import Connection
from .session import Session

DEATH_WAIT_S = 1.0
"""A connection breaks a moment before the operating system reports the process as gone."""


def connection(session: Session, choice: BackendChoice) -> Connection:
    """The way to the backend that the preferences ask for; BackendUnreachable for a bad address."""
    if choice.is_remote:
        return RemoteConnection(session, Address.from_url(choice.url, choice.token, choice.ca_file))
    require_interpreter(choice)
    return LocalConnection(session, choice)


@dataclass(frozen=True)
class RemoteConnection:
    """A server that somebody else runs."""

    session: Session = field(repr=False)
    address: Address

    def open(self, give_up: threading.Event) -> Client:
        """A client, after a look whether the server speaks our protocol."""
        client = Client(self.address)
        self.session.info = client.info()
        return client

    def explain(self, error: BackendUnreachable) -> AddonError:
        """Nothing more is known about a server."""
        return error

    def may_return(self) -> bool:
        """A network may break and come back; the job goes on meanwhile."""
        return True

    def has_gone_to_rest(self) -> bool:
        """Nothing is known about that."""
        return False


@dataclass(frozen=True)
class LocalConnection:
    """The backend on this computer, started when needed."""

    session: Session = field(repr=False)
    choice: BackendChoice

    def open(self, give_up: threading.Event) -> Client:
        """A client of the running backend; waits for a start."""
        client = Client(self.session.ensure_process(self.choice, give_up).wait_ready(give_up))
        self.session.info = client.info()
        return client

    def explain(self, error: BackendUnreachable) -> AddonError:
        """The process's own end, if that is why nobody answers."""
        process = self.session.process
        if process is not None and process.ended_within(DEATH_WAIT_S) and not process.stopped_by_us:
            return process.death()
        return error

    def may_return(self) -> bool:
        """A connection breaks when the computer sleeps; a process that is gone does not come back."""
        process = self.session.process
        return process is not None and not process.stopped_by_us and not process.ended_within(DEATH_WAIT_S)

    def has_gone_to_rest(self) -> bool:
        """Whether it ended because nobody had needed it, in the moment in which we did."""
        process = self.session.process
        if process is None or process.stopped_by_us or not process.ended_within(DEATH_WAIT_S):
            return False
        return process.view.rests
