"""How the engine behaves, whatever the figures."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from longrun.engine import Cancelled, Flow, Income, Plan, Returns, Rule, Shock, simulate
from longrun.engine.bands import PERCENTILES, percentiles
from longrun.engine.history import history
from longrun.engine.kernel import BINS, count_block
from longrun.engine.run import BLOCK, run_paths

from tests.plans import alone, balanced


@pytest.mark.parametrize("returns", list(Returns))
@pytest.mark.parametrize("rule", list(Rule))
def test_a_seed_gives_the_same_answer_whatever_the_number_of_threads(
    rule: Rule, returns: Returns
) -> None:
    plan = replace(balanced(scenarios=1003), rule=rule, returns=returns)
    first, *others = (run_paths(plan, threads) for threads in (1, 2, 3, 8))
    for other in others:
        for name in ("ending", "ruined_in", "early", "scales", "bands"):
            assert np.array_equal(getattr(first, name), getattr(other, name)), name
    assert not np.array_equal(run_paths(replace(plan, seed=2)).ending, first.ending)


def test_runs_side_by_side_and_one_after_the_other_leave_each_other_nothing() -> None:
    plans = [replace(balanced(scenarios=601), seed=seed, years=9 * seed) for seed in (1, 2, 3, 4)]
    alone = [run_paths(plan, 1) for plan in plans]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(run_paths, 6 * plans, 24 * [3]))
    for number, other in enumerate(found):
        assert np.array_equal(alone[number % 4].ending, other.ending)
        assert np.array_equal(alone[number % 4].bands, other.bands)


def test_more_scenarios_keep_the_paths_that_there_were() -> None:
    few, many = run_paths(balanced(scenarios=300)), run_paths(balanced(scenarios=900))
    assert np.array_equal(few.ending, many.ending[:300])


def test_ruin_absorbs_and_later_income_revives_nobody() -> None:
    plan = Plan(1000, 12_000, 10, alone(0.05, 0.1), scenarios=50)
    rescued = replace(plan, incomes=(Income(1e6, start_year=5),), flows=(Flow(1e6, 6),))
    outcome = simulate(rescued)
    assert outcome.success.value == 0
    assert outcome.ending[-1].value == 0
    assert (outcome.bands[2:] == 0).all()
    assert outcome.ruin_by_year[0].value == 1


def test_without_spending_nobody_is_ruined() -> None:
    outcome = simulate(balanced(spending=0))
    assert outcome.success.value == 1
    assert outcome.median_ruin_year is None
    assert outcome.sequence_risk == 0


def test_ruin_by_year_rises_to_what_success_leaves() -> None:
    outcome = simulate(balanced(spending=60_000))
    values = [estimate.value for estimate in outcome.ruin_by_year]
    assert values == sorted(values)
    assert values[-1] == pytest.approx(1 - outcome.success.value)
    for estimate in (*outcome.ruin_by_year, outcome.success, *outcome.ending):
        assert estimate.low <= estimate.value <= estimate.high


def test_percentiles_from_counts_are_those_of_the_numbers_within_a_bin() -> None:
    drawn = np.random.default_rng(5).lognormal(12, 2, (3, 5000)).astype(np.float32)
    drawn[1, :2000] = 0.0
    counts = np.zeros((3, BINS), np.uint16)
    count_block(drawn.view(np.int32), counts)
    found, exact = percentiles(counts, 5000), np.percentile(drawn, PERCENTILES, axis=1).T
    assert found == pytest.approx(exact, rel=1 / 32)
    assert (found[1, :2] == 0).all()


def test_a_count_beyond_16_bits_is_a_count() -> None:
    """All paths are alike: each month has one bin, and all of them are in it."""
    plan = Plan(1000, 0, 1, alone(0.05, 0.0), scenarios=70_000)
    few = replace(plan, scenarios=500)
    assert run_paths(plan).bands == pytest.approx(run_paths(few).bands, rel=1 / 32)
    assert simulate(plan).bands[6, 2] == pytest.approx(1000 * 1.05**0.5, rel=1 / 32)


def test_bands_begin_at_the_portfolio_and_end_at_the_ending() -> None:
    outcome = simulate(balanced(spending=25_000))
    assert list(outcome.bands[-1]) == [estimate.value for estimate in outcome.ending]
    assert set(outcome.bands[0]) == {1_000_000}
    assert outcome.bands[-2] == pytest.approx(outcome.bands[-1], rel=0.05)
    assert outcome.bar_counts.sum() + outcome.above_bars == outcome.scenarios


def test_todays_money_is_money_of_its_month_without_inflation() -> None:
    plan = balanced(spending=20_000)
    nominal, real = run_paths(plan), run_paths(replace(plan, is_real=True))
    assert real.ending * 1.025**30 == pytest.approx(nominal.ending, rel=1e-12)


def test_one_year_of_history_is_a_year_of_the_table() -> None:
    plan = Plan(100, 0, 1, alone(0, 0), returns=Returns.HISTORICAL, scenarios=2000, inflation=0.0)
    endings = set(np.round(run_paths(plan).ending, 6))
    table = set(np.round(100 * history().growth[:, 0], 6))
    assert endings <= table
    assert len(endings) > 0.95 * len(table)


def test_history_in_one_long_run_is_history_itself() -> None:
    plan = Plan(100, 0, 5, alone(0, 0), returns=Returns.HISTORICAL, run_years=1e9, scenarios=2000)
    years = history().growth[:, 0]
    runs = {
        round(100 * float(np.prod(np.take(years, range(s, s + 5), mode="wrap"))), 5)
        for s in range(len(years))
    }
    assert set(np.round(run_paths(plan).ending, 5)) <= runs


def test_a_shock_is_followed_to_the_letter_and_then_chance_takes_over() -> None:
    shock = Shock(((0.5, 1.0, 1.0), (1.1, 1.0, 1.0)), (1.0, 1.0))
    plan = Plan(1000, 0, 2, alone(0.07, 0.2), inflation=0.0, shock=shock, scenarios=20)
    assert run_paths(plan).ending == pytest.approx(np.full(20, 550.0))
    assert np.ptp(run_paths(replace(plan, years=3)).ending) > 1


def test_guardrails_cut_spending_when_markets_fall_and_raise_it_when_they_rise() -> None:
    falling = Plan(1e6, 5e4, 10, alone(-0.05, 0.0), rule=Rule.GUARDRAIL, scenarios=10)
    assert simulate(falling).median_spending < 0.8
    rising = replace(falling, assets=alone(0.15, 0.0))
    assert simulate(rising).median_spending > 1.2
    fixed = replace(balanced(spending=55_000), rule=Rule.FIXED)
    guarded = replace(fixed, rule=Rule.GUARDRAIL)
    assert simulate(guarded).success.value > simulate(fixed).success.value + 0.1


def test_long_work_tells_how_far_it_is_and_stops_when_asked() -> None:
    told: list[tuple[int, int]] = []
    simulate(balanced(scenarios=2000), progress=lambda done, of: told.append((done, of)))
    assert max(told) == (2000, 2000)
    assert len(told) == 2000 / BLOCK
    seen: list[int] = []
    with pytest.raises(Cancelled):
        simulate(
            balanced(scenarios=10_000),
            progress=lambda done, _: seen.append(done),
            is_cancelled=lambda: len(seen) >= 2,
        )
    assert max(seen) < 2000


def test_history_knows_its_years() -> None:
    known = history()
    assert (known.first_year, known.last_year) == (1928, 2024)
    growth, prices = known.since(2008, 30)
    assert len(growth) == len(prices) == 17
    assert growth[0, 0] == pytest.approx(0.6345)
    with pytest.raises(ValueError, match="1928 to 2024"):
        known.since(1900, 3)
