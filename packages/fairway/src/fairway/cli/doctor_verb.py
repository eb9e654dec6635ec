"""`fairway doctor`."""

import click

from fairway.cli import view

__all__ = ["command"]


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def command(*, as_json: bool) -> int:
    """Say what this machine has and what is missing; exit 1 if something needed is."""
    from fairway.targets.local import diagnosis

    findings = diagnosis.findings()
    if as_json:
        view.data([finding.to_json() for finding in findings])
    else:
        for finding in findings:
            view.finding(
                finding.name,
                finding.detail,
                ok=finding.ok,
                needed=finding.needed,
                mend=finding.mend,
            )
    return 0 if all(finding.ok or not finding.needed for finding in findings) else 1
