"""The sheet shows every tile once, unscaled, in the order of its rows and columns."""

from __future__ import annotations

import numpy as np

from tools.contact_sheet import Row, contact_sheet

SIZE = 64


def tile(red: int, green: int, blue: int = 90) -> np.ndarray:
    return np.full((SIZE, SIZE, 3), (red, green, blue), np.uint8)


def place(sheet: np.ndarray, colour: tuple[int, int, int]) -> tuple[int, int]:
    """Top left corner of the square of one colour, which has to be whole."""
    rows, columns = np.nonzero((sheet == colour).all(-1))
    assert len(rows) == SIZE * SIZE
    assert rows.max() - rows.min() == columns.max() - columns.min() == SIZE - 1
    return int(rows.min()), int(columns.min())


def test_tiles_stand_in_order() -> None:
    rows = [Row(f"row {r}", [tile(10 + 40 * r, 10 + 40 * c) for c in range(3)]) for r in range(2)]
    sheet = contact_sheet(tile(250, 3), ["a", "b", "c"], rows, "Title", ["note"])
    at = np.array([[place(sheet, (10 + 40 * r, 10 + 40 * c, 90)) for c in range(3)] for r in range(2)])
    assert (np.diff(at[..., 0], axis=0) > SIZE).all() and (np.diff(at[..., 0], axis=1) == 0).all()
    assert (np.diff(at[..., 1], axis=1) > SIZE).all() and (np.diff(at[..., 1], axis=0) == 0).all()
    assert place(sheet, (250, 3, 90))[1] + SIZE < at[..., 1].min()


def test_words_are_written() -> None:
    rows = [Row("", [tile(10, 10)])]
    bare = contact_sheet(tile(250, 3), [""], rows, "", [])
    for words in (([""], "Title", []), (["column"], "", []), ([""], "", ["note"])):
        columns, title, notes = words
        assert (contact_sheet(tile(250, 3), columns, rows, title, notes) != bare).any()
