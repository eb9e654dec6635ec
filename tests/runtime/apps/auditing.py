"""Appends to an audit log until it is killed: `auditing.py FILE NAME [COUNT]`."""

import sys

from fairway_runtime.audit import AuditLog
from fairway_runtime.audit_file import FileLedger

_, path, name, *rest = sys.argv
log = AuditLog(FileLedger(path, is_safe=False))
count = int(rest[0]) if rest else 1_000_000
for number in range(count):
    head = log.append("plan.save", actor=name, detail={"number": number, "text": "x" * 2000})
    if number % 20 == 0:
        print(head.sequence, flush=True)
