"""Servers that speak neither ASGI nor WSGI: aiohttp, Tornado, Gradio and their like.

Looked for only where no app object was found. They run by `command`, and must listen on `$PORT`.
"""

from fairway.core.detect.candidates import ASIDE, Candidate
from fairway.core.detect.findings import Note
from fairway.core.detect.frameworks import Framework
from fairway.core.detect.hints import SCRIPTED
from fairway.core.detect.services import Project, ServiceUse, build_services
from fairway.core.detect.sources import Finding, join

__all__ = ["find_other_server"]

# What is called to serve, by its dotted name or, after a dot, by the method's name.
SERVING = (
    ("aiohttp.web.run_app", "aiohttp"),
    ("cherrypy.quickstart", "CherryPy"),
    ("nicegui.ui.run", "NiceGUI"),
    ("panel.serve", "Panel"),
    ("tornado.ioloop.IOLoop.current", "Tornado"),
    ("http.server.HTTPServer", "http.server"),
    ("http.server.ThreadingHTTPServer", "http.server"),
    ("socketserver.TCPServer", "socketserver"),
    ("wsgiref.simple_server.make_server", "wsgiref"),
    ("bottle.run", "Bottle"),
)


def find_other_server(project: Project) -> tuple[ServiceUse, ...]:
    """The one program that serves, as a `command`; nothing where there is none."""
    found = _started(project) or _serving(project)
    if found is None:
        return ()
    path, finding, framework = found
    root = project.layout.project_of(path)
    inside = path[len(root) + 1 :] if root else path
    candidate = Candidate(
        path=path,
        name="",
        framework=Framework(framework, "command"),
        finding=finding,
        root=root,
        target=f"python {inside}",
        project=root,
    )
    (made,) = build_services(project, (("web", candidate),))
    if any(read.name == "PORT" for read in project.reads):
        return (made,)
    mend = 'Listen on int(os.environ["PORT"]).'
    note = Note("untold", finding.where, "The code does not read the variable PORT.", mend)
    return (ServiceUse(made.service, made.nodes, (*made.notes, note)),)


def _started(project: Project) -> tuple[str, Finding[str], str] | None:
    """A Python file that the Dockerfile, Procfile or compose file starts as `web`."""
    for one in project.hints.started:
        plain = one.launch.kind == "python" and one.launch.target.endswith(".py")
        if not plain or one.weight < SCRIPTED or one.service not in {"", "web", "app"}:
            continue
        path = join(one.folder, one.launch.folder, one.launch.target)
        if path in project.trees:
            return path, one.finding, "Python"
    return None


def _serving(project: Project) -> tuple[str, Finding[str], str] | None:
    for path, tree in sorted(project.trees.items(), key=lambda item: (item[0].count("/"), item[0])):
        if ASIDE.search(path):
            continue
        for call in tree.calls:
            name = tree.dotted(call.func)
            for known, framework in SERVING:
                if name == known:
                    return path, tree.finding(name, call), framework
            if name.endswith(".launch") and tree.uses("gradio"):
                return path, tree.finding(name, call), "Gradio"
    return None
