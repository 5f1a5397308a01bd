"""Turns: fair between clients, first come first served within one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.server.waiting import WaitingLine

CLIENTS = st.lists(st.sampled_from("abc"), max_size=12)


def filled(clients: list[str]) -> WaitingLine[tuple[str, int]]:
    line: WaitingLine[tuple[str, int]] = WaitingLine()
    for number, client in enumerate(clients):
        line.push(client, (client, number))
    return line


@given(CLIENTS)
def test_nobody_is_served_twice_while_another_waits(clients: list[str]) -> None:
    line = filled(clients)
    served = [line.pop() for _ in range(len(line))]
    assert sorted(served, key=lambda item: item[1]) == list(zip(clients, range(len(clients)), strict=True))
    for first, (client, number) in enumerate(served):
        for later, (other, other_number) in enumerate(served[first + 1 :], first + 1):
            if other == client:
                assert number < other_number
                between = {name for name, _ in served[first + 1 : later]}
                assert between == {name for name, _ in served[first + 1 :]} - {client}
                break


@given(CLIENTS)
def test_looking_tells_the_order_of_service(clients: list[str]) -> None:
    line = filled(clients)
    assert list(line) == [line.pop() for _ in range(len(clients))]
    with pytest.raises(IndexError):
        line.pop()


@given(CLIENTS, st.data())
def test_whoever_leaves_is_not_served(clients: list[str], data: st.DataObject) -> None:
    line = filled(clients)
    gone = data.draw(st.sets(st.sampled_from(list(line)))) if clients else set()
    for item in gone:
        line.remove(item)
        line.remove(item)  # again: nothing happens
    assert len(line) == len(clients) - len(gone)
    assert line.clients == len({client for client, _ in line})
    assert sum(line.of(client) for client in "abc") == len(line)
    assert {line.pop() for _ in range(len(line))}.isdisjoint(gone)
