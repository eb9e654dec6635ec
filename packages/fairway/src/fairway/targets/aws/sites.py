"""Builds sites, and sends a site's files to its bucket: what pages need first, the page last.

Files whose names change with their content are kept by browsers; the page is asked for anew.
"""

import mimetypes
import os
from collections.abc import Callable
from pathlib import Path

from fairway.core.build.failure import build_failure
from fairway.core.command_line import exec_words
from fairway.core.pages import TOLD, is_public
from fairway.core.problem import Problem, Problems
from fairway.core.spec.model import App
from fairway.programs.building import Build
from fairway.targets.aws.account import Account
from fairway.targets.aws.decide.progress import Told

__all__ = ["build", "public_files", "send"]

PAGE = "index.html"


def build(app: App, folder: Path, tell: Callable[[Told], None]) -> None:
    """Run the sites' builds in the app's folder; raises `Problems` with a build's last lines."""
    for name, site in app.sites.items():
        if site.build is None:
            continue
        where, step = f"site.{name}.build", f"site {name}"
        tell(Told(step, f"builds: {site.build}"))
        build = Build(
            where=where,
            argv=exec_words(site.build),
            folder=folder,
            variables=os.environ,
            tell=lambda text, step=step: tell(Told(step, text)),
        )
        try:
            done = build.run()
        except OSError as error:
            what = f"`{site.build}` cannot be run: {error.strerror}"
            raise Problems([Problem(where, what, "Install what it needs.")], exit_code=1) from None
        if done.code:
            mend = f"Run it in {folder} and mend what it says. Nothing has changed yet."
            failure = build_failure(where, site.build, code=done.code, lines=done.lines, mend=mend)
            raise Problems([failure], exit_code=1)


def public_files(folder: Path) -> list[Path]:
    """The files below `folder` that people may see, sorted."""
    found = sorted(file for file in folder.rglob("*") if file.is_file())
    return [file for file in found if is_public(file.relative_to(folder).as_posix())]


def send(
    account: Account,
    folder: Path,
    bucket: str,
    distribution: str | None,
    *,
    region: str | None,
    told: str,
) -> int:
    """Send the files below `folder` but hidden ones; how many. Raises `Problems` without a page.

    `told` is what pages ask for at /fairway.json, where the folder has no such file.
    """
    if not (folder / PAGE).is_file():
        mend = "Build the site first; its `root` in fairway.toml names the folder."
        raise Problems([Problem(str(folder), f"there is no {PAGE}", mend)])
    files = public_files(folder)
    put = _putting(account, folder, bucket, region)
    for file in files:
        if file != folder / PAGE:
            put(file, {})
    if folder / TOLD not in files:
        account.client("s3", region).put_object(
            Bucket=bucket,
            Key=TOLD,
            Body=told.encode(),
            ContentType="application/json",
            CacheControl="no-cache",
        )
    put(folder / PAGE, {"CacheControl": "no-cache"})
    if distribution is not None:
        account.client("cloudfront").create_invalidation(
            DistributionId=distribution,
            InvalidationBatch={
                "Paths": {"Quantity": 1, "Items": [f"/{PAGE}"]},
                "CallerReference": f"fairway-{(folder / PAGE).stat().st_mtime_ns}",
            },
        )
    return len(files)


def _putting(
    account: Account, folder: Path, bucket: str, region: str | None
) -> Callable[[Path, dict[str, str]], None]:
    s3 = account.client("s3", region)

    def put(file: Path, more: dict[str, str]) -> None:
        kind, _ = mimetypes.guess_type(file.name)
        s3.put_object(
            Bucket=bucket,
            Key=file.relative_to(folder).as_posix(),
            Body=file.read_bytes(),
            ContentType=kind or "application/octet-stream",
            **more,
        )

    return put
