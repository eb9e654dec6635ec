"""`fairway-runtime audit`: verify an audit log, and export its months.

Exit codes: 0 intact, 1 not intact or nothing to export, 2 for a log or key that can't be used.
What it finds goes to stdout, a fault a line; errors are sentences on stderr.
"""

import argparse
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from fairway_runtime import contract

if TYPE_CHECKING:
    from fairway_runtime.audit import AuditLog
    from fairway_runtime.audit_chain import Head, Report

__all__ = ["declare", "run"]


def declare(audit: argparse.ArgumentParser) -> None:
    """Declare `audit verify` and `audit export`."""
    verbs = audit.add_subparsers(dest="verb", required=True)
    verify = verbs.add_parser("verify", help="read it all and say what is wrong")
    verify.add_argument("--head", metavar="N:HASH", help="of an earlier verification: is it there?")
    export = verbs.add_parser("export", help="put a month into a bucket")
    export.add_argument("--month", required=True, metavar="2026-11", help="in UTC")
    export.add_argument("--bucket", required=True, help="an S3 bucket (needs boto3)")
    export.add_argument("--prefix", default="audit/", help="of the object's key (default: audit/)")
    for verb in (verify, export):
        verb.add_argument(
            "file", nargs="?", help=f"the log (default: the table in ${contract.DATABASE_URL})"
        )
        verb.add_argument("--table", default="audit_log", help="(default: audit_log)")


def run(options: argparse.Namespace, env: Mapping[str, str], say: Callable[[str], object]) -> int:
    """Do what `options` ask for, `say` what was found, and return the exit code.

    Raises `ValueError`, `OSError` or `ImportError` where log, key or bucket can't be used.
    """
    log = _log(options, env)
    if options.verb == "verify":
        return _tell(log.verify(_head(options.head)), say)
    from fairway_runtime.audit_export import Bucket, export_month

    exported = export_month(log, options.month, Bucket(options.bucket), prefix=options.prefix)
    if exported is None:
        say(f"no records of {options.month}")
        return 1
    say(f"{exported.key}: {exported.bytes} bytes, sha256 {exported.sha256}")
    return _tell(exported.report, say)


def _log(options: argparse.Namespace, env: Mapping[str, str]) -> "AuditLog":
    from fairway_runtime.audit import AuditLog

    key = env.get(contract.AUDIT_KEY, "").encode() or None
    if options.file is not None:
        from fairway_runtime.audit_file import FileLedger

        ledger = FileLedger(options.file)
        if not ledger.path.is_file():
            raise ValueError(f"there is no audit log {options.file}")
        return AuditLog(ledger, key=key)
    url = env.get(contract.DATABASE_URL, "")
    if not url.startswith(("postgresql://", "postgres://")):
        raise ValueError(f"name a file, or set {contract.DATABASE_URL} to a postgresql:// URL")
    from fairway_runtime.audit_postgres import PostgresLedger

    return AuditLog(PostgresLedger(url, table=options.table), key=key)


def _head(text: str | None) -> "Head | None":
    if text is None:
        return None
    from fairway_runtime.audit_chain import Head

    number, _, digest = text.partition(":")
    if not number.isdigit() or len(digest) != 64:
        raise ValueError(f"--head {text!r} is not a number, a colon and 64 digits")
    return Head(int(number), digest)


def _tell(report: "Report", say: Callable[[str], object]) -> int:
    for fault in report.faults:
        say(f"fault: {fault}")
    for torn in report.torn:
        after = "a later record tells of them" if torn.is_told else "at the log's end"
        say(f"torn: line {torn.line}: {torn.length} bytes of an interrupted append, {after}")
    state = "intact" if report.is_intact else "NOT INTACT"
    say(f"{state}: {report.records} records, head {report.head.sequence}:{report.head.hash}")
    return 0 if report.is_intact else 1
