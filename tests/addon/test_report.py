"""A report that may be pasted into a public forum."""

from __future__ import annotations

import getpass
import platform
from pathlib import Path

import pytest
from likeness.addon.errors import FileUnusable
from likeness.addon.installation import SOURCE_ROOT, BackendChoice, BackendKind
from likeness.addon.report import HIDDEN, Facts, Redactor, compose, redactor_for
from likeness.backend.protocol import BackendInfo

TOKEN = "u7Wq-Zk29x_bVnM3LpRt5YcFhJd8GsQeAoXiKw0T"
PHOTO = Path("/media/Ann Smith/My photos (2026)/Jürgen in the sun.jpg")


@pytest.fixture
def choice(tmp_path):
    return BackendChoice(
        BackendKind.REMOTE,
        tmp_path / "likeness",
        "/opt/tools/venv/bin/python",
        "https://gpu.studio.example",
        TOKEN,
    )


def report(choice, *, errors=(), log=()):
    info = BackendInfo(1, "0.1.0", "CPU (2 threads)", ("depth",))
    facts = Facts("5.2.3 (window)", "REMOTE, On a Server", info, {"fit": "best"}, errors, log)
    return compose(facts, redactor_for(choice, [PHOTO]))


def test_it_says_what_is_needed(choice):
    text = report(choice, errors=["12:00 BackendDied: The backend stopped"], log=["INFO likeness: ready"])
    for words in ("5.2.3", "CPU (2 threads)", "interim: depth", "fit: best", "The backend stopped", "ready"):
        assert words in text
    assert HIDDEN not in text


def test_it_says_nothing_about_the_person(choice):
    error = FileUnusable("There is no photo at {path}", "Choose a JPEG, PNG or WebP file", path=PHOTO)
    log = [
        f"Authorization: Bearer {TOKEN}",
        f"could not reach {choice.url}:8443/v1/info of gpu.studio.example",
        f'  File "{SOURCE_ROOT}/backend/fit.py", line 12, in fit',
        f'  File "{Path.home()}/other place/secret.py", line 3, in <module>',
        f"hello {getpass.getuser()} on {platform.node()}",
        r"no such file: C:\Users\Ann Smith\Pictures\me.png (2)",
        r"no such share: \\server\Ann Smith\plans.txt",
        "OSError: '/tmp/a b/c.blend' and ~/letters/d.txt",
        "Jürgen in the sun.jpg cannot be read",
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==",
    ]
    text = report(choice, errors=[error.text], log=log)
    for private in (
        TOKEN, "studio.example", "Smith", "plans",
        "Jürgen", "sun.jpg", "photos", "Users", "letters",
        "other place", "secret", "c.blend", "iVBOR", str(Path.home()), getpass.getuser(), platform.node(),
        str(SOURCE_ROOT), "/tmp",
    ):  # fmt: skip
        assert private.lower() not in text.lower(), private
    assert "<likeness>/backend/fit.py" in text  # what we need to understand a traceback stays
    assert "line 12, in fit" in text


def test_ordinary_words_stay():
    redact = Redactor(("max",), {})
    for words in (
        "max_waiting is 8, and/or 12.5 ms, 3/4 of it",
        "Preferences > Add-ons > Likeness. Try again: it starts anew by itself",
        "2026-11-22 08:13:14,123 INFO likeness.jobs: reconstruct succeeded (0.5 s)",
    ):
        assert redact(words) == words
    assert redact("hello Max!") == f"hello {HIDDEN}!"
