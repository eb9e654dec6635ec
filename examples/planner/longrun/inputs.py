"""What people may ask, as the API, the page and a shared link take it: percents and dollars.

Purpose: the edge. Text comes in, a `Plan` of the engine goes out. Every limit stands here once:
the API's schema, the page's fields and the sentences of errors are made from it.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from longrun.engine import Asset, Flow, Income, Plan, Returns, Rule, Shock
from longrun.engine.market import factor
from longrun.text import plain_text

__all__ = [
    "LIMITS",
    "FlowInput",
    "IncomeInput",
    "Limit",
    "PlanInput",
    "Text",
    "Trouble",
    "troubles",
]

MAX_TEXT = 1000
WEIGHT_SLACK = 0.1
CLEARLY = 1e-6  # a determinant above this needs no closer look


@dataclass(frozen=True, slots=True)
class Limit:
    """The least and the most of a field, in its unit."""

    low: float
    high: float
    unit: str
    label: str

    def __str__(self) -> str:
        if self.unit == "$":
            return f"${self.low:,.0f} to ${self.high:,.0f}".replace("$-", "-$")
        return f"{self.low:g} to {self.high:,g}{' ' + self.unit if self.unit else ''}"


PERCENT = "%"
LIMITS: Mapping[str, Limit] = {
    "portfolio": Limit(1_000, 100_000_000, "$", "Portfolio today"),
    "annual_spending": Limit(0, 1_000_000, "$", "Spending a year, in today's money"),
    "years": Limit(1, 100, "years", "Years to plan for"),
    "age": Limit(18, 120, "years", "Age"),
    "equity": Limit(0, 100, PERCENT, "Shares"),
    "bond": Limit(0, 100, PERCENT, "Bonds"),
    "cash": Limit(0, 100, PERCENT, "Cash"),
    "equity_return": Limit(-20, 30, PERCENT, "Return of shares a year"),
    "bond_return": Limit(-20, 30, PERCENT, "Return of bonds a year"),
    "cash_return": Limit(-20, 30, PERCENT, "Return of cash a year"),
    "equity_volatility": Limit(0, 100, PERCENT, "Volatility of shares"),
    "bond_volatility": Limit(0, 100, PERCENT, "Volatility of bonds"),
    "cash_volatility": Limit(0, 100, PERCENT, "Volatility of cash"),
    "equity_bond_correlation": Limit(-1, 1, "", "Correlation of shares and bonds"),
    "equity_cash_correlation": Limit(-1, 1, "", "Correlation of shares and cash"),
    "bond_cash_correlation": Limit(-1, 1, "", "Correlation of bonds and cash"),
    "inflation": Limit(-5, 20, PERCENT, "Inflation a year"),
    "guardrail_band": Limit(1, 100, PERCENT, "Guardrail: how far the rate may drift"),
    "guardrail_step": Limit(1, 50, PERCENT, "Guardrail: how much spending then changes"),
    "scenarios": Limit(10, 10_000, "", "Scenarios"),
    "seed": Limit(0, 2**53 - 1, "", "Seed"),
    "annual": Limit(0, 1_000_000, "$", "Income a year, in today's money"),
    "start_year": Limit(0, 100, "years from now", "First year"),
    "end_year": Limit(0, 100, "years from now", "Until year"),
    "amount": Limit(-100_000_000, 100_000_000, "$", "Amount, in today's money"),
    "year": Limit(0, 100, "years from now", "When"),
}


def _text(value: object) -> object:
    return plain_text(value) if isinstance(value, str) and len(value) <= MAX_TEXT else value


def _limited(name: str, default: float | None = None) -> Any:
    limit = LIMITS[name]
    about = f"{limit.label}: {limit}."
    if default is None:
        return Field(ge=limit.low, le=limit.high, allow_inf_nan=False, description=about)
    return Field(default, ge=limit.low, le=limit.high, allow_inf_nan=False, description=about)


def _whole(name: str, default: int | None = None) -> Any:
    limit = LIMITS[name]
    low, high, about = int(limit.low), int(limit.high), f"{limit.label}: {limit}."
    if default is None:
        return Field(ge=low, le=high, description=about)
    return Field(default, ge=low, le=high, description=about)


Text = Annotated[str, Field(max_length=MAX_TEXT), BeforeValidator(_text)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class IncomeInput(_Strict):
    """A pension, a rent: paid monthly, rising with inflation."""

    name: Text = "Income"
    annual: float = _limited("annual")
    start_year: float = _limited("start_year", 0)
    end_year: float = _limited("end_year", 100)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end_year < self.start_year:
            raise ValueError("end_year is before start_year: let it end after it starts")
        return self


class FlowInput(_Strict):
    """Money that comes once (above 0) or is spent once (below 0)."""

    name: Text = "Once"
    amount: float = _limited("amount")
    year: float = _limited("year")


class PlanInput(_Strict):
    """A client's plan. Percents are numbers like 60 for 60 %."""

    client_id: Text = ""
    client_name: Text = ""
    notes: Text = ""
    age: int = _whole("age", 65)
    portfolio: float = _limited("portfolio")
    annual_spending: float = _limited("annual_spending")
    years: int = _whole("years", 30)
    equity: float = _limited("equity", 60)
    bond: float = _limited("bond", 35)
    cash: float = _limited("cash", 5)
    equity_return: float = _limited("equity_return", 7)
    bond_return: float = _limited("bond_return", 3.5)
    cash_return: float = _limited("cash_return", 2.5)
    equity_volatility: float = _limited("equity_volatility", 17)
    bond_volatility: float = _limited("bond_volatility", 6)
    cash_volatility: float = _limited("cash_volatility", 1)
    equity_bond_correlation: float = _limited("equity_bond_correlation", 0.1)
    equity_cash_correlation: float = _limited("equity_cash_correlation", 0)
    bond_cash_correlation: float = _limited("bond_cash_correlation", 0.2)
    inflation: float = _limited("inflation", 2.5)
    incomes: tuple[IncomeInput, ...] = Field(default=(), max_length=20)
    flows: tuple[FlowInput, ...] = Field(default=(), max_length=20)
    rule: Literal["fixed", "percent", "guardrail"] = "fixed"
    guardrail_band: float = _limited("guardrail_band", 20)
    guardrail_step: float = _limited("guardrail_step", 10)
    returns_model: Literal["lognormal", "historical"] = "lognormal"
    todays_money: bool = False
    scenarios: int = _whole("scenarios", 1000)
    seed: int = _whole("seed", 1)

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        total = self.equity + self.bond + self.cash
        if abs(total - 100) > WEIGHT_SLACK + 1e-9:
            raise ValueError(
                f"equity, bond and cash add up to {total:g} %: they must add up to 100 %, give or"
                f" take {WEIGHT_SLACK}"
            )
        try:
            if _determinant(self) < CLEARLY:
                factor(_matrix(self))
        except ValueError:
            raise ValueError(
                "the three correlations contradict each other: no assets can move like that;"
                " bring them nearer to 0"
            ) from None
        return self

    def to_plan(self, shock: Shock | None = None) -> Plan:
        """The same for the engine: fractions, and weights that add up to 1 exactly."""
        total = self.equity + self.bond + self.cash

        def asset(name: str) -> Asset:
            fields: Mapping[str, float] = self.__dict__
            mean, volatility = fields[f"{name}_return"] / 100, fields[f"{name}_volatility"] / 100
            return Asset(fields[name] / total, mean, volatility)

        return Plan(
            portfolio=self.portfolio,
            spending=self.annual_spending,
            years=self.years,
            assets=(asset("equity"), asset("bond"), asset("cash")),
            correlation=tuple(map(tuple, _matrix(self).tolist())),
            inflation=self.inflation / 100,
            incomes=tuple(Income(i.annual, i.start_year, i.end_year) for i in self.incomes),
            flows=tuple(Flow(flow.amount, flow.year) for flow in self.flows),
            rule=Rule(self.rule),
            guardrail_band=self.guardrail_band / 100,
            guardrail_step=self.guardrail_step / 100,
            returns=Returns(self.returns_model),
            shock=shock,
            is_real=self.todays_money,
            scenarios=self.scenarios,
            seed=self.seed,
        )


def _determinant(plan: PlanInput) -> float:
    """Of the correlations: where it is above 0, with each between -1 and 1, they make sense."""
    ab = plan.equity_bond_correlation
    ac, bc = plan.equity_cash_correlation, plan.bond_cash_correlation
    return 1 + 2 * ab * ac * bc - ab * ab - ac * ac - bc * bc


def _matrix(plan: PlanInput) -> Any:
    import numpy as np

    ab = plan.equity_bond_correlation
    ac, bc = plan.equity_cash_correlation, plan.bond_cash_correlation
    return np.array([[1.0, ab, ac], [ab, 1.0, bc], [ac, bc, 1.0]])


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong with an input: in which field, what, and how to mend it."""

    field: str
    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.field}: {self.what}. {self.mend}"


def troubles(errors: Iterable[object]) -> list[Trouble]:
    """Everything that is wrong, all at once: of pydantic's `error.errors()`."""
    return [_trouble(cast("Mapping[str, Any]", one)) for one in errors]


def _trouble(error: Mapping[str, Any]) -> Trouble:
    place = [part for part in cast("Iterable[object]", error["loc"]) if part != "body"]
    name = next((part for part in reversed(place) if isinstance(part, str)), "plan")
    field = ".".join(map(str, place)) or "plan"
    kind, limit = str(error["type"]), LIMITS.get(name)
    if kind == "value_error":
        what, _, mend = str(error["msg"]).removeprefix("Value error, ").partition(": ")
        return Trouble(field, what, f"{mend[:1].upper()}{mend[1:]}.")
    if kind == "extra_forbidden":
        return Trouble(field, "there is no such field", "Leave it out, or mend its name.")
    if kind == "missing":
        return Trouble(field, "it is missing", f"Give it: {limit or error['msg']}.")
    if kind == "string_too_long":
        return Trouble(field, f"it is longer than {MAX_TEXT} characters", "Shorten it.")
    if limit is not None:
        return Trouble(field, f"{_shown(error.get('input'))} is not allowed", f"Choose {limit}.")
    return Trouble(field, str(error["msg"]), "Correct it.")


def _shown(value: object) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return "not a number" if math.isnan(value) else "infinity"
    return plain_text(repr(value)[:40])
