"""Paired comparison of candidates with a baseline over the same seeds.

What scipy has is scipy's: paired t-test and its interval, Wilcoxon's signed-rank test, the BCa
bootstrap, noncentral t. Holm's correction (Holm 1979) is a running maximum.
"""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import optimize, stats

LEVEL = 0.05
POWER = 0.8
# Below it a t-test of metrics that come in steps of one sample finds what is not there.
MIN_SEEDS = 5
# Of a difference, relative to the larger metric: two metrics rounded to float32.
ROUNDING = 2.5e-7
BETTER, WORSE, UNDECIDED = "better", "worse", "undecided"


@dataclass(frozen=True)
class Comparison:
    """One candidate against the baseline, from n pairs of the same seed.

    mean, sd: of the candidate's values. difference: mean of candidate minus baseline, per seed.
    low, high: its 95% interval by the paired t distribution. boot_low, boot_high: by the BCa
        bootstrap.
    p_t, p_wilcoxon: two-sided. p_holm: p_t corrected for the number of candidates.
    effect: difference over the standard deviation of the differences (Cohen's d_z); ``None``
        where all are equal.
    win_rate: share of seeds on which the candidate is better; ties count half.
    detectable: the smallest true difference that so many seeds find with 80% power, at the level
        that Holm asks of the first of the candidates.
    verdict: ``better``, ``worse`` or ``undecided``, at 5% over all candidates together; always
        undecided with fewer than five seeds.
    """

    mean: float
    sd: float
    difference: float
    low: float
    high: float
    boot_low: float | None
    boot_high: float | None
    p_t: float
    p_wilcoxon: float
    p_holm: float
    effect: float | None
    win_rate: float
    detectable: float
    verdict: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def compare(
    baseline: Sequence[float], candidates: Mapping[str, Sequence[float]], mode: str
) -> dict[str, Comparison]:
    """Each candidate against the baseline.

    Args:
        baseline: its values, one per seed; at least two.
        candidates: name -> values on the same seeds, in the same order.
        mode: ``"max"`` where larger values are better, else ``"min"``.
    """
    pairs = {name: (np.asarray(v), np.asarray(baseline)) for name, v in candidates.items()}
    p_values = {name: paired_t(*pair)[0] for name, pair in pairs.items()}
    corrected = dict(zip(p_values, holm(list(p_values.values())), strict=True))
    return {
        name: _compare(*pair, corrected[name], mode, LEVEL / len(pairs))
        for name, pair in pairs.items()
    }


def _compare(
    values: np.ndarray, baseline: np.ndarray, p_holm: float, mode: str, level: float
) -> Comparison:
    differences = paired_differences(values, baseline)
    equal = np.ptp(differences) == 0
    mean = float(differences[0] if equal else differences.mean())
    sd = 0.0 if equal else float(differences.std(ddof=1))
    p_t, low, high = paired_t(values, baseline)
    boot_low, boot_high = bootstrap_interval(differences)
    gains = differences if mode == "max" else -differences
    verdict = UNDECIDED
    if p_holm < LEVEL and len(differences) >= MIN_SEEDS:
        verdict = BETTER if gains.mean() > 0 else WORSE
    return Comparison(
        mean=float(values.mean()),
        sd=float(values.std(ddof=1)),
        difference=mean,
        low=low,
        high=high,
        boot_low=boot_low,
        boot_high=boot_high,
        p_t=p_t,
        p_wilcoxon=wilcoxon(differences, _rounding(values, baseline)),
        p_holm=p_holm,
        effect=mean / sd if sd > 0 else None,
        win_rate=float(((gains > 0) + 0.5 * (gains == 0)).mean()),
        detectable=detectable_difference(sd, len(differences), level),
        verdict=verdict,
    )


def paired_differences(values: np.ndarray, baseline: np.ndarray) -> np.ndarray:
    """``values - baseline``; those that are equal but for rounding as equal ones."""
    differences = values - baseline
    rounding = _rounding(values, baseline)
    low, high = (differences - rounding).max(), (differences + rounding).min()
    if not low <= high:  # nor if one of them is NaN
        return differences
    same = 0.0 if low <= 0 <= high else differences[rounding.argmin()]
    return np.full(len(differences), same)


def _rounding(values: np.ndarray, baseline: np.ndarray) -> np.ndarray:
    """Of each difference, in the metric's unit."""
    return ROUNDING * np.maximum(np.abs(values), np.abs(baseline))


def paired_t(values: np.ndarray, baseline: np.ndarray) -> tuple[float, float, float]:
    """Two-sided p, and the ends of the 95% interval of the mean difference.

    Where all differences are equal no t exists: the interval is a point, and p that of the sign
    test, 2 / 2^n, or 1 where there is no difference.
    """
    differences = paired_differences(values, baseline)
    if np.ptp(differences) == 0:
        same = float(differences[0])
        return (2.0 ** (1 - len(differences)) if same else 1.0), same, same
    result = stats.ttest_rel(values, baseline)
    interval = result.confidence_interval(1 - LEVEL)
    return float(result.pvalue), float(interval.low), float(interval.high)


def wilcoxon(differences: np.ndarray, rounding: np.ndarray | float = 0.0) -> float:
    """Two-sided p of the signed-rank test; 1 where all differences are zero, NaN where one is.

    Args:
        differences: ``[n]``.
        rounding: of each; sizes that are equal but for it share a rank.
    """
    if np.isnan(differences).any():
        return math.nan
    sizes, rounding = np.abs(differences), np.broadcast_to(rounding, differences.shape)
    shared, size = np.zeros_like(differences), 0.0
    for index in np.argsort(sizes):
        if sizes[index] - size > rounding[index]:
            size = sizes[index]
        shared[index] = math.copysign(size, differences[index])
    if not shared.any():
        return 1.0
    return float(stats.wilcoxon(shared).pvalue)


def bootstrap_interval(differences: np.ndarray) -> tuple[float | None, float | None]:
    """95% BCa interval of the mean difference, the same at every call; ``None`` where so few seeds
    have none."""
    if np.ptp(differences) == 0:
        return float(differences[0]), float(differences[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # degenerate for two or three seeds: the ends are NaN then
        result = stats.bootstrap(
            (differences,), np.mean, confidence_level=1 - LEVEL, n_resamples=4999, rng=0
        )
    low, high = (float(end) for end in result.confidence_interval)
    return (low, high) if math.isfinite(low) and math.isfinite(high) else (None, None)


def holm(p_values: Sequence[float]) -> list[float]:
    """Corrected p-values, in the given order: the family-wise error stays below the level."""
    order = np.argsort(p_values)
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected


def detectable_difference(sd: float, n: int, level: float = LEVEL) -> float:
    """The smallest true mean difference that a paired t-test of n pairs finds with 80% power.

    Args:
        sd: standard deviation of the differences.
        n: number of pairs, at least two.
        level: of the two-sided test.
    """
    if sd == 0:
        return 0.0
    critical = stats.t.ppf(1 - level / 2, n - 1)

    def missing_power(shift: float) -> float:
        # Without the other tail, which has no part in a power of 80%.
        return float(stats.nct.sf(critical, n - 1, shift)) - POWER

    high = 1.0
    while missing_power(high) < 0:
        high *= 2
    return sd * optimize.brentq(missing_power, 0.0, high) / math.sqrt(n)


def mean_ranks(values: Mapping[str, Sequence[float]], mode: str) -> dict[str, float]:
    """Candidate -> mean rank over blocks, 1 for the best; ties share a rank.

    Args:
        values: candidate -> one value per block (a model on a data set).
        mode: whether larger or smaller values are better.
    """
    table = np.asarray(list(values.values()))
    ranks = stats.rankdata(-table if mode == "max" else table, axis=0)
    return dict(zip(values, ranks.mean(axis=1).tolist(), strict=True))
