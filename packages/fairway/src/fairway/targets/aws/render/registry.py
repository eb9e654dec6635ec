"""The registry of images (R50-R53): private, scanned on push, a tag never moves but `latest`."""

import json

from fairway.core.spec.model import App
from fairway.targets.aws.render.ground import Ground
from fairway.targets.aws.render.template import (
    ACCOUNT,
    PARTITION,
    REGION,
    Draft,
    Value,
    get,
    sub,
)

__all__ = ["add_registry", "registry_name"]


def add_registry(app: App, ground: Ground) -> None:
    """Add it; images beyond the revisions that are kept are dropped, the oldest first."""
    draft = ground.draft
    rule = {
        "rulePriority": 1,
        "description": "Revisions to roll back to.",
        "selection": {
            "tagStatus": "any",
            "countType": "imageCountMoreThan",
            # Each deploy pushes an image, and a failed one may push another.
            "countNumber": 2 * app.keep_revisions,
        },
        "action": {"type": "expire"},
    }
    draft.add(
        "Registry",
        "AWS::ECR::Repository",
        {
            "EncryptionConfiguration": {"EncryptionType": "KMS", "KmsKey": ground.key},
            "ImageScanningConfiguration": {"ScanOnPush": True},
            "ImageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
            "ImageTagMutabilityExclusionFilters": [
                {
                    "ImageTagMutabilityExclusionFilterType": "WILDCARD",
                    "ImageTagMutabilityExclusionFilterValue": "latest",
                }
            ],
            "LifecyclePolicy": {"LifecyclePolicyText": json.dumps({"rules": [rule]})},
            "RepositoryName": registry_name(draft),
            **_pulled_by_functions(app),
        },
        keep="Retain",
    )
    draft.give("registry", get("Registry", "RepositoryUri"))
    draft.give("registry/arn", get("Registry"))


def registry_name(draft: Draft) -> str:
    """What the app's registry is called."""
    return draft.called(limit=200)


def _pulled_by_functions(app: App) -> dict[str, Value]:
    """Lambda fetches the images of this account's functions, where the app has any."""
    if not any(each.kind == "function" for each in app.services.values()):
        return {}
    functions = sub(f"arn:{PARTITION}:lambda:{REGION}:{ACCOUNT}:function:*")
    return {
        "RepositoryPolicyText": {
            "Statement": [
                {
                    "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
                    "Condition": {"ArnLike": {"aws:SourceArn": functions}},
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                }
            ],
            "Version": "2012-10-17",
        }
    }
