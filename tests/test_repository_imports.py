"""The import contracts bite: each is broken on purpose, in a small tree of its own."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOUND = {
    "fairway/core/plan.py": "from fairway_runtime import contract",
    "fairway/programs/attended.py": "import subprocess\nfrom fairway.core import plan",
    "fairway/engine/journal.py": "import os\nfrom fairway.core import plan",
    "fairway/targets/aws/render.py": "from fairway.core import plan",
    "fairway/targets/local/balancer/config.py": "from fairway.core import plan",
    "fairway/targets/local/driver.py": "import os\nfrom .balancer import config",
    "fairway/cli/main.py": "import click\nfrom fairway.targets.local import driver",
    "fairway/engine/configuration.py": "import os",
    "fairway_runtime/contract.py": "",
    "fairway_runtime/drain.py": "from fairway_runtime import contract",
}


def verdict(folder: Path, modules: dict[str, str]) -> tuple[int, str]:
    """What lint-imports says of a tree of these modules under the project's contracts."""
    for name, text in modules.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")
    for file in list(folder.rglob("*.py")):
        for parent in file.relative_to(folder).parents[:-1]:
            (folder / parent / "__init__.py").touch()
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"]
    told = subprocess.run(
        [*command, "--config", ROOT / "pyproject.toml"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    return told.returncode, told.stdout


def test_a_sound_tree_breaks_nothing(tmp_path: Path) -> None:
    code, told = verdict(tmp_path, SOUND)
    assert code == 0, told


# A module, what it imports, and how the report names that.
VIOLATIONS = [
    ("fairway/core/a.py", "import subprocess", "fairway.core.a -> subprocess"),
    ("fairway/core/b.py", "import os.path", "fairway.core.b -> os"),
    ("fairway/core/c.py", "def f():\n    import time", "fairway.core.c -> time"),
    ("fairway/core/d.py", "import rich.table", "fairway.core.d -> rich"),
    (
        "fairway/programs/a.py",
        "from fairway.targets import aws",
        "fairway.programs.a -> fairway.targets",
    ),
    ("fairway/core/e.py", "from fairway.engine import journal", "fairway.core.e -> fairway.engine"),
    ("fairway/targets/aws/driver.py", "import glob", "fairway.targets.aws.driver -> glob"),
    # A renderer that reaches the disk through its neighbour.
    ("fairway/targets/aws/render.py", "from . import driver", "aws.render -> fairway.targets.aws"),
    ("fairway/targets/local/balancer/config.py", "import random", "balancer.config -> random"),
    ("fairway/engine/a.py", "from fairway.targets.local import driver", "fairway.engine.a -> fair"),
    ("fairway/engine/b.py", "from fairway.cli import main", "fairway.engine.b -> fairway.cli"),
    ("fairway/engine/c.py", "import click", "fairway.engine.c -> click"),
    ("fairway/engine/d.py", "from fairway_runtime import drain", "fairway.engine.d -> fairway_r"),
    ("fairway/targets/local/a.py", "from fairway.engine import journal", "local.a -> fairway.engi"),
    ("fairway/targets/aws/b.py", "from ..local import driver", "aws.b -> fairway.targets.local"),
    ("fairway/newcomer.py", "", "newcomer"),
    ("fairway_runtime/a.py", "from fairway.core import plan", "fairway_runtime.a -> fairway.core"),
]


def test_each_contract_is_broken_by_what_it_forbids(tmp_path: Path) -> None:
    modules = SOUND | {module: text for module, text, _ in VIOLATIONS}
    code, told = verdict(tmp_path, modules)
    assert code == 1
    assert "0 kept, 6 broken" in told, told
    missed = [expected for _, _, expected in VIOLATIONS if expected not in told]
    assert not missed, told
