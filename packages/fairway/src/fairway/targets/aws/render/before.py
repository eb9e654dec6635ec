"""The stack of migrations: what runs once before a release, with the new image (`before`).

Tasks only: whoever deploys starts each once, after this stack and before the services' own, and
goes on when it ended well.
"""

from fairway.core import names
from fairway.core.spec.model import App
from fairway.targets.aws.render.ground import Ground
from fairway.targets.aws.render.reach import add_reach
from fairway.targets.aws.render.tasks import add_task
from fairway.targets.aws.render.template import Stack, ref

__all__ = ["before"]


def before(app: App, ground: Ground) -> Stack:
    """Render it."""
    for service in app.programs.values():
        if service.before is None:
            continue
        id_ = names.logical_id(service.name)
        group = add_reach(app, service, ground, id_)
        add_task(app, service, ground, id_, command=service.before)
        ground.draft.give(f"before/{service.name}/group", group)
        ground.draft.give(f"before/{service.name}/task", ref(f"{id_}Task"))
    return ground.draft.stack()
