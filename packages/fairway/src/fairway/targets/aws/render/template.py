"""CloudFormation as values: resources, stacks, what one stack hands to another.

A `Draft` gathers a stack's resources while it is rendered; `text` writes a stack as JSON, sorted,
the same bytes each time. Stacks know each other only by SSM parameters (`give`, `take`): they
can be updated, replaced and rolled back one by one (docs/adr/0012). Pure; must not: know the app.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from fairway.core import names
from fairway.core.spec.model import Operation

__all__ = [
    "ACCOUNT",
    "PARTITION",
    "REGION",
    "Draft",
    "Keep",
    "Resource",
    "Stack",
    "Value",
    "each",
    "either",
    "get",
    "join",
    "joined",
    "ref",
    "said",
    "split",
    "sub",
    "tags",
    "text",
]

Value: TypeAlias = str | int | float | bool | Sequence["Value"] | Mapping[str, "Value"]
Keep: TypeAlias = Literal["Retain", "Snapshot", "Replaced"]

ACCOUNT = "${AWS::AccountId}"
PARTITION = "${AWS::Partition}"
REGION = "${AWS::Region}"
SSM = "AWS::SSM::Parameter::Value<{}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource. `keep`: what becomes of it when it leaves the stack or is replaced.

    `Replaced`: one that another takes the place of stays; with the stack it goes. `update`: its
    `UpdatePolicy`.
    """

    type: str
    properties: Mapping[str, Value]
    keep: Keep | None = None
    after: tuple[str, ...] = ()
    update: Mapping[str, Value] | None = None

    def said(self, *, app_tags: Mapping[str, str]) -> dict[str, Value]:
        """As a template writes it, with the app's tags where the type has any."""
        properties = dict(self.properties)
        if app_tags and self.type not in UNTAGGED:
            properties["Tags"] = tags(self.type, app_tags)
        said: dict[str, Value] = {"Type": self.type, "Properties": properties}
        if self.after:
            said["DependsOn"] = sorted(self.after)
        if self.update is not None:
            said["UpdatePolicy"] = self.update
        if self.keep == "Replaced":
            said |= {"DeletionPolicy": "Delete", "UpdateReplacePolicy": "Retain"}
        elif self.keep is not None:
            # What a first creation that fails has made would be in the way of the next one.
            said["DeletionPolicy"] = "RetainExceptOnCreate" if self.keep == "Retain" else self.keep
            said["UpdateReplacePolicy"] = self.keep
        return said


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """One stack: the file `<name>.json`. `region` is None where it is the app's own.

    `account` is the file's name of the account it stands in; None where it is the app's home.

    `patches` are the file's own changes: `text` has them, `resources` do not.
    """

    name: str
    stack_name: str
    description: str
    resources: Mapping[str, Resource]
    parameters: Mapping[str, Mapping[str, Value]]
    tags: Mapping[str, str]
    region: str | None = None
    account: str | None = None
    patches: tuple[Operation, ...] = ()
    conditions: Mapping[str, Value] = field(default_factory=dict[str, Value])

    @property
    def path(self) -> str:
        """The file's name."""
        return f"{self.name}.json"


@dataclass(slots=True, kw_only=True)
class Draft:
    """A stack in the making. Ids are given once: adding one twice is our bug."""

    app: str
    environment: str
    name: str
    description: str
    region: str | None = None
    account: str | None = None
    resources: dict[str, Resource] = field(default_factory=dict[str, Resource])
    parameters: dict[str, Mapping[str, Value]] = field(
        default_factory=dict[str, Mapping[str, Value]]
    )
    conditions: dict[str, Value] = field(default_factory=dict[str, Value])

    def add(
        self,
        id: str,  # noqa: A002 - CloudFormation's own word
        type: str,  # noqa: A002
        properties: Mapping[str, Value],
        *,
        keep: Keep | None = None,
        after: Sequence[str] = (),
        update: Mapping[str, Value] | None = None,
    ) -> Value:
        """Add a resource; a reference to it."""
        assert id not in self.resources, id
        self.resources[id] = Resource(
            type=type, properties=properties, keep=keep, after=tuple(after), update=update
        )
        return ref(id)

    def ask(self, id: str, description: str, **more: Value) -> Value:  # noqa: A002
        """A parameter that whoever deploys gives; a reference to it."""
        self.parameters[id] = {"Type": "String", "Description": description, **more}
        return ref(id)

    def ask_whether(self, id: str, description: str) -> str:  # noqa: A002
        """A parameter that is true where nobody says otherwise; the condition that it is."""
        self.ask(id, description, AllowedValues=["false", "true"], Default="true")
        self.conditions[f"Is{id}"] = {"Fn::Equals": [ref(id), "true"]}
        return f"Is{id}"

    def give(
        self,
        key: str,
        value: Value,
        type: Literal["String", "StringList"] = "String",  # noqa: A002
    ) -> None:
        """Hand a value to other stacks, under the app's path in SSM."""
        self.add(
            names.logical_id("give", *key.split("/")),
            "AWS::SSM::Parameter",
            {"Name": self.path(key), "Type": type, "Value": value},
        )

    def take(self, key: str, type: str = "String") -> Value:  # noqa: A002
        """A value that another stack hands over; resolved anew at each update of this one."""
        id_ = names.logical_id("take", *key.split("/"))
        self.parameters[id_] = {"Type": SSM.format(type), "Default": self.path(key)}
        return ref(id_)

    def path(self, *parts: str) -> str:
        """The app's path of a parameter or a log group."""
        return names.cloud_path(self.app, self.environment, *parts)

    def called(self, *parts: str, limit: int = 255) -> str:
        """The app's name of something."""
        return names.cloud_name(self.app, self.environment, *parts, limit=limit)

    @property
    def stack_name(self) -> str:
        """What the stack is called."""
        return self.called(self.name, limit=128)

    def stack(self) -> Stack:
        """What was gathered."""
        return Stack(
            name=self.name,
            stack_name=self.stack_name,
            description=self.description,
            resources=dict(self.resources),
            parameters=dict(self.parameters),
            tags={"fairway:app": self.app, "fairway:environment": self.environment},
            region=self.region,
            account=self.account,
            conditions=dict(self.conditions),
        )


def ref(id: str) -> Value:  # noqa: A002
    """`Ref`."""
    return {"Ref": id}


def get(id: str, attribute: str = "Arn") -> Value:  # noqa: A002
    """`Fn::GetAtt`."""
    return {"Fn::GetAtt": [id, attribute]}


def sub(text: str, **values: Value) -> Value:
    """`Fn::Sub`; `values` are what `${name}` stands for beside the stack's own."""
    return {"Fn::Sub": [text, values]} if values else {"Fn::Sub": text}


def join(between: str, parts: Sequence[Value]) -> Value:
    """`Fn::Join`."""
    return {"Fn::Join": [between, list(parts)]}


def joined(between: str, list_: Value) -> Value:
    """`Fn::Join` of a list that is a reference itself."""
    return {"Fn::Join": [between, list_]}


def split(at: str, text: Value) -> Value:
    """`Fn::Split`."""
    return {"Fn::Split": [at, text]}


def either(condition: str, value: Value) -> Value:
    """`Fn::If`: the value, or as if the property were not written."""
    return {"Fn::If": [condition, value, ref("AWS::NoValue")]}


def each(list_: Value, index: int) -> Value:
    """`Fn::Select`."""
    return {"Fn::Select": [index, list_]}


# Types that carry no tags, or only such as would replace them.
UNTAGGED = frozenset(
    {
        "AWS::ApiGatewayV2::ApiMapping",
        "AWS::ApiGatewayV2::Integration",
        "AWS::ApiGatewayV2::Route",
        "AWS::ApplicationAutoScaling::ScalableTarget",
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        "AWS::CloudFront::CachePolicy",
        "AWS::CloudFront::OriginAccessControl",
        "AWS::CloudFront::ResponseHeadersPolicy",
        "AWS::CloudWatch::Dashboard",
        "AWS::CodeDeploy::DeploymentConfig",
        "AWS::EC2::NetworkAclEntry",
        "AWS::EC2::Route",
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::EC2::SubnetNetworkAclAssociation",
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::EC2::VPCEndpoint",
        "AWS::EC2::VPCGatewayAttachment",
        "AWS::ElasticLoadBalancingV2::Listener",
        "AWS::ElasticLoadBalancingV2::ListenerRule",
        "AWS::Events::Rule",
        "AWS::IAM::Policy",
        "AWS::KMS::Alias",
        "AWS::Lambda::Alias",
        "AWS::Lambda::Permission",
        "AWS::Lambda::Version",
        "AWS::Logs::MetricFilter",
        "AWS::Route53::RecordSet",
        "AWS::S3::BucketPolicy",
        "AWS::SNS::Subscription",
        "AWS::SNS::TopicPolicy",
        "AWS::SQS::QueuePolicy",
        "AWS::Scheduler::Schedule",
        "AWS::SecretsManager::RotationSchedule",
        "AWS::WAFv2::LoggingConfiguration",
        "AWS::WAFv2::WebACLAssociation",
    }
)
# Types whose tags are a mapping, not a list.
TAGGED_BY_MAPPING = frozenset(
    {
        "AWS::ApiGatewayV2::Api",
        "AWS::ApiGatewayV2::DomainName",
        "AWS::ApiGatewayV2::Stage",
        "AWS::SSM::Parameter",
    }
)


def tags(type: str, values: Mapping[str, str]) -> Value:  # noqa: A002
    """Tags as this type writes them."""
    if type in TAGGED_BY_MAPPING:
        return dict(values)
    return [{"Key": key, "Value": value} for key, value in sorted(values.items())]


def text(stack: Stack) -> str:
    """The template: sorted, one fact a line, ends in a newline.

    Raises `Problems` where a patch cannot be done.
    """
    template = said(stack)
    if stack.patches:
        from fairway.targets.aws.render.patches import patched  # few files have any

        template = patched(stack.path, template, stack.patches)
    return json.dumps(template, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def said(stack: Stack) -> dict[str, Value]:
    """The template as it was rendered, without patches."""
    template: dict[str, Value] = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": stack.description,
        "Resources": {
            id_: resource.said(app_tags=stack.tags) for id_, resource in stack.resources.items()
        },
    }
    if stack.parameters:
        template["Parameters"] = stack.parameters
    if stack.conditions:
        template["Conditions"] = stack.conditions
    return template
