"""Which index is built for how many rows."""

import pytest

from app.adapters.index.faiss_plan import FLAT_ROWS, IndexKind, choose, plan, size


@pytest.mark.parametrize(
    ("rows", "memory_mib", "kind"),
    [
        (0, 2_048, IndexKind.FLAT),
        (FLAT_ROWS, 2_048, IndexKind.FLAT),
        (FLAT_ROWS + 1, 2_048, IndexKind.LISTS),
        (1_000_000, 700, IndexKind.LISTS),
    ],
)
def test_size_decides(rows: int, memory_mib: float, kind: IndexKind) -> None:
    assert choose(rows, 384, memory_mib).kind is kind


@pytest.mark.parametrize(
    ("rows", "memory_mib", "kind"),
    [
        (50_000, 70, IndexKind.LISTS),
        (50_000, 25, IndexKind.LISTS),
        (50_000, 10, IndexKind.LISTS_PQ),
        (200_000, 100, IndexKind.LISTS),
        (200_000, 70, IndexKind.LISTS_PQ),
        (1_000_000, 300, IndexKind.LISTS_PQ),
        (1_000_000, 1, IndexKind.LISTS_PQ),
        (500, 0.1, IndexKind.FLAT),
    ],
)
def test_what_does_not_fit_gives_way_to_what_is_smaller(rows: int, memory_mib: float, kind: IndexKind) -> None:
    assert choose(rows, 384, memory_mib).kind is kind


def test_each_kind_is_smaller_than_the_one_before() -> None:
    sizes = [size(plan(kind, 1_000_000, 384), 1_000_000, 384) for kind in IndexKind]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[2] < 400 * 2**20


@pytest.mark.parametrize(("rows", "lists"), [(10, 1), (100, 2), (20_000, 512), (100_000, 1_024), (1_000_000, 4_096)])
def test_lists_grow_with_the_root_of_the_rows_and_can_be_trained(rows: int, lists: int) -> None:
    assert plan(IndexKind.LISTS, rows, 384).lists == lists


@pytest.mark.parametrize(("dimension", "codes"), [(384, 96), (768, 192), (50, 10), (7, 1), (3, 1)])
def test_codes_divide_the_dimension(dimension: int, codes: int) -> None:
    assert plan(IndexKind.LISTS_PQ, 20_000, dimension).codes == codes
    assert dimension % codes == 0
