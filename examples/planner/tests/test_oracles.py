"""The engine against what mathematics says, each tolerance from its own error."""

import math
from dataclasses import replace

import numpy as np
import pytest
from longrun.engine import Asset, Flow, Income, Plan, Rule, simulate
from longrun.engine.intervals import Estimate, design_effect, shares
from longrun.engine.market import course
from longrun.engine.normals import fill_normals, stream_of
from longrun.engine.plain import plain_wealth
from longrun.engine.run import run_paths

from tests.plans import SIGMAS, alone, balanced, gamma_cdf, normal_quantile


@pytest.mark.parametrize("inflation", [0.0, 0.03, -0.02])
@pytest.mark.parametrize("mean", [0.0, 0.05, -0.03])
def test_without_volatility_wealth_is_the_annuity_formula(mean: float, inflation: float) -> None:
    plan = Plan(1e6, 2e4, 30, alone(mean, 0.0), inflation=inflation, scenarios=10)
    growth, dearer = (1 + mean) ** (1 / 12), (1 + inflation) ** (1 / 12)
    n, ratio = plan.months, dearer / growth
    paid = n if math.isclose(ratio, 1) else (1 - ratio**n) / (1 - ratio)
    expected = max(0.0, growth**n * (1e6 - 2e4 / 12 * paid))  # below 0 it was ruined on the way
    found = run_paths(plan).ending
    # Each month rounds three times, and exp is off by 1e-13.
    tolerance = n * (3 * 2.3e-16 + 1e-13) * 1e6 * max(1, growth**n)
    assert np.abs(found - expected).max() < tolerance


def test_money_that_lasts_a_known_number_of_months_is_ruined_in_that_month() -> None:
    # 1,200 at 100 a month without growth: the twelfth withdrawal leaves nothing.
    plan = Plan(1200, 1200, 2, alone(0.0, 0.0), inflation=0.0, scenarios=10)
    assert set(run_paths(plan).ruined_in) == {11}
    richer = replace(plan, portfolio=1201.0)
    assert set(run_paths(richer).ruined_in) == {12}


def test_the_mean_follows_its_linear_recursion() -> None:
    income = Income(12_000, start_year=5, end_year=20)
    plan = replace(
        balanced(spending=20_000, scenarios=40_000), incomes=(income,), flows=(Flow(50_000, 10),)
    )
    mean = plan.portfolio
    growth = sum(asset.weight * (1 + asset.mean) ** (1 / 12) for asset in plan.assets)
    for month in range(plan.months):
        price = 1.025 ** (month / 12)
        pays = 1000.0 if 60 <= month < 240 else 0.0
        once = 50_000.0 if month == 120 else 0.0
        mean = (mean + (pays + once - 20_000 / 12) * price) * growth
    paths = run_paths(plan)
    assert (paths.ruined_in < 0).mean() > 0.999  # ruin would bend the line
    error = paths.ending.std() / math.sqrt(len(paths.ending))
    assert abs(paths.ending.mean() - mean) < SIGMAS * error


@pytest.mark.parametrize("volatility", [0.05, 0.18, 0.6])
def test_under_the_percent_rule_wealth_is_log_normal(volatility: float) -> None:
    plan = Plan(
        1e6, 5e4, 20, alone(0.06, volatility), rule=Rule.PERCENT, inflation=0.0, scenarios=20_000
    )
    variance = math.log(1 + (volatility / 1.06) ** 2)
    drift = math.log(1.06) - variance / 2 + 12 * math.log(1 - 0.05 / 12)
    ending = np.sort(run_paths(plan).ending)
    for part in (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99):
        logarithm = 20 * drift + normal_quantile(part) * math.sqrt(20 * variance)
        below = np.searchsorted(ending, 1e6 * math.exp(logarithm)) / len(ending)
        assert abs(below - part) < SIGMAS * math.sqrt(part * (1 - part) / len(ending))


def test_a_path_is_never_ruined_just_when_its_discounted_spending_is_less_than_the_portfolio() -> (
    None
):
    plan = balanced(spending=50_000, scenarios=500)
    laid_out = course(plan)
    ruined = run_paths(plan).ruined_in >= 0
    words, deviates = np.empty(3 * plan.months, np.uint64), np.empty(3 * plan.months)
    needed = np.empty(plan.scenarios)
    for path in range(plan.scenarios):
        fill_normals(np.uint64(stream_of(np.uint64(plan.seed), path // 2)), words, deviates)
        sign = -1 if path % 2 else 1  # an antithetic pair
        mixed = laid_out.mixing @ (sign * deviates).reshape(3, plan.months)
        logs = laid_out.means + laid_out.deviations * mixed.T
        growth = np.exp(logs) @ laid_out.weights
        before = np.concatenate(([1.0], np.cumprod(growth)[:-1]))
        spent = 50_000 / 12 * 1.025 ** (np.arange(plan.months) / 12)
        needed[path] = (spent / before).sum()
    is_clear = np.abs(needed / plan.portfolio - 1) > 1e-6
    assert is_clear.sum() >= 499
    assert 0.1 < ruined.mean() < 0.9
    assert ((needed >= plan.portfolio) == ruined)[is_clear].all()


@pytest.mark.parametrize("rate", [0.03, 0.045])
def test_ruin_approaches_the_gamma_distribution_from_below(rate: float) -> None:
    """Infinite horizon, geometric Brownian motion: ruin = Gamma CDF(rate; 2 mu / s2 - 1, s2 / 2).

    What is left to happen after 100 years is that same function of the wealth then (Markov), so
    both together must hit it: up to sampling, and to a month's discreteness, which moves the
    rate by less than mu / 12 of itself.
    """
    mu, variance = 0.05, 0.0225
    mean = math.exp(mu) - 1
    volatility = math.exp(mu) * math.sqrt(math.exp(variance) - 1)
    plan = Plan(1e6, 1e6 * rate, 100, alone(mean, volatility), inflation=0.0, scenarios=20_000)

    def forever(rates: float) -> float:
        return gamma_cdf(rates, 2 * mu / variance - 1, variance / 2)

    paths = run_paths(plan)
    by = [float(((paths.ruined_in >= 0) & (paths.ruined_in < m)).mean()) for m in (300, 600, 1200)]
    assert by[0] < by[1] < by[2]
    alive = paths.ending[paths.ruined_in < 0]
    later = sum(forever(plan.spending / wealth) for wealth in alive) / plan.scenarios
    error = SIGMAS * math.sqrt(by[2] * (1 - by[2]) / plan.scenarios)
    discrete = forever(rate * (1 + mu / 12)) - forever(rate)
    assert by[2] < forever(rate) + error + discrete
    assert abs(by[2] + later - forever(rate)) < error + discrete


def test_the_engine_agrees_with_plain_numpy() -> None:
    plan = balanced(scenarios=20_000)
    theirs = plain_wealth(plan)
    ours = simulate(plan)
    part = float((theirs[-1] > 0).mean())
    both = SIGMAS * math.sqrt(2 * part * (1 - part) / plan.scenarios)
    assert abs(part - ours.success.value) < both
    for month in (120, 240, 360):
        below = (theirs[month] <= ours.bands[month, 2]).mean()
        # A median against a median of other draws, within a bin of 3.1 %.
        assert abs(below - 0.5) < SIGMAS * math.sqrt(0.5 / plan.scenarios) + 0.01


def test_correlations_come_out_as_they_go_in() -> None:
    plan = balanced(scenarios=10)
    laid_out = course(plan)
    assert laid_out.mixing @ laid_out.mixing.T == pytest.approx(np.array(plan.correlation))
    perfect = ((1.0, 1.0, -1.0), (1.0, 1.0, -1.0), (-1.0, -1.0, 1.0))
    mixing = course(replace(plan, correlation=perfect)).mixing
    assert mixing @ mixing.T == pytest.approx(np.array(perfect))
    with pytest.raises(ValueError, match="contradict"):
        course(replace(plan, correlation=((1, 1, 1), (1, 1, -1), (1, -1, 1))))


def test_perfectly_opposed_assets_cancel_their_risk() -> None:
    assets = (Asset(0.5, 0.05, 0.1), Asset(0.5, 0.05, 0.1), Asset(0.0, 0.0, 0.0))
    opposed = ((1.0, -1.0, 0.0), (-1.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    one = Plan(1e6, 0, 10, assets, correlation=opposed, scenarios=5000)
    both = replace(one, correlation=((1.0, 1.0, 0.0), (1.0, 1.0, 0.0), (0.0, 0.0, 1.0)))
    assert run_paths(one).ending.std() < 0.05 * run_paths(both).ending.std()


def test_normal_deviates_pass_kolmogorov_and_smirnov() -> None:
    words, drawn = np.empty(200_000, np.uint64), np.empty(200_000)
    fill_normals(np.uint64(stream_of(np.uint64(7), 0)), words, drawn)
    drawn.sort()
    expected = np.array([0.5 * math.erfc(-x / math.sqrt(2)) for x in drawn])
    places = np.arange(len(drawn)) / len(drawn)
    # 2.2 / sqrt(n) is passed by a true sample in all but one of ten thousand.
    assert np.abs(expected - places).max() < 2.2 / math.sqrt(len(drawn))
    beyond = (np.abs(drawn) > 3.66).mean()  # the tail has a method of its own
    assert abs(beyond - 2.52e-4) < SIGMAS * math.sqrt(2.52e-4 / len(drawn))


def test_neither_the_deviates_of_a_path_nor_those_of_its_neighbours_know_of_each_other() -> None:
    count, many = 2000, 200
    words, drawn = np.empty(count, np.uint64), np.empty((many, count))
    for path in range(many):
        fill_normals(np.uint64(stream_of(np.uint64(7), path)), words, drawn[path])
    bound = SIGMAS / math.sqrt(many * count)
    for lag in (1, 2, 3, 12):
        assert abs((drawn[:, lag:] * drawn[:, :-lag]).mean()) < bound
        assert abs((drawn[lag:] * drawn[:-lag]).mean()) < 1.1 * bound
    assert len(np.unique(drawn)) == drawn.size


def test_wilsons_interval_holds_the_truth_as_often_as_it_says() -> None:
    for truth in (0.02, 0.5, 0.9):
        seen = np.random.default_rng(3).binomial(1000, truth, 4000)
        held = [share(int(s), 1000).low <= truth <= share(int(s), 1000).high for s in seen]
        assert abs(float(np.mean(held)) - 0.95) < 0.025
    assert share(0, 10).low == 0.0
    assert share(10, 10).high == 1.0
    assert share(10, 10).low == pytest.approx(0.7225, abs=1e-4)  # published for 10 of 10


def test_the_intervals_of_antithetic_pairs_hold_the_truth_at_least_as_often_as_they_say() -> None:
    plan = replace(balanced(spending=135_000, years=8, scenarios=200), is_real=True)
    truth = simulate(replace(plan, scenarios=200_000))
    runs = [simulate(replace(plan, seed=seed), threads=1) for seed in range(1000, 1400)]
    assert 0.2 < truth.success.value < 0.8
    for exact, found in (
        (truth.success, [run.success for run in runs]),
        (truth.mean_ending, [run.mean_ending for run in runs]),
        (truth.ending[4], [run.ending[4] for run in runs]),
    ):
        held = np.mean([one.low <= exact.value <= one.high for one in found])
        assert held > 0.95 - SIGMAS * math.sqrt(0.05 * 0.95 / len(runs))
    spread = float(np.std([run.success.value for run in runs]))
    alone = math.sqrt(truth.success.value * (1 - truth.success.value) / plan.scenarios)
    # What pairs are for; the standard deviation of so many is known to 1 / sqrt(2 n) of itself.
    assert spread < alone * (1 - SIGMAS / math.sqrt(2 * len(runs)))


def test_pairs_that_are_alike_count_as_one_scenario() -> None:
    """Two assets that move against each other: a mirrored path is the path itself."""
    assets = (Asset(0.5, 0.05, 0.3), Asset(0.5, 0.05, 0.3), Asset(0.0, 0.0, 0.0))
    opposed = ((1.0, -1.0, 0.0), (-1.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    plan = Plan(1e6, 85_000, 14, assets, correlation=opposed, scenarios=4000)
    paths = run_paths(plan)
    assert paths.ending[::2] == pytest.approx(paths.ending[1::2], rel=1e-9)
    found = simulate(plan).success
    assert 0.05 < found.value < 0.95
    half = share(round(found.value * 2000), 2000)
    assert (found.low, found.high) == pytest.approx((half.low, half.high), rel=1e-9)
    mean = simulate(plan).mean_ending
    alone = paths.ending.std() / math.sqrt(len(paths.ending))
    assert mean.high - mean.value == pytest.approx(1.96 * math.sqrt(2) * alone, rel=1e-3)


def test_the_design_effect_is_one_and_the_correlation_within_pairs() -> None:
    counts, both = np.array([50, 50, 50, 0, 100]), np.array([25, 15, 0, 0, 50])
    found = design_effect(counts, 100, both)
    # Both or none: a pair is one scenario. Never both: better than independent, and not claimed.
    assert found == pytest.approx([2.0, 1.2, 1.0, 1.0, 1.0])
    assert design_effect(np.array([1]), 1, np.array([0])) == 1


def share(count: int, of: int) -> Estimate:
    (found,) = shares(np.array([count]), of)
    return found
