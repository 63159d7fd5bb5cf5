"""Statistics against scipy called directly, published values, and simulation."""

import math

import numpy as np
import pytest
from scipy import stats

from activation_search.evidence import statistics as statistics_module
from activation_search.evidence.statistics import (
    bootstrap_interval,
    compare,
    detectable_difference,
    holm,
    mean_ranks,
    paired_t,
    wilcoxon,
)

# Ten stored pairs.
BASE = [0.912, 0.905, 0.921, 0.918, 0.899, 0.907, 0.915, 0.911, 0.903, 0.920]
OTHER = [0.921, 0.909, 0.925, 0.930, 0.901, 0.915, 0.914, 0.922, 0.911, 0.926]


def test_holm_of_published_values() -> None:
    assert holm([0.01, 0.02, 0.04]) == pytest.approx([0.03, 0.04, 0.04])
    assert holm([0.04, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert holm([0.5, 0.6]) == [1.0, 1.0]
    assert holm([]) == []


def test_wilcoxon_cannot_go_below_its_floor() -> None:
    assert wilcoxon(np.arange(1.0, 6.0)) == pytest.approx(0.0625)
    assert wilcoxon(np.arange(1.0, 7.0)) == pytest.approx(0.03125)
    assert wilcoxon(np.zeros(5)) == 1.0


def test_comparison_of_stored_values_against_closed_forms() -> None:
    found = compare(BASE, {"other": OTHER}, "max")["other"]
    d = np.subtract(OTHER, BASE)
    mean, sd, n = d.mean(), d.std(ddof=1), len(d)
    t = mean / (sd / math.sqrt(n))
    assert found.p_t == pytest.approx(2 * stats.t.sf(abs(t), n - 1))
    half = stats.t.ppf(0.975, n - 1) * sd / math.sqrt(n)
    assert (found.low, found.high) == pytest.approx((mean - half, mean + half))
    assert found.p_wilcoxon == stats.wilcoxon(OTHER, BASE).pvalue
    assert found.effect == pytest.approx(mean / sd)
    assert found.win_rate == 0.9
    assert found.p_holm == found.p_t
    assert found.verdict == "better"
    assert found.boot_low < mean < found.boot_high
    assert found.mean == pytest.approx(np.mean(OTHER))
    assert found.sd == pytest.approx(np.std(OTHER, ddof=1))


def test_direction_of_the_metric_decides_who_is_better() -> None:
    assert compare(OTHER, {"base": BASE}, "max")["base"].verdict == "worse"
    found = compare(OTHER, {"base": BASE}, "min")["base"]
    assert (found.verdict, found.win_rate) == ("better", 0.9)


def test_equal_candidates_are_undecided() -> None:
    found = compare(BASE, {f"copy{i}": BASE for i in range(5)}, "max")
    assert {c.verdict for c in found.values()} == {"undecided"}
    assert {(c.p_t, c.p_wilcoxon, c.p_holm, c.difference) for c in found.values()} == {
        (1.0, 1.0, 1.0, 0.0)
    }


def test_a_constant_difference_is_judged_by_its_sign_alone() -> None:
    base = np.array([0.25, 0.5, 0.125, 0.75])
    assert paired_t(base + 0.25, base) == (0.125, 0.25, 0.25)
    assert bootstrap_interval(np.array([0.25, 0.25])) == (0.25, 0.25)
    assert compare(list(base), {"x": list(base + 0.25)}, "max")["x"].effect is None
    # 0.3 + 0.1 - 0.3 and 0.6 + 0.1 - 0.6 are not the same float, nor is either 0.1.
    rounded = np.array([0.3, 0.6, 0.7, 0.9])
    found = compare(list(rounded), {"x": list(rounded + 0.1)}, "max")["x"]
    assert (found.p_t, found.effect, found.low, found.boot_high) == (
        0.125, None, found.high, found.difference,
    )  # fmt: skip


def test_shares_in_float32_are_equal_but_for_rounding() -> None:
    """As metrics come: counts of 300 and of 360 samples, divided in float32."""
    right = np.array([276, 285, 271, 274, 287])
    found = compare(np.float32(right / 300), {"x": np.float32((right + 2) / 300)}, "max")["x"]
    assert (found.p_t, found.effect, found.verdict) == (0.0625, None, "undecided")
    assert found.difference == pytest.approx(2 / 300, rel=1e-4)
    gains = np.array([1, 1, 2, -1, 2, 1, 3])
    right = np.array([276, 285, 271, 274, 287, 300, 307])
    found = compare(np.float32(right / 360), {"x": np.float32((right + gains) / 360)}, "max")["x"]
    assert found.p_wilcoxon == stats.wilcoxon(gains).pvalue == pytest.approx(0.078125)


def test_what_is_no_number_stays_seen() -> None:
    found = compare([0.9] * 5, {"x": [math.nan, 0.9, 0.9, 0.8, 0.7]}, "max")["x"]
    assert math.isnan(found.difference)


@pytest.mark.parametrize("unit", [1e-18, 1e-6, 1e9])
def test_the_verdict_is_the_same_in_any_unit(unit: float) -> None:
    base = np.array([0.25, 0.5, 0.125, 0.75, 0.3])
    other = base + np.array([0.05, 0.06, 0.04, 0.05, 0.07])
    p, low, high = paired_t(unit * other, unit * base)
    expected = stats.ttest_1samp(other - base, 0)
    assert p == pytest.approx(expected.pvalue, rel=1e-6)
    interval = expected.confidence_interval(0.95)
    assert (low / unit, high / unit) == pytest.approx((interval.low, interval.high), rel=1e-6)


@pytest.fixture
def verdict_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what takes nearly all the time of a comparison and has no part in its verdict."""
    monkeypatch.setattr(statistics_module, "wilcoxon", lambda *_: 1.0)
    monkeypatch.setattr(statistics_module, "detectable_difference", lambda *_: 0.0)
    monkeypatch.setattr(statistics_module, "bootstrap_interval", lambda differences: (None, None))


@pytest.mark.usefixtures("verdict_only")
@pytest.mark.parametrize("seeds", [2, 3, 5, 6])
def test_equal_candidates_of_metrics_in_steps_seldom_look_different(seeds: int) -> None:
    generator = np.random.default_rng(4)
    false = 0
    for _ in range(200):
        base, *others = generator.binomial(360, 0.975, (6, seeds)) / 360
        found = compare(base, dict(enumerate(others)), "max")
        false += any(c.verdict != "undecided" for c in found.values())
    assert false / 200 <= (0 if seeds < 5 else 0.1)  # three standard errors above 5%


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    generator = np.random.default_rng(1)
    covered = 0
    for _ in range(2000):
        seeds = generator.normal(0, 0.02, 10)  # what the pairs share
        base = 0.9 + seeds + generator.normal(0, 0.005, 10)
        other = 0.91 + seeds + generator.normal(0, 0.005, 10)
        _, low, high = paired_t(other, base)
        covered += low <= 0.01 <= high
    assert 0.93 <= covered / 2000 <= 0.97


@pytest.mark.usefixtures("verdict_only")
def test_copies_of_the_baseline_seldom_look_better() -> None:
    generator = np.random.default_rng(2)
    false = 0
    for _ in range(200):
        draws = {f"copy{i}": generator.normal(0.9, 0.01, 10) for i in range(5)}
        found = compare(generator.normal(0.9, 0.01, 10), draws, "max")
        false += any(c.verdict == "better" for c in found.values())
    assert false / 200 <= 0.05


def test_detectable_difference_is_found_with_eighty_per_cent() -> None:
    generator = np.random.default_rng(3)
    size = detectable_difference(0.01, 8)
    draws = generator.normal(size, 0.01, (4000, 8))
    # A draw's own deviation stands in for the true one, as in the test itself.
    found = (stats.ttest_1samp(draws, 0, axis=1).pvalue < 0.05).mean()
    assert found == pytest.approx(0.8, abs=0.03)
    assert detectable_difference(0.0, 8) == 0
    assert detectable_difference(0.01, 8, level=0.01) > size
    # The known size for 80% power at 5%, one sample: d = 0.996 for n = 10.
    assert detectable_difference(1.0, 10) == pytest.approx(0.996, abs=0.001)


def test_mean_ranks() -> None:
    values = {"a": [0.9, 0.5], "b": [0.8, 0.7], "c": [0.8, -math.inf]}
    assert mean_ranks(values, "max") == {"a": 1.5, "b": 1.75, "c": 2.75}
    assert mean_ranks({"a": [1.0], "b": [2.0]}, "min") == {"a": 1.0, "b": 2.0}


def test_the_table_of_the_mish_paper_as_numbers() -> None:
    """Mean and SD over 23 runs: Mish 87.48 (.40) and Swish 87.32 (.41) differ by no more than
    their noise, Mish and ReLU 86.66 (.58) clearly."""
    n = 23
    swish = stats.ttest_ind_from_stats(87.48, 0.40, n, 87.32, 0.41, n).pvalue
    relu = stats.ttest_ind_from_stats(87.48, 0.40, n, 86.66, 0.58, n).pvalue
    assert swish == pytest.approx(0.19, abs=0.02)
    assert relu < 1e-5
    unit = stats.norm.ppf((np.arange(n) + 0.5) / n)
    unit = (unit - unit.mean()) / unit.std(ddof=1)

    def draws(mean: float, sd: float, order: int) -> np.ndarray:
        return mean + sd * np.random.default_rng(order).permutation(unit)

    found = compare(
        draws(87.48, 0.40, 1),
        {"swish": draws(87.32, 0.41, 2), "relu": draws(86.66, 0.58, 3)},
        "max",
    )
    assert found["swish"].verdict == "undecided"
    assert found["relu"].verdict == "worse"
    assert found["swish"].mean == pytest.approx(87.32)
    assert found["swish"].sd == pytest.approx(0.41)


def test_one_seed_far_off_does_not_hide_the_others() -> None:
    """Rounding is relative to each pair: one loss of a million says nothing of those about 0.3."""
    base = np.linspace(0.29, 0.31, 10)
    other = base + np.linspace(0.09, 0.11, 10)
    other[3] = 1e6
    found = compare(list(base), {"x": list(other)}, "min")["x"]
    assert found.p_wilcoxon == stats.wilcoxon(other - base).pvalue == pytest.approx(2 / 2**10)
    other[3] = math.nan
    assert math.isnan(compare(list(base), {"x": list(other)}, "min")["x"].p_wilcoxon)
