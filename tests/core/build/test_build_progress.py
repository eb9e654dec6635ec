"""What a build is at, from what BuildKit prints."""

from collections.abc import Iterable, Iterator

from fairway.core.build.progress import Steps

PRINTED = """\
#1 [internal] load build definition from Dockerfile
#1 sha256:b361322b
#1 transferring dockerfile: 2.31kB done
#1 DONE 0.3s

#4 [stage-1 1/6] FROM docker.io/library/python:3.13-slim
#4 sha256:dfc53363
#4 DONE 0.0s

#8 [build  3/11] RUN ["uv", "venv", "/opt/venv"]
#8 sha256:c4227f2b
#8 CACHED

#13 [build  7/11] COPY [pyproject.toml, uv.lock, /app/]
#13 DONE 0.2s

#14 [build  8/11] RUN --mount=type=cache,target=/root/.cache/uv ["uv", "sync", "--frozen"]
#14 sha256:26e74c4f
#14 3.135 Installed 33 packages in 2.04s
#15 [page-0 3/5] RUN npm   run build
#14 7.527  + uvicorn==0.54.0
#15 DONE 4.0s
#14 DONE 7.6s

#16 [2/2] RUN ["python", "-c", "print(1)"]
#16 DONE 0.1s

#17 [build 9/11] RUN ["npm", "run", "build", "--prefix", "frontend", "--", "--outDir", "static"]
#17 DONE 0.1s
""".splitlines()


def told(lines: Iterable[str]) -> Iterator[str]:
    steps = Steps()
    return (step for line in lines if (step := steps.after(line)))


def test_what_runs_is_told_when_it_does_and_nothing_of_what_is_cached() -> None:
    assert list(told(PRINTED)) == [
        "8/11 uv sync --frozen",
        "3/5 npm run build",
        "2/2 python -c …",
        "9/11 npm run build --prefix frontend -- --outDir static",
    ]


def test_a_step_is_told_before_it_has_ended() -> None:
    assert next(told(iter(PRINTED))) == "8/11 uv sync --frozen"


def test_a_long_command_is_cut() -> None:
    (step,) = told([f"#1 [a 1/1] RUN pip install {'x' * 99}", "#1 DONE"])
    assert (len(step), step[-1]) == (len("1/1 ") + 72, "…")


def test_other_lines_tell_nothing() -> None:
    assert list(told(["", "Step 3/9 : RUN x", "#", "#x [a 1/2] RUN y", "CACHED"])) == []
