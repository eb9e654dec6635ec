"""What stands in `copilot/` beside manifests: addons, overrides, environment files. Pure.

Addons are CloudFormation; what they make is named, with the line of fairway.toml that makes its
like. Nothing of them is translated: data moves by people.
"""

from collections.abc import Collection, Iterator, Mapping

from fairway.core.copilot.document import leaves
from fairway.core.copilot.manifest import LeftOut
from fairway.core.detect.sources import Sources
from fairway.core.problem import Problems

__all__ = ["beside"]

LIKE: Mapping[str, str] = {
    "AWS::RDS::": "[database.db]",
    "AWS::ElastiCache::": "[cache.cache]",
    "AWS::S3::Bucket": "[bucket.files]",
    "AWS::DynamoDB::": "[table.state]",
    "AWS::SecretsManager::Secret": "[secret.NAME]",
}
ADDON = "a stack of its own: declare its like and name it in `uses`"
OVERRIDE = "write its changes as patches of the stacks that `fairway render` writes"
OTHER = "it is no manifest; look at it yourself"


def beside(sources: Sources, known: Collection[str]) -> Iterator[LeftOut]:
    """Every other file of the workspace."""
    for path in sorted(sources.paths | sources.texts.keys()):
        if not path.startswith("copilot/") or path in known or path == "copilot/.workspace":
            continue
        folders = path.split("/")[1:-1]
        if "addons" in folders:
            yield LeftOut(path, "addon", _addon(path, sources.texts.get(path, "")))
        elif "overrides" in folders:
            yield LeftOut(path, "override", OVERRIDE)
        else:
            yield LeftOut(path, "file", OTHER)


def _addon(path: str, text: str) -> str:
    """What it makes, with what makes its like."""
    try:
        found = [leaf for leaf in leaves(path, text) if leaf.path[0:1] == ("Resources",)]
    except Problems:
        return ADDON
    types = sorted({leaf.text for leaf in found if leaf.path[2:] == ("Type",)})
    if not types:
        return ADDON
    shown = [
        next((f"{each} ({like})" for start, like in LIKE.items() if each.startswith(start)), each)
        for each in types
    ]
    return f"{ADDON}; it makes {', '.join(shown)}"
