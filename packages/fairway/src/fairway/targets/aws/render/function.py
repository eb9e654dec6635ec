"""A service's stack where it is a function (R24, R29): AWS Lambda, with the app's own image.

The image is the one that containers run (R55); in it, AWS's Lambda Web Adapter turns each event
into a request to the app's own server. Every release publishes a version, which never changes, and
moves the alias `live` to it, all at once or by steps (`function_release.py`). People reach `live`
through a gateway (`gateway.py`).
Secrets stand nowhere in its configuration: the runtime reads them when it starts. Pure.
"""

import json
import math

from fairway.core import names
from fairway.core.spec.model import App, Service
from fairway.targets.aws.render.access import add_function_role
from fairway.targets.aws.render.accounts import home
from fairway.targets.aws.render.dead_letters import add_dead_letters
from fairway.targets.aws.render.function_alarms import add_function_alarms
from fairway.targets.aws.render.function_names import ALIAS, function_name
from fairway.targets.aws.render.function_release import add_shift, is_shifted
from fairway.targets.aws.render.gateway import add_gateway
from fairway.targets.aws.render.ground import Ground
from fairway.targets.aws.render.log_metrics import add_log_metrics
from fairway.targets.aws.render.logs import add_log_group
from fairway.targets.aws.render.reach import add_reach
from fairway.targets.aws.render.tasks import ask_image, command_of, probe_path, working_folder
from fairway.targets.aws.render.template import Draft, Stack, Value, get, join, ref, sub
from fairway.targets.aws.render.traces import is_traced
from fairway.targets.aws.render.wiring import Wired, port_of, wired
from fairway_runtime import contract

__all__ = [
    "LEAST_MEMORY_MIB",
    "LONGEST_BEHIND_GATEWAY_SECONDS",
    "LONGEST_SECONDS",
    "MOST_MEMORY_MIB",
    "function",
    "request_seconds",
]

LONGEST_SECONDS = 899  # Lambda ends an invocation after 900
LONGEST_BEHIND_GATEWAY_SECONDS = 29  # an HTTP API gives up after 30
LEAST_MEMORY_MIB, MOST_MEMORY_MIB = 128, 10_240
PROCESSORS = {"ARM64": "arm64", "X86_64": "x86_64"}


def function(whole: App, node: Service, ground: Ground) -> Stack:
    """Render it; `whole` is the app with what stands in other accounts."""
    draft, app = ground.draft, home(whole)
    group = add_reach(app, node, ground, "Service")
    image = ask_image(draft, ground.choices.image_of(node.name))
    found = wired(app, node, draft, image)
    log_days = ground.choices.log_days
    log = add_log_group(draft, "ServiceLogs", draft.path(node.name), ground.key, log_days)
    is_seen = is_traced(node, ground.choices)
    name = function_name(draft, node.name)
    # Of those who ask without waiting for an answer, when it failed three times.
    unheard = add_dead_letters(draft, ground.key)
    said: dict[str, Value] = {
        "Architectures": [PROCESSORS[ground.choices.processor]],
        "Code": {"ImageUri": image},
        "DeadLetterConfig": {"TargetArn": unheard},
        "Environment": {"Variables": _variables(node, found)},
        "FunctionName": name,
        "ImageConfig": {
            "Command": command_of(node),
            "WorkingDirectory": working_folder(node),
        },
        "KmsKeyArn": ground.key,
        "LoggingConfig": {"LogFormat": "JSON", "LogGroup": log},
        "MemorySize": min(MOST_MEMORY_MIB, max(LEAST_MEMORY_MIB, node.memory_mib)),
        "PackageType": "Image",
        "Role": add_function_role(app, node, ground, name, found, unheard=unheard),
        "Timeout": math.ceil(request_seconds(node)) + 1,
        "TracingConfig": {"Mode": "Active" if is_seen else "PassThrough"},
        "VpcConfig": {"SecurityGroupIds": [group], "SubnetIds": ground.subnets("services")},
    }
    alias = _released(app, node, draft, said, image)
    if node.public:
        add_gateway(whole, node, ground, alias)
    add_function_alarms(app, node, draft)
    add_log_metrics(node, draft)
    return draft.stack()


def request_seconds(node: Service) -> float:
    """How long a request may take: as the file says, and no longer than what waits for it."""
    most = LONGEST_BEHIND_GATEWAY_SECONDS if node.public else LONGEST_SECONDS
    return min(node.timeouts.request_seconds, most)


def _released(app: App, node: Service, draft: Draft, said: dict[str, Value], image: Value) -> Value:
    """The function, the version that this release publishes, and `live`, which names it."""
    # Lambda publishes nothing where nothing changed, and CloudFormation publishes where the version
    # itself changes: so both change with the image and with what is said here, and never one alone.
    made_of = names.short_digest(json.dumps(said, sort_keys=True))
    draft.add(
        "Function",
        "AWS::Lambda::Function",
        {
            **said,
            "Description": f"The service {node.name}, {made_of}.",
            "ReservedConcurrentExecutions": node.replicas.maximum,  # of no version
        },
    )
    draft.add(
        "Version",
        "AWS::Lambda::Version",
        {
            "Description": sub(f"${{Of}} {made_of}", Of=image),
            "FunctionName": ref("Function"),
        },
        keep="Replaced",  # what runs in it goes on to its end
    )
    update, after = add_shift(app, node, draft) if is_shifted(node) else (None, [])
    return draft.add(
        "Alias",
        "AWS::Lambda::Alias",
        {
            "FunctionName": ref("Function"),
            "FunctionVersion": get("Version", "Version"),
            "Name": ALIAS,
        },
        after=after,
        update=update,
    )


def _variables(node: Service, found: Wired) -> dict[str, Value]:
    """What the server and the adapter beside it find; where secrets are, never what they are."""
    port = str(port_of(node))
    own: dict[str, Value] = {
        **found.plain,
        contract.HOST: "127.0.0.1",
        contract.REQUEST_SECONDS: f"{request_seconds(node):g}",
        "AWS_LWA_ASYNC_INIT": "true",  # a start of more than 10 s goes on in the first request
        "AWS_LWA_INVOKE_MODE": "buffered",  # an HTTP API streams nothing
        "AWS_LWA_PORT": port,
        "AWS_LWA_READINESS_CHECK_PATH": probe_path(node),
    }
    # Requests come from the adapter, on this side of the network: the runtime's own default.
    del own[contract.TRUSTED_PROXIES]
    if found.secret:
        places = [join("=", [name, read.place]) for name, read in found.secret.items()]
        own[contract.SECRETS] = join(" ", places)
    return dict(sorted(own.items()))
