"""The readers that `model.py` names, one for each form that a value of the file can have."""

from fairway.core.spec.readers.alternatives import choice, off_or, one_of, optional
from fairway.core.spec.readers.amounts import GIBIBYTES, MEBIBYTES, RATE, REPLICAS, SHARE, SIZE
from fairway.core.spec.readers.lists import ANYTHING, tables
from fairway.core.spec.readers.networks import (
    ACCOUNT,
    BLOCKS,
    OWN_BLOCK,
    PEER,
    REGION,
    ROLE,
    TRANSIT,
)
from fairway.core.spec.readers.numbers import BOOLEAN, COUNT, NUMBER, PORT, POSITIVE
from fairway.core.spec.readers.reader import UNREADABLE, Reader, Unreadable
from fairway.core.spec.readers.schedule import SCHEDULE
from fairway.core.spec.readers.sentences import CANARY_STEPS, DURATION_THRESHOLD, SHARE_THRESHOLD
from fairway.core.spec.readers.table import mapping, nodes, table
from fairway.core.spec.readers.text import (
    ADDRESSES,
    COMMAND,
    NAME,
    NODES,
    OBJECT,
    OBJECTS,
    PATH,
    REPOSITORY,
    TEXT,
    URL,
    URL_PATH,
    URL_PATHS,
)
from fairway.core.spec.readers.times import DURATION, DURATION_OR_ZERO, TIME_OF_DAY
from fairway.core.spec.readers.variables import VARIABLES

__all__ = [
    "ACCOUNT",
    "ADDRESSES",
    "ANYTHING",
    "BLOCKS",
    "BOOLEAN",
    "CANARY_STEPS",
    "COMMAND",
    "COUNT",
    "DURATION",
    "DURATION_OR_ZERO",
    "DURATION_THRESHOLD",
    "GIBIBYTES",
    "MEBIBYTES",
    "NAME",
    "NODES",
    "NUMBER",
    "OBJECT",
    "OBJECTS",
    "OWN_BLOCK",
    "PATH",
    "PEER",
    "PORT",
    "POSITIVE",
    "RATE",
    "REGION",
    "REPLICAS",
    "REPOSITORY",
    "ROLE",
    "SCHEDULE",
    "SHARE",
    "SHARE_THRESHOLD",
    "SIZE",
    "TEXT",
    "TIME_OF_DAY",
    "TRANSIT",
    "UNREADABLE",
    "URL",
    "URL_PATH",
    "URL_PATHS",
    "VARIABLES",
    "Reader",
    "Unreadable",
    "choice",
    "mapping",
    "nodes",
    "off_or",
    "one_of",
    "optional",
    "table",
    "tables",
]
