"""Apps with words of their own for environments, levels and flags: `ENVIRONMENT: Literal["DEV"]`.

Fairway says `local`, `dev`, `staging` and `production`, levels in capitals, `true` and `false`;
such an app would not start, or take `false` for true. What each environment has to say then is
written under it. Pure.
"""

from collections.abc import Iterator, Mapping

from fairway.core.detect.environment import VariableRead
from fairway.core.detect.findings import Note, OwnWords
from fairway.core.detect.sources import Finding
from fairway.core.spec.profiles import BUILT_IN
from fairway_runtime import contract

__all__ = ["own_words", "untold_words"]

ALSO: Mapping[str, tuple[str, ...]] = {
    "local": ("development", "develop", "dev"),
    "dev": ("development", "develop", "testing", "test"),
    "staging": ("stage", "stg", "testing", "test", "preprod"),
    "production": ("prod", "prd", "live"),
    "warning": ("warn",),
    "true": ("1",),
    "false": ("0", ""),
}


def own_words(reads: tuple[VariableRead, ...]) -> OwnWords:
    """What each environment says, where the code would not take Fairway's own word."""
    found: dict[str, dict[str, Finding[str]]] = {}
    for read in _choosy(reads):
        for environment, said in _said(read.name).items():
            word = _match(said, read.choices)
            if word not in {None, said}:
                finding = Finding(word or "", read.finding.where, read.finding.why)
                found.setdefault(environment, {}).setdefault(read.name, finding)
    return {name: found[name] for name in BUILT_IN if name in found}


def untold_words(reads: tuple[VariableRead, ...]) -> Iterator[Note]:
    """Notes on environments for which none of the app's words fits."""
    for read in _choosy(reads):
        lacking = [
            environment
            for environment, said in _said(read.name).items()
            if _match(said, read.choices) is None
        ]
        if lacking:
            what = (
                f"{read.name} may say {', '.join(read.choices)}; none of them is for {lacking[0]}."
            )
            mend = f'Write it under [environment.{lacking[0]}]: variables.{read.name} = "…".'
            kind = "untold" if "local" in lacking else "advice"  # the others are for later
            yield Note(kind, read.finding.where, what, mend)


def _choosy(reads: tuple[VariableRead, ...]) -> Iterator[VariableRead]:
    """The first read of each variable whose words are the app's own."""
    seen: set[str] = set()
    for read in reads:
        said = _said(read.name)
        if read.name not in seen and read.choices and not {*said.values()} <= {*read.choices}:
            seen.add(read.name)
            yield read


def _said(name: str) -> Mapping[str, str]:
    """What Fairway's environments say by themselves; nothing of other variables."""
    if name == contract.ENVIRONMENT:
        return {environment: environment for environment in BUILT_IN}
    if name == contract.DEBUG:
        flags = {environment: each.profile.debug for environment, each in BUILT_IN.items()}
        return {environment: str(debug).lower() for environment, debug in flags.items()}
    if name == contract.LOG_LEVEL:
        return {environment: each.profile.log_level for environment, each in BUILT_IN.items()}
    return {}


def _match(said: str, choices: tuple[str, ...]) -> str | None:
    """The app's word for one of Fairway's."""
    by_form = {choice.casefold(): choice for choice in reversed(choices)}
    forms = (said.casefold(), *ALSO.get(said.casefold(), ()))
    if said in choices:
        return said
    return next((by_form[form] for form in forms if form in by_form), None)
