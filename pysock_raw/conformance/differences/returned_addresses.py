"""Differences in the addresses that come back."""

from __future__ import annotations

from pysock_raw.conformance.differences.difference import Difference, raised
from pysock_raw.conformance.pairs import Pair


def _without_interface(pair: Pair) -> bool:
    return pair.call == "getsockname" and raised(pair, "Inexpressible: Python tells an interface by its name")


ENTRIES: tuple[Difference, ...] = (
    Difference(
        id="getsockname-address-without-interface",
        title="the name of an AF_PACKET socket without an interface: C tells an index, Python an empty name",
        c="sll_ifindex is 0 for a socket on all interfaces, and -1 for one whose interface is gone (packet(7)).",
        python="The name of the interface is '' for both, and for an index without a name.",
        why="makesockaddr in socketmodule.c asks SIOCGIFNAME for the name of the index, and drops the index",
        no_recipe="Python tells no index",
        evidence="getsockname/packet/no-interface",
        predicate=_without_interface,
    ),
)
