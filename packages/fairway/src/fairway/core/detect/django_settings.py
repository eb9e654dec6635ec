"""Which of a Django project's settings modules its production runs with. Pure.

`manage.py` names one for developers; what is deployed often has another: an image's ENV says it,
or the file whose `application` is served. Commands such as `migrate` must have the same one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from fairway.core.detect.django import DjangoProject
from fairway.core.detect.findings import Note
from fairway.core.detect.sources import Finding
from fairway.core.detect.syntax import Tree, literal_texts

__all__ = ["MODULE", "SettingsUse", "find_settings_module"]

MODULE = "DJANGO_SETTINGS_MODULE"
DEVELOPERS = frozenset({"dev", "develop", "development", "local"})
PRODUCTION = ("production", "prod", "live", "heroku", "docker")


@dataclass(frozen=True, slots=True)
class SettingsUse:
    """The variable that names the module, where it must be said; and what is to be known of it."""

    variables: Mapping[str, Finding[str]] = field(default_factory=dict[str, Finding[str]])
    notes: tuple[Note, ...] = ()


def find_settings_module(
    django: DjangoProject | None,
    trees: Mapping[str, Tree],
    served: str,
    image: Mapping[str, Finding[str]],
) -> SettingsUse:
    """`served` is the path of the file whose application is served, `image` its image's ENV."""
    if django is None:
        return SettingsUse()
    managed = _named(trees.get(django.manage.value))
    entry = _named(trees.get(served))
    for said in (image.get(MODULE), entry):
        if said is not None and _is_there(said.value, django):
            if managed is not None and said.value == managed.value:
                break
            return SettingsUse({MODULE: Finding(said.value, said.where, said.why)})
    return SettingsUse(notes=tuple(_advice(managed, django)))


def _named(tree: Tree | None) -> Finding[str] | None:
    """What a file sets where the environment says nothing."""
    for call in tree.calls if tree else ():
        texts = literal_texts(call)
        if tree is not None and MODULE in texts[:-1]:
            return tree.finding(texts[texts.index(MODULE) + 1], call)
    return None


def _is_there(module: str, django: DjangoProject) -> bool:
    return any(_is_of(module, path) for path in django.settings)


def _is_of(module: str, path: str) -> bool:
    path = f"/{path}".removesuffix("/__init__.py").removesuffix(".py")
    return path.endswith("/" + module.replace(".", "/"))


def _advice(managed: Finding[str] | None, django: DjangoProject) -> Iterator[Note]:
    package, _, last = (managed.value if managed else "").rpartition(".")
    others = (f"{package}.{name}" for name in PRODUCTION)
    other = next((each for each in others if _is_there(each, django)), None)
    if managed is None or last not in DEVELOPERS or other is None:
        return
    what = f"It runs with {managed.value}, where {other} is there too."
    mend = (
        f'Write {MODULE} = "{other}" under [variables], or under [environment.production] as '
        f"variables.{MODULE}."
    )
    yield Note("advice", managed.where, what, mend)
