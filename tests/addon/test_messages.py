"""Every error of the wire has words."""

from __future__ import annotations

import pytest
from likeness.addon.messages import TEXTS, explain
from likeness.backend.protocol import ErrorBody, ErrorCode


@pytest.mark.parametrize("code", ErrorCode)
def test_every_code_has_a_message_and_a_remedy(code):
    text = TEXTS[code]
    assert text.message
    assert text.remedy
    assert not (text.message + text.remedy).endswith(".")


def test_the_backend_may_be_more_precise_about_a_photo():
    error = explain(
        ErrorBody(ErrorCode.FACE_UNUSABLE, "The face is only 40 pixels wide.", "Use a larger one.")
    )
    assert error.text == "The face is only 40 pixels wide. Use a larger one."


def test_technical_words_of_the_backend_stay_in_its_log():
    error = explain(ErrorBody(ErrorCode.INTERNAL, "KeyError: 'x'", ""))
    assert "KeyError" not in error.text
