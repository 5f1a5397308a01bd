"""What docs/studio.md says is tested, is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "studio.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(test_\w+)`", PAGE)))
DEFINED = {
    name
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE)
}


def test_the_page_names_tests() -> None:
    assert len(NAMED) > 20


@pytest.mark.parametrize("name", NAMED)
def test_every_measure_has_its_test(name: str) -> None:
    assert name in DEFINED


def test_every_risk_has_a_test() -> None:
    rows = [line for line in PAGE.partition("| risk |")[2].splitlines()[2:] if line.startswith("|")]
    assert len(rows) > 10
    assert all("`test_" in row for row in rows)


def test_archives_are_never_unpacked_by_the_server_or_the_add_on() -> None:
    """Names in an archive may climb out of its folder; only the setup unpacks one, whose hash it knows."""
    unpacking = [
        path.relative_to(ROOT).as_posix()
        for folder in ("addon", "backend")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"\b(extractall|unpack_archive)\(", path.read_text(encoding="utf-8"))
    ]
    assert set(unpacking) <= {"backend/setup/tools.py"}
