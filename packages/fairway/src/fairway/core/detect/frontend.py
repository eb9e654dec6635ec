"""Front ends: what builds them, where the result lies, and whether the app serves it itself."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fairway.core.detect.candidates import ASIDE
from fairway.core.detect.dockerfile import read_dockerfile
from fairway.core.detect.findings import Note
from fairway.core.detect.sources import Finding, Sources, join, line_of, name_of, parent_of, quote
from fairway.core.detect.syntax import Tree, literal_texts
from fairway.core.detect.tables import as_table, as_text, at, read_json

__all__ = ["FrontEnd", "find_front_ends", "find_plain_sites", "serving_call"]

# Package, its name for people, the folder that its build writes.
BUILDERS = (
    ("react-scripts", "Create React App", "build"),
    ("next", "Next.js", "out"),
    ("nuxt", "Nuxt", ".output/public"),
    ("@angular/core", "Angular", "dist"),
    ("@vue/cli-service", "Vue CLI", "dist"),
    ("gatsby", "Gatsby", "public"),
    ("astro", "Astro", "dist"),
    ("@sveltejs/kit", "SvelteKit", "build"),
    ("vite", "Vite", "dist"),
    ("parcel", "Parcel", "dist"),
    ("webpack", "webpack", "dist"),
)
SERVES = frozenset({
    "StaticFiles", "Flask", "send_from_directory", "FileResponse", "send_file", "Jinja2Templates",
    "WhiteNoise", "add_files", "StaticFilesConfig", "create_static_files_router", "SPAStaticFiles",
    "mount", "static", "frontend",
})  # fmt: skip
SITE_FOLDERS = frozenset({"", "site", "frontend", "www", "web", "client", "public", "page", "html"})


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """A front end that is built. `out` is the built folder's path."""

    folder: str
    tool: str
    finding: Finding[str]
    build: str
    out: str
    notes: tuple[Note, ...] = ()


def find_front_ends(sources: Sources) -> tuple[FrontEnd, ...]:
    """Every package.json with a build script and a builder that is known."""
    found = (_front_end(sources, path, text) for path, text in sources.named("package.json"))
    return tuple(one for one in found if one is not None)


def _front_end(sources: Sources, path: str, text: str) -> FrontEnd | None:
    package = read_json(text)
    script = as_text(at(package, "scripts", "build"))
    names = {
        *as_table(at(package, "dependencies")),
        *as_table(at(package, "devDependencies")),
    }
    known = next(((tool, out, name) for name, tool, out in BUILDERS if name in names), None)
    if not script or known is None or ASIDE.search(path):
        return None
    folder = parent_of(path)
    tool, out, _ = known
    notes: tuple[Note, ...] = ()
    if tool in {"Next.js", "Nuxt"} and not _is_static(sources, folder, script):
        what = f"{tool} runs a Node server here; Fairway serves a static export only."
        export = (
            f'write output: "export" in {join(folder, "next.config.js")}'
            if tool == "Next.js"
            else f'build with "nuxt generate" in {join(folder, "package.json")}'
        )
        mend = f"To export it, {export}; or leave it where it runs."
        notes = (Note("untold", f"{path}:1", what, mend),)
    configured = _out_folder(sources, folder, script)
    number = line_of(text, r'"build"\s*:')
    finding = Finding(tool, f"{path}:{number}", quote(f'"build": "{script}"'))
    build = f"{_runner(sources, folder)} run build"
    return FrontEnd(folder, tool, finding, build, join(folder, configured or out), notes)


def _is_static(sources: Sources, folder: str, script: str) -> bool:
    configs = [
        text
        for path, text in sources.texts.items()
        if parent_of(path) == folder and name_of(path).startswith(("next.config", "nuxt.config"))
    ]
    exported = any(re.search(r"output\s*:\s*[\"']export", text) for text in configs)
    return exported or "export" in script or "generate" in script


def _out_folder(sources: Sources, folder: str, script: str) -> str:
    """`build.outDir` of Vite's configuration, or `--outDir` in the script."""
    given = re.search(r"--out-?[dD]ir[= ](\S+)", script)
    if given:
        return given[1]
    for path, text in sorted(sources.texts.items()):
        if parent_of(path) == folder and name_of(path).startswith("vite.config"):
            found = re.search(r"outDir\s*:\s*[^\n,}]*?[\"'`]([^\"'`]+)[\"'`]\s*\)?", text)
            if found:
                return found[1]
    return ""


def _runner(sources: Sources, folder: str) -> str:
    """The package manager, told to work in the folder."""
    for lock, name, option in (
        ("pnpm-lock.yaml", "pnpm", "--dir"),
        ("yarn.lock", "yarn", "--cwd"),
        ("bun.lockb", "bun", "--cwd"),
        ("bun.lock", "bun", "--cwd"),
    ):
        if sources.has(join(folder, lock)):
            return f"{name} {option} {folder}" if folder else name
    return f"npm --prefix {folder}" if folder else "npm"


def serving_call(one: FrontEnd, trees: Mapping[str, Tree], sources: Sources) -> Finding[str] | None:
    """The call by which an app serves this front end itself, if it does."""
    last = name_of(one.out)
    copied = frozenset(_copied(one, sources))
    for tree in trees.values():
        for call in tree.calls:
            name = tree.dotted(call.func).rpartition(".")[2]
            name = call.func.attr if isinstance(call.func, ast.Attribute) else name
            if name not in SERVES:
                continue
            words = _path_words(tree, call)
            if last in words or copied & words:
                return tree.finding(one.out, call)
    return None


def _path_words(tree: Tree, call: ast.Call) -> frozenset[str]:
    """The parts of every path in a call, constants of the file resolved one step."""
    texts = list(literal_texts(call))
    names = {part.id for part in ast.walk(call) if isinstance(part, ast.Name)}
    for statement in tree.body.body:
        if isinstance(statement, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id in names for target in statement.targets
        ):
            texts.extend(literal_texts(statement.value))
    return frozenset(word for text in texts for word in text.split("/") if word)


def _copied(one: FrontEnd, sources: Sources) -> Iterator[str]:
    """The folder that a Dockerfile copies the built front end to: `COPY --from=page …/dist web`."""
    for path, text in sources.texts.items():
        if not name_of(path).startswith("Dockerfile"):
            continue
        for instruction in read_dockerfile(text).every:
            words = instruction.text.split()
            if instruction.name != "COPY" or len(words) != 3 or "--from=" not in words[0]:
                continue
            if name_of(words[1].rstrip("/")) == name_of(one.out):
                yield name_of(words[2].rstrip("/"))


def find_plain_sites(
    sources: Sources, front_ends: tuple[FrontEnd, ...], trees: Mapping[str, Tree]
) -> tuple[Finding[str], ...]:
    """Folders with an `index.html` that nothing builds and no app serves."""
    built = {one.folder for one in front_ends}
    words = {
        word
        for tree in trees.values()
        for call in tree.calls
        if (tree.dotted(call.func).rpartition(".")[2] or "") in SERVES
        for word in _path_words(tree, call)
    }
    found: list[Finding[str]] = []
    for path in sorted(sources.paths, key=lambda path: (path.count("/"), path)):
        folder = parent_of(path)
        if name_of(path) != "index.html" or folder not in SITE_FOLDERS:
            continue
        if folder in built or sources.has(join(folder, "package.json")):
            continue
        if {folder, "index.html"} & words or (not folder and trees):
            continue
        found.append(Finding(folder, f"{path}:1", "index.html"))
    return tuple(found[:1])
