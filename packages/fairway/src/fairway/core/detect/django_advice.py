"""What a Django project meets in its production shape that `runserver` never showed.

Advice only: the app starts, and its pages come without style, or not at all.
"""

import ast
from collections.abc import Iterator

from fairway.core.detect.evidence import Evidence
from fairway.core.detect.findings import Note
from fairway.core.detect.syntax import Tree, literal_texts, text_value

__all__ = ["advise"]

HERE = frozenset({"*", "127.0.0.1", "localhost", ".localhost"})
SERVING = (
    "django.contrib.staticfiles.urls.staticfiles_urlpatterns",
    "django.conf.urls.static.static",
)


def advise(evidence: Evidence, service: str) -> Iterator[Note]:
    """Notes on static files that nobody serves, and on pages that lead to https."""
    if evidence.django is None:
        return
    yield from _static_files(evidence)
    yield from _redirects(evidence, service)
    yield from _hosts(evidence)


def _static_files(evidence: Evidence) -> Iterator[Note]:
    for tree, node in _assigned(evidence, "STATIC_ROOT"):
        if text_value(node.value).startswith("/"):
            what = "What is gathered outside the project's folder comes into no image or revision."
            mend = 'Write STATIC_ROOT = BASE_DIR / "staticfiles".'
            yield Note("advice", tree.where(node), what, mend)
    used = evidence.literal("django.contrib.staticfiles")
    if used is None or evidence.django is None or evidence.django.serves_static:
        return
    if evidence.call(*SERVING) or evidence.dependencies.where("whitenoise"):
        return
    what = "Nothing serves the static files: Django itself does under runserver only."
    mend = (
        'Add "whitenoise" to the dependencies, "whitenoise.middleware.WhiteNoiseMiddleware" after '
        "SecurityMiddleware in MIDDLEWARE, and STATIC_ROOT; then run `fairway init --force`."
    )
    yield Note("advice", used.where, what, mend)


def _hosts(evidence: Evidence) -> Iterator[Note]:
    """A list of hosts that stands in the code, without this machine."""
    for tree, node in _assigned(evidence, "ALLOWED_HOSTS"):
        listed = node.value
        if not isinstance(listed, ast.List | ast.Tuple) or not listed.elts:
            continue
        hosts = [_host(one) for one in listed.elts]
        if all(hosts) and not HERE & set(hosts):
            what = "Django answers 400 to every other host, and this machine is not among them."
            mend = 'Add "127.0.0.1" and "localhost" to ALLOWED_HOSTS.'
            yield Note("advice", tree.where(node), what, mend)


def _host(node: ast.expr) -> str:
    """The text, or of one that is put together its fixed parts; empty where there are none."""
    return "".join(literal_texts(node)) if isinstance(node, ast.JoinedStr) else text_value(node)


def _redirects(evidence: Evidence, service: str) -> Iterator[Note]:
    for tree, node in _assigned(evidence, "SECURE_SSL_REDIRECT"):
        where = tree.where(node)
        line = getattr(node, "lineno", 0)
        read = next((one for one in evidence.reads if one.finding.where == where), None)
        if read is None and not (isinstance(node.value, ast.Constant) and node.value.value is True):
            continue
        what = "Where this is on, every page leads to https, which is not served on this machine."
        mend = f'Write SECURE_SSL_REDIRECT = os.environ["ENVIRONMENT"] != "local" at line {line}.'
        if read is not None:
            key = f"service.{service}.variables.{read.name}"
            mend = f'Under [environment.local] write {key} = "false".'
        yield Note("advice", where, what, mend)


def _assigned(evidence: Evidence, setting: str) -> Iterator[tuple[Tree, ast.Assign]]:
    """The assignments to a setting, in any settings file."""
    settings = evidence.django.settings if evidence.django else ()
    for path in settings:
        tree = evidence.trees.get(path)
        for node in tree.nodes if tree else ():
            if isinstance(node, ast.Assign) and tree is not None:
                names = [one.id for one in node.targets if isinstance(one, ast.Name)]
                if setting in names:
                    yield tree, node
