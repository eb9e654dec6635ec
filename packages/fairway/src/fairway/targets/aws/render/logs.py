"""Log groups: encrypted, kept for a time, never for ever."""

from fairway.targets.aws.render.template import Draft, Value

__all__ = ["add_log_group"]

# What CloudWatch Logs can keep, in days (PutRetentionPolicy, 2026-11).
RETENTIONS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731)


def add_log_group(draft: Draft, id_: str, name: str, key: Value, days: int) -> Value:
    """Add a group that keeps its lines for `days`, or the next longer time that there is."""
    kept = next((each for each in RETENTIONS if each >= days), RETENTIONS[-1])
    return draft.add(
        id_,
        "AWS::Logs::LogGroup",
        {"KmsKeyId": key, "LogGroupName": name, "RetentionInDays": kept},
    )
