"""Networks that the app's is joined to: each one way, addresses that no other has.

Part of `check.py`; what only several environments together show, of `parse.py`. What a block of
addresses must be by itself, its reader says.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from fairway.core import addresses
from fairway.core.spec.checked import Checked
from fairway.core.spec.entry import Entry, show
from fairway.core.spec.model import Network
from fairway.core.spec.report import Report

__all__ = ["check_networks", "note_shared"]

Entries: TypeAlias = Mapping[str, Entry]

OF_A_PEER = ("region", "role")
LOCAL = "local"  # the environment that joins nothing
THERE = "pcx-"  # a peering that somebody has made and accepted


def check_networks(checked: Checked, report: Report) -> None:
    """Report networks joined in no way or in two, twice, or with addresses of one another."""
    networks = checked.app.networks
    entries = {name: checked.root.find("network", name) for name in networks}
    for name, entry in entries.items():
        _way(name, networks[name], entry, report)
    _twice(networks, entries, report)
    _overlaps(networks, entries, report)
    _own(checked, entries, report)


def note_shared(environments: Sequence[Checked]) -> Mapping[str, Report]:
    """Environment -> notes of networks that another one joins with the same addresses.

    A network there has one way back to an address: of two environments it answers one.
    """
    joining: dict[str, list[tuple[Checked, str]]] = {}
    for checked in environments:
        if checked.app.environment != LOCAL:
            for name, network in checked.app.networks.items():
                joining.setdefault(network.peer or network.transit or "", []).append(
                    (checked, name)
                )
    found: dict[str, Report] = {}
    for id_, members in joining.items():
        if len(members) < 2 or id_.startswith(THERE) or not id_:
            continue
        for checked, name in _alike(members):
            report = found.setdefault(checked.app.environment, Report())
            what = (
                f"{show(name)} can answer one environment only: another one that joins it has "
                f"addresses of {checked.app.addresses} too."
            )
            mend = 'Give each its own: [environment.staging] addresses = "10.20.0.0/16".'
            report.note(checked.root.find("network", name), what, mend)
    return found


def _alike(members: Sequence[tuple[Checked, str]]) -> Iterable[tuple[Checked, str]]:
    """Those whose own addresses another of them has too."""
    for checked, name in members:
        others = (other.app.addresses for other, _ in members if other is not checked)
        if any(addresses.overlaps(checked.app.addresses, each) for each in others):
            yield checked, name


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


def _own(checked: Checked, entries: Entries, report: Report) -> None:
    """Report blocks with addresses of the app's own network, where the later of both stands."""
    mine = checked.app.addresses
    own = checked.root.table.get("addresses")
    for name, network in checked.app.networks.items():
        at = entries[name].find("addresses")
        for block in network.addresses:
            if not addresses.overlaps(block, mine):
                continue
            if own is not None and own.line > at.line:
                what = f"{mine} has addresses of {block}, which is in {show(name)}."
                report.problem(own, what, "Write a block beside those that are joined.")
            else:
                what = f"{block} has addresses of the app's own network, {mine}."
                mend = 'Write others, or move the app: addresses = "10.20.0.0/16" above all tables.'
                report.problem(at, what, mend)
