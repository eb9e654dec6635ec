"""Sends a site's files to its bucket: what pages need first, the page itself last.

Files whose names change with their content are kept by browsers; the page is asked for anew.
"""

import mimetypes
from collections.abc import Callable
from pathlib import Path

from fairway.core.pages import TOLD, is_public
from fairway.core.problem import Problem, Problems
from fairway.targets.aws.account import Account

__all__ = ["send"]

PAGE = "index.html"


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
    found = sorted(file for file in folder.rglob("*") if file.is_file())
    files = [file for file in found if is_public(file.relative_to(folder).as_posix())]
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
