"""Networks that the app's is joined to: each one way, addresses that no other has.

Part of `check.py`. What a block of addresses must be by itself, its reader says.
"""

from collections.abc import Mapping
from typing import TypeAlias

from fairway.core import addresses
from fairway.core.spec.checked import Checked
from fairway.core.spec.entry import Entry, show
from fairway.core.spec.model import Network
from fairway.core.spec.report import Report

__all__ = ["check_networks"]

Entries: TypeAlias = Mapping[str, Entry]

OF_A_PEER = ("region", "role")
THERE = "pcx-"  # a peering that somebody has made and accepted


def check_networks(checked: Checked, report: Report) -> None:
    """Report networks joined in no way or in two, twice, or with addresses of one another."""
    networks = checked.app.networks
    entries = {name: checked.root.find("network", name) for name in networks}
    for name, entry in entries.items():
        _way(name, networks[name], entry, report)
    _twice(networks, entries, report)
    _overlaps(networks, entries, report)


def _way(name: str, network: Network, entry: Entry, report: Report) -> None:
    said = [key for key in ("peer", "transit") if key in entry.table]
    if not said:
        mend = 'Write peer = "vpc-…", or transit = "tgw-…" for a gateway that leads there.'
        report.problem(entry, f"Nothing says how {show(name)} is joined.", mend)
    elif len(said) > 1:
        what = f"`peer` and `transit` both say how {show(name)} is joined."
        report.problem(entry.find("transit"), what, "Keep one of them.")
    for key in OF_A_PEER:
        if key not in entry.table:
            continue
        if said == ["transit"]:
            what = f"A transit gateway has no `{key}` here."
            mend = "Leave it out: it stands in the app's region, and is shared with its account."
            report.problem(entry.find(key), what, mend)
        elif network.peer is not None and network.peer.startswith(THERE):
            mend = 'Leave it out, or name the network itself: peer = "vpc-…".'
            report.problem(entry.find(key), f"A peering that is there needs no `{key}`.", mend)


def _twice(networks: Mapping[str, Network], entries: Entries, report: Report) -> None:
    seen: dict[str, str] = {}
    for name in sorted(networks, key=lambda name: (entries[name].line, name)):
        for key, id_ in (("peer", networks[name].peer), ("transit", networks[name].transit)):
            other = name if id_ is None else seen.setdefault(id_, name)
            if other != name:
                what = f"{id_} is joined by {show(other)} already, on line {entries[other].line}."
                mend = "Put the addresses of both into one of them."
                report.problem(entries[name].find(key), what, mend)


def _overlaps(networks: Mapping[str, Network], entries: Entries, report: Report) -> None:
    blocks = [(block, name) for name, each in networks.items() for block in each.addresses]
    for inner, owner, outer, other in addresses.overlapping(blocks):
        pair = ((inner, owner), (outer, other))
        (first, home), (block, name) = sorted(pair, key=lambda each: entries[each[1]].line)
        what = f"{block} has addresses of {first}, which is in {show(home)}."
        mend = "Each address is in one network: packets know one way."
        report.problem(entries[name].find("addresses"), what, mend)
