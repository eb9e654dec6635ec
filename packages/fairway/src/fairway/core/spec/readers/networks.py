"""Readers of accounts and networks: addresses, ids, a region, a role.

Ids are those of AWS, the only target so far that joins networks.
"""

import re
from typing import Final

from fairway.core import addresses
from fairway.core.spec.entry import Entry, show
from fairway.core.spec.readers.reader import Refusal, Scalar
from fairway.core.spec.readers.text import words

__all__ = ["ACCOUNT", "BLOCKS", "OWN_BLOCK", "PEER", "REGION", "ROLE", "TRANSIT"]

MOST_BLOCKS = 20
LONGEST = 600
NOT_A_BLOCK = 'Write one from /16 to /20: "10.20.0.0/16".'
NOT_BLOCKS = 'Write blocks of addresses: "10.40.0.0/16", or ["10.40.0.0/16", "10.41.0.0/16"].'
HEX = "(?:[0-9a-f]{8}|[0-9a-f]{17})"


def _blocks(entry: Entry) -> tuple[str, ...] | Refusal:
    found = [str(item.value) for item in words(entry) or ()]
    if not found:
        return Refusal(NOT_BLOCKS)
    if len(found) > MOST_BLOCKS:
        return Refusal(
            f"Write at most {MOST_BLOCKS}; one larger block holds several small ones.",
            f"These are {len(found)} blocks.",
        )
    refused = next(filter(None, map(_refused, found)), None)
    if refused is not None:
        return refused
    for inner, _, outer, _ in addresses.overlapping((text, "") for text in found):
        what = f"{inner} lies in {outer}." if inner != outer else f"{inner} stands here twice."
        return Refusal("Write each address once.", what)
    return tuple(found)


def _refused(text: str, mend: str = NOT_BLOCKS) -> Refusal | None:
    """Why a text is no block of private addresses."""
    if addresses.block(f"{text}/32") is not None:
        return Refusal(f'For this address alone, write "{text}/32".', f"{show(text)} has no bits.")
    block = addresses.block(text)
    if block is None:
        return Refusal(mend, f"{show(text)} is not a block of IPv4 addresses.")
    if block != text:
        return Refusal(f'Write "{block}".', f"{show(text)} does not start where its block does.")
    if not addresses.is_private(block):
        *others, last = addresses.PRIVATE
        return Refusal(
            f"Private addresses are those in {', '.join(others)} and {last}.",
            f"{show(text)} holds addresses of the internet.",
        )
    return None


def _own_block(entry: Entry) -> str | Refusal:
    """The block of the app's own network."""
    text = entry.value
    if not isinstance(text, str) or addresses.WRITTEN.fullmatch(text) is None:
        return Refusal(NOT_A_BLOCK)
    refused = _refused(text, NOT_A_BLOCK)
    if refused is not None:
        return refused
    if addresses.bits(text) not in addresses.OWN_BITS:
        few = addresses.bits(text) > max(addresses.OWN_BITS)
        size = "too few addresses" if few else "more addresses than a network may have"
        return Refusal(NOT_A_BLOCK, f"{show(text)} holds {size}.")
    return text


def _known_by(noun: str, pattern: str, example: str, mend: str) -> Scalar[str]:
    """Text of one form."""
    form = re.compile(pattern, re.ASCII)

    def convert(entry: Entry) -> str | Refusal:
        value = entry.value
        is_it = isinstance(value, str) and len(value) <= LONGEST and form.fullmatch(value)
        return str(value) if is_it else Refusal(mend)

    schema = {"type": "string", "pattern": f"^(?:{pattern})$", "maxLength": LONGEST}
    return Scalar(noun, convert, schema, example=f'"{example}"')


BLOCK = {"type": "string", "pattern": f"^(?:{addresses.WRITTEN.pattern})$"}
BLOCKS: Final = Scalar(
    "a block of addresses or a list of blocks",
    _blocks,
    {"anyOf": [BLOCK, {"type": "array", "items": BLOCK, "minItems": 1, "maxItems": MOST_BLOCKS}]},
    example='"10.40.0.0/16"',
)
OWN_BLOCK: Final = Scalar(
    "a block of private addresses",
    _own_block,
    {
        "type": "string",
        "pattern": f"^(?:{addresses.WRITTEN.pattern.rpartition('/')[0]}/(?:1[6-9]|20))$",
    },
    example='"10.20.0.0/16"',
)
ACCOUNT: Final = _known_by(
    "the number of an account",
    "[0-9]{12}",
    "222222222222",
    'Write its 12 digits, in quotes: "222222222222".',
)
PEER: Final = _known_by(
    "the id of a network",
    f"(?:vpc|pcx)-{HEX}",
    "vpc-0123456789abcdef0",
    'Write its id, "vpc-" and 17 hexadecimal digits; or that of a peering that is there, "pcx-…".',
)
TRANSIT: Final = _known_by(
    "the id of a transit gateway",
    f"tgw-{HEX}",
    "tgw-0123456789abcdef0",
    'Write its id: "tgw-" and 17 hexadecimal digits.',
)
REGION: Final = _known_by(
    "a region",
    "[a-z]{2}(?:-[a-z]+){1,3}-[0-9]",
    "eu-west-1",
    'Write it as AWS does: "eu-west-1".',
)
ROLE: Final = _known_by(
    "a role of another account",
    r"arn:aws(?:-[a-z]+)*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]{1,512}",
    "arn:aws:iam::222222222222:role/accepts-peering",
    'Write its ARN: "arn:aws:iam::222222222222:role/accepts-peering".',
)
