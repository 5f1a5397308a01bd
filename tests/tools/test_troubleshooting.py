"""docs/troubleshooting.md lists every message that add-on and backend have, with cause and remedy."""

from __future__ import annotations

import pytest

from tools.troubleshooting import PAGE, ROW, SECTIONS, UNWRITTEN, Trouble, collect, updated

TROUBLES, HIDDEN = collect()
TEXT = PAGE.read_text(encoding="utf-8")

PASSED_ON = {
    "addon/messages.py",  # words of the backend
    "backend/cli/setup.py",  # a plan, and words of the setup
    "backend/models/raw.py",  # unusable() itself
    "backend/server/jobs.py",  # words of the job
    "backend/setup/explain.py",  # the table of causes
    "backend/setup/steps.py",  # words of the doctor
}
"""Modules that hand on words which are collected where they are written."""


def test_the_page_is_what_the_command_writes() -> None:
    assert updated(TEXT, TROUBLES) == TEXT, "run: python -m tools.troubleshooting"


def test_somebody_has_written_every_cause_and_remedy() -> None:
    rows = list(ROW.finditer(TEXT))
    assert len(rows) == len(TROUBLES) > 150
    assert [row["message"] for row in rows if UNWRITTEN in (row["why"], row["remedy"])] == []


def test_no_message_hides_from_the_page() -> None:
    assert {place.partition(":")[0] for place in HIDDEN} == PASSED_ON


@pytest.mark.parametrize(
    "message",
    [
        "The scene has no camera",  # an error of the add-on, and a reason why a button is grey
        "The backend took too long",  # a code of the wire
        "The face is seen from the side, so half of it is not in the photo",  # an error of the backend
        "Parts of the face are burnt out to white: they will have no skin detail",  # a warning
        "The network broke off",  # a table of the setup
        "Setting up was interrupted and can go on",  # the tab
        "There is no log yet: start the backend",  # a report
        "… is far larger than any model",  # a file of a model
        "There is not enough memory for this photo",  # a job that failed
    ],
)
def test_every_kind_of_message_is_found(message: str) -> None:
    assert message in {trouble.message for trouble in TROUBLES}


def test_what_is_filled_in_becomes_a_gap(tmp_path) -> None:
    (tmp_path / "addon").mkdir()
    (tmp_path / "backend").mkdir()
    (tmp_path / "addon" / "errors.py").write_text(
        'class AddonError(Exception): ...\nclass Odd(AddonError): ...\nSEE = "See the log."\n'
        'Odd("{name:.20} is odd", f"Wait {seconds} s. {SEE}", name=name)\nOdd(words)\n'
    )
    troubles, hidden = collect(tmp_path)
    assert troubles == [Trouble("… is odd", "Wait … s. See the log", "addon/errors.py")]
    assert hidden == {"addon/errors.py: Odd(words)"}


def test_new_rows_ask_for_words_and_old_ones_keep_theirs() -> None:
    page = "".join(
        f"# x\n\n## {name}\n\nIntro.\n\n| it says | because | what helps |\n| --- | --- | --- |\n{rows}\n"
        for name, rows in zip(
            SECTIONS, ["| *old* | age | wait |\n| *gone* | a | b |\n"] + [""] * 9, strict=False
        )
    )
    troubles = [Trouble("old", "", "addon/setup_run.py"), Trouble("new", "Do", "addon/setup_run.py")]
    rows = [row.group() for row in ROW.finditer(updated(page, troubles))]
    assert rows == ["| *old* | age | wait |", "| *new* | ? | Do |"]
