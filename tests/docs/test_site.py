"""The documentation becomes a site whose links lead somewhere and which asks no foreign host for anything."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FETCHED = {"script": "src", "img": "src", "link": "href", "source": "src", "iframe": "src", "video": "src"}
"""What a browser fetches without being asked, and where the address stands."""


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The built site; the build fails at a link, an anchor or a page that leads nowhere."""
    folder = tmp_path_factory.mktemp("site")
    done = _build(ROOT / "mkdocs.yml", folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def _build(recipe: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(recipe), "-d", str(folder)],
        capture_output=True,
        text=True,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "NO_COLOR": "1"},
        check=False,
    )


class Fetched(HTMLParser):
    """Addresses that a page makes a browser fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get(FETCHED.get(tag, ""))
        if address:
            self.found.append(address)


def fetched(page: str) -> list[str]:
    """All that a page fetches by itself."""
    parser = Fetched()
    parser.feed(page)
    return parser.found


def styles(folder: Path) -> Iterator[str]:
    """What the style sheets fetch."""
    for sheet in folder.rglob("*.css"):
        yield from re.findall(r"url\(\s*['\"]?([^'\")]+)", sheet.read_text(encoding="utf-8"))
        yield from re.findall(r"@import\s+['\"]([^'\"]+)", sheet.read_text(encoding="utf-8"))


def test_every_page_is_in_the_site(site):
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")}
    assert {path.stem for path in site.glob("*.html")} - {"404"} == pages


def test_no_page_asks_a_foreign_host(site):
    addresses = [address for page in site.rglob("*.html") for address in fetched(page.read_text("utf-8"))]
    assert len(addresses) > 50
    foreign = [a for a in [*addresses, *styles(site)] if re.match(r"(?i)(https?:)?//", a)]
    assert foreign == []


def test_a_foreign_host_would_be_noticed():
    page = '<link rel="stylesheet" href="https://x.org/a.css"><a href="https://y.org"><img src="b.jpg">'
    assert fetched(page) == ["https://x.org/a.css", "b.jpg"]


def test_a_link_that_leads_nowhere_breaks_the_build(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("[gone](nowhere.md)\n")
    recipe = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("nav:\n  -")[0]
    (tmp_path / "mkdocs.yml").write_text(recipe)
    done = _build(tmp_path / "mkdocs.yml", tmp_path / "site")
    assert done.returncode != 0
    assert "nowhere.md" in done.stdout + done.stderr
