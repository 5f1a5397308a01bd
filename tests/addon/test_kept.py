"""The last few results by key."""

from __future__ import annotations

from likeness.addon.kept import Kept


def test_only_the_last_results_are_kept():
    kept = Kept[str](2)
    assert kept.get("") is None
    keys = [kept.keep("ann", word) for word in ("first", "second", "third")]
    assert len(set(keys)) == 3  # the same photo twice is two results
    assert [kept.get(key) for key in keys] == [None, "second", "third"]
    assert kept.get("") == "third"
