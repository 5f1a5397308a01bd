"""Everything an artist reads can be collected for translators, and reads like one hand's."""

from __future__ import annotations

import re
import string

import pytest

from tools.messages import Hidden, collect, pot

MESSAGES, HIDDEN = collect()


def test_no_words_hide_from_translators() -> None:
    assert HIDDEN == []


def test_words_made_at_run_time_would_be_found(tmp_path) -> None:
    (tmp_path / "panel.py").write_text('layout.label(text=f"{count} heads")\nreport_text("fine {x}", x=1)\n')
    (tmp_path / "text.py").write_text('draw_paragraph(layout, f"{count} photos")\n')
    messages, hidden = collect(tmp_path)
    assert [message.words for message in messages] == ["fine {x}"]
    assert hidden == [
        Hidden(f"{tmp_path.name}/panel.py:1", "f'{count} heads'"),
        Hidden(f"{tmp_path.name}/text.py:1", "f'{count} photos'"),
    ]


@pytest.mark.parametrize(
    "words",
    [
        "Head from Photo",  # label of an operator
        "Turn the photo of a person into a head that can be posed and rendered",  # tooltip
        "Stopped Unexpectedly",  # state
        "The backend does not answer",  # error
        "No face was found in the photo",  # error of the backend
        "Select a head first",  # reason why not
        "Access token that the server asks for",  # description of a property
        "De-lit",  # item of a choice
        "{head} is ready to be turned",  # filled in at run time
        "Repair Backend",  # a button by state
        "Setting up was interrupted and can go on",  # a reason by state
        "Mostly Invented",  # a verdict
        "Separating hair",  # a stage of the backend
        "Trying it out",  # a step of the setup
        "The {look} film look of this scene changes the photo's colours",  # a paragraph
    ],
)
def test_every_kind_of_words_is_collected(words: str) -> None:
    assert words in {message.words for message in MESSAGES}
    assert f'msgid "{words}"' in pot(MESSAGES)


def test_names_that_nobody_reads_are_left_out() -> None:
    assert not {message.words for message in MESSAGES} & {"LIT", "USERNAME", "resolution_y", "pivot", "ERROR"}


def test_a_face_is_not_a_polygon() -> None:
    """Blender translates "Face" as a part of a mesh; ours stands in a context of its own."""
    assert {message.context for message in MESSAGES if message.words in ("Face", "Fit")} == {"Likeness"}


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.place)
def test_the_style_is_blenders(message) -> None:
    """Sentences have no full stop at the end, placeholders have names, and nothing is said twice."""
    words = message.words
    assert not words.endswith("."), words
    assert "  " not in words.replace("   Esc", ""), words
    assert words == words.lstrip("\n"), words
    assert all(name != "" for _, name, _, _ in string.Formatter().parse(words) if name is not None), words
    assert not re.search(r"(?i)\b(error|invalid|illegal|please enter|failed to)\b", words), words
