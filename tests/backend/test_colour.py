"""The sRGB curve, both ways."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.colour import LINEAR_OF_BYTE, LUMINANCE, from_linear, to_linear


@given(st.floats(0, 1))
def test_there_and_back(value: float) -> None:
    assert float(from_linear(to_linear(np.array(value)))) == pytest.approx(value, abs=1e-6)


def test_known_values() -> None:
    np.testing.assert_allclose(
        to_linear(np.array([0.0, 0.04, 0.5, 1.0])), [0, 0.003096, 0.214041, 1], atol=1e-6
    )
    assert LINEAR_OF_BYTE[[0, 255]].tolist() == [0.0, 1.0]
    assert LINEAR_OF_BYTE[188] == pytest.approx(0.5029, abs=1e-4)


def test_white_is_as_bright_as_its_channels() -> None:
    assert LUMINANCE.sum() == pytest.approx(1.0)
