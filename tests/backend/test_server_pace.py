"""Buckets of tokens, by a clock of our own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from backend.server.limits import PaceLimits
from backend.server.pace import Pace


@given(st.lists(st.floats(0, 2), min_size=1, max_size=40))
def test_never_more_than_burst_and_rate_allow(pauses: list[float]) -> None:
    limits, now = PaceLimits(per_second=2.0, burst=5.0), [0.0]
    pace = Pace(limits, lambda: now[0])
    allowed = 0
    for pause in pauses:
        now[0] += pause
        allowed += pace.allows("a")
        assert allowed <= limits.burst + limits.per_second * now[0] + 1e-6
    now[0] += 100
    assert pace.allows("a")


def test_addresses_do_not_share_a_bucket() -> None:
    pace = Pace(PaceLimits(per_second=1.0, burst=1.0), lambda: 0.0)
    assert [pace.allows(address) for address in "aba"] == [True, True, False]


def test_addresses_are_forgotten() -> None:
    pace = Pace(PaceLimits(max_addresses=10), lambda: 0.0)
    for number in range(1000):
        pace.allows(str(number))
    assert len(pace) == 10
