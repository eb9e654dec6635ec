"""Functions of an environment: whether the version in service answers, and how it stands.

Place in the flow: `deploying.py` and `releasing.py` ask after a service's stack, whatever runs it;
`looking.py` for `fairway status`. What an answer means is decided in `decide/functions.py`.
"""

import base64
from collections.abc import Mapping
from typing import Any

from fairway.core import names
from fairway.core.problem import Problem, Problems
from fairway.core.spec.model import Service
from fairway.targets.aws.account import Refused
from fairway.targets.aws.course import TASK
from fairway.targets.aws.decide.functions import (
    asked,
    is_settled,
    judge_answer,
    judge_state,
    moved_share,
    tail,
)
from fairway.targets.aws.decide.progress import Told
from fairway.targets.aws.decide.rollout import Verdict
from fairway.targets.aws.decide.standing import ServiceStanding
from fairway.targets.aws.environment import Environment
from fairway.targets.aws.render.function_names import ALIAS, LONGEST
from fairway.targets.aws.render.renewal import RENEWER, RESERVE, renews
from fairway.targets.aws.render.tasks import probe_path
from fairway.targets.aws.running import Watch
from fairway.targets.aws.stacks import Applied
from fairway.targets.aws.waiting import until

__all__ = [
    "in_service",
    "is_function",
    "refuse_function",
    "room_to_renew",
    "see_room",
    "standing",
]

FUNCTION = "Function"  # the logical id of a service's function
SETTLE_SECONDS = 600.0
ABSENT = "ResourceNotFoundException"
KEPT_COPIES = 100  # that AWS leaves to functions without a number; fewer in a small account


def see_room(environment: Environment) -> None:
    """Raise `Problems` where the account has too few copies left to keep for the functions."""
    if all(each.kind != "function" for each in environment.app.services.values()):
        return
    wanted, left = wanted_copies(environment), left_copies(environment)
    if wanted > left:
        what = f"{wanted} more copies are to be kept for functions; this account has {left} left"
        mend = (
            "Ask AWS for more (Service Quotas: Lambda, concurrent executions), "
            "or write fewer `replicas`."
        )
        raise Problems([Problem("AWS Lambda", what, mend)], exit_code=1)


def room_to_renew(environment: Environment) -> Mapping[str, str]:
    """Whether what renews secrets gets a copy of its own, where there is such a function.

    Not where the account has none left: a small quota is no reason to refuse a deploy.
    """
    app = environment.app
    if not renews(app):
        return {}
    name = names.cloud_name(app.name, app.environment, RENEWER, limit=LONGEST)
    is_kept = kept_for(environment, name) > 0
    has_room = is_kept or left_copies(environment) > wanted_copies(environment)
    return {RESERVE: "true" if has_room else "false"}


def wanted_copies(environment: Environment) -> int:
    """How many more the app's own functions are to keep."""
    return sum(
        max(0, each.replicas.maximum - kept_for(environment, name_of(environment, each.name)))
        for each in environment.app.services.values()
        if each.kind == "function"
    )


def left_copies(environment: Environment) -> int:
    """How many the account can still give to functions of its choice."""
    limit = environment.account.client("lambda").get_account_settings()["AccountLimit"]
    all_, free = int(limit["ConcurrentExecutions"]), int(limit["UnreservedConcurrentExecutions"])
    return max(0, free - min(KEPT_COPIES, all_))


def kept_for(environment: Environment, name: str) -> int:
    """The copies that are kept for a function already."""
    try:
        found = environment.account.client("lambda").get_function_concurrency(FunctionName=name)
    except Refused as refused:
        if refused.code != ABSENT:
            raise
        return 0
    return int(found.get("ReservedConcurrentExecutions") or 0)


def name_of(environment: Environment, service: str) -> str:
    """What a service's function is called."""
    app = environment.app
    return names.cloud_name(app.name, app.environment, service, limit=LONGEST)


def is_function(applied: Applied) -> bool:
    """Whether a service's stack holds a function, by what is in it."""
    return FUNCTION in applied.resources


def in_service(
    environment: Environment, service: str, applied: Applied, step: str, watch: Watch
) -> Verdict:
    """What ECS, or the function itself, says of a release; CloudFormation's word does not do."""
    if not is_function(applied):
        return environment.running.follow(service, applied.resources[TASK], step, watch)
    node = environment.app.services.get(service)
    # A service that the file does not name any more has the runtime's own path.
    path = probe_path(node or Service(name=service, asgi="app"))
    verdict = answered(environment, applied.resources[FUNCTION], path, step)
    if verdict.state == "done":
        environment.tell(Told(step, verdict.words, "good"))
    return verdict


def answered(environment: Environment, function: str, path: str, step: str) -> Verdict:
    """Wait until Lambda is through with it, then ask the version that is in service once."""
    api = environment.account.client("lambda")
    found: Mapping[str, Any] = {}

    def is_through() -> bool:
        nonlocal found
        found = api.get_function_configuration(FunctionName=function, Qualifier=ALIAS)
        return is_settled(found)

    until(environment.clock, SETTLE_SECONDS, is_through, waiting_for=f"the function {function}")
    broken = judge_state(found)
    if broken is not None:
        return broken
    answer = api.invoke(FunctionName=function, Qualifier=ALIAS, LogType="Tail", Payload=asked(path))
    version = str(answer.get("ExecutedVersion") or found.get("Version", ""))
    payload = bytes(answer["Payload"].read())
    verdict = judge_answer(version, path, answer.get("FunctionError"), payload)
    if verdict.state == "failed":
        log = base64.b64decode(answer.get("LogResult") or "").decode(errors="replace")
        text = "\n".join((verdict.words, *tail(log)))
        environment.tell(Told(step, text, "bad"))
    return verdict


def standing(environment: Environment, service: str) -> ServiceStanding:
    """How a function stands: which version answers; it is not asked."""
    api = environment.account.client("lambda")
    name = name_of(environment, service)
    try:
        found = api.get_function_configuration(FunctionName=name, Qualifier=ALIAS)
        limit = api.get_function_concurrency(FunctionName=name)
        alias: Mapping[str, Any] = api.get_alias(FunctionName=name, Name=ALIAS)
    except Refused as refused:
        if refused.code != ABSENT:
            raise
        words = "it is not there"
        return ServiceStanding(
            name=service,
            wanted=0,
            running=0,
            pending=0,
            definition="",
            release="absent",
            words=words,
            kind="function",
        )
    broken = judge_state(found)
    moving = moved_share(alias)
    state = "going" if moving or not is_settled(found) else "done"
    most = limit.get("ReservedConcurrentExecutions")
    words = "runs when it is asked" if most is None else f"at most {most} copies when it is asked"
    words = f"{moving}; {words}" if moving else words
    return ServiceStanding(
        name=service,
        wanted=0,
        running=0,
        pending=0,
        definition=f"{name}:{found.get('Version', '')}",
        release=state if broken is None else broken.state,
        words=words if broken is None else broken.words,
        kind="function",
    )


def refuse_function(
    environment: Environment, service: str, where: str, why: tuple[str, str]
) -> None:
    """Raise `Problems` where a service is a function; `why`: what is wrong, how to mend."""
    node = environment.app.services.get(service)
    if node is not None and node.kind == "function":
        raise Problems([Problem(where, f"{service} is a function: {why[0]}", why[1])])
