"""Few shapes, so that what OpenVINO keeps for each of them stays little, and the same vectors all the same."""

import pytest

from app.adapters.embedders.encoder import padded_shape

MOST = 250


def test_there_are_few_shapes_and_each_holds_what_is_to_run() -> None:
    shapes = set()
    for texts in range(1, 65):
        for longest in range(MOST + 1):
            rows, columns = padded_shape(texts, longest, MOST)
            assert rows >= texts
            assert max(1, longest) <= columns <= MOST
            shapes.add((rows, columns))
    assert len(shapes) <= 11 * 33


@pytest.mark.parametrize(("texts", "rows"), [(1, 1), (4, 4), (5, 6), (9, 12), (13, 16), (17, 32), (64, 64)])
def test_little_is_computed_for_nothing(texts: int, rows: int) -> None:
    assert padded_shape(texts, 9, MOST) == (rows, 16)
