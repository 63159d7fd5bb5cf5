"""Which samples are held out: by class, by group, by the seed."""

import numpy as np
import pytest

from activation_search.data.draw import draw_parts


def test_a_class_of_one_sample_is_trained_on() -> None:
    y = np.repeat([0, 1, 2], [20, 9, 1])
    for seed in range(5):
        kept, held = draw_parts(30, 6, seed, y)
        assert sorted([*kept, *held]) == list(range(30))
        assert np.bincount(y[held]).tolist() == [4, 2]
        assert 29 in kept


@pytest.mark.parametrize(("n", "held_out"), [(50, 10), (50, 45), (12, 1), (12, 0)])
def test_parts_too_small_for_all_classes_are_drawn_alike(n: int, held_out: int) -> None:
    y = np.arange(n) % (n // 2)
    kept, held = draw_parts(n, held_out, 0, y)
    assert len(held) == held_out
    assert sorted([*kept, *held]) == list(range(n))


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("held_out", [5, 20, 95])
def test_a_rare_class_is_in_both_parts(seed: int, held_out: int) -> None:
    y = np.repeat([0, 1, 2, 3, 4], [80, 14, 2, 2, 2])
    kept, held = draw_parts(100, held_out, seed, y)
    assert len(held) == held_out
    assert sorted([*kept, *held]) == list(range(100))
    assert set(y[kept]) == set(y[held]) == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("seed", range(5))
def test_groups_stay_together(seed: int) -> None:
    groups = np.repeat(np.arange(20), 5)
    kept, held = draw_parts(100, 20, seed, groups=groups)
    assert sorted([*kept, *held]) == list(range(100))
    assert len(held) == 20
    assert not set(groups[kept]) & set(groups[held])
    again = draw_parts(100, 20, seed, groups=groups)
    assert [part.tolist() for part in again] == [kept.tolist(), held.tolist()]
    assert held.tolist() != sorted(held)


@pytest.mark.parametrize("seed", range(5))
def test_groups_are_drawn_so_that_each_class_has_its_share(seed: int) -> None:
    """Each group is of one class: 16 of the first, 4 of the second."""
    groups = np.repeat(np.arange(20), 5)
    y = (groups >= 16).astype(np.int64)
    kept, held = draw_parts(100, 25, seed, y, groups)
    assert not set(groups[kept]) & set(groups[held])
    assert np.bincount(y[held]).tolist() == [20, 5]


@pytest.mark.parametrize(("count", "held_out"), [(2, 1), (2, 9), (3, 1), (3, 9)])
def test_few_groups(count: int, held_out: int) -> None:
    groups = np.arange(10) % count
    kept, held = draw_parts(10, held_out, 0, groups=groups)
    assert len(kept) > 0 < len(held)
    assert not set(groups[kept]) & set(groups[held])
