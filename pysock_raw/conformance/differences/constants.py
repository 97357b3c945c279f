"""Differences in names: constants of C's headers that the standard library lacks.

A program that asks for one ends with an AttributeError in front of a call: that is the pair.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from pysock_raw.conformance.differences.difference import Difference, raised
from pysock_raw.conformance.pairs import Pair
from pysock_raw.constants import GROUPS

LACKED = re.compile(r"Lacking: the \w+ side has no (\w+): socket, select, fcntl, os and errno lack it")


@dataclass(frozen=True)
class Names:
    id: str
    prefix: str
    what: str
    since: str
    """Which names Python got after 3.10, or a word on what it has."""
    evidence: str
    until: str = ""
    """The last CPython that lacks one of them."""


NAMES = (
    Names("socket-names-of-families", "AF_", "address families", "AF_LOCAL is there as AF_UNIX alone.",
          "socket/local/name-of-the-family"),
    Names("socket-names-of-types", "SOCK_", "types of sockets",
          "Of those in the headers SOCK_DCCP and SOCK_PACKET are missing.", "socket/local/name-of-the-type"),
    Names("socket-names-of-protocols", "IPPROTO_", "protocols", "IPPROTO_MPTCP is there.",
          "socket/udp/name-of-the-protocol"),
    Names("setsockopt-names-of-levels", "SOL_", "levels of options", "SOL_IPV6 is there as IPPROTO_IPV6 alone.",
          "setsockopt/tcp6/name-of-the-level"),
    Names("setsockopt-names-of-socket-options", "SO_", "options of all sockets",
          "SO_INCOMING_CPU came with 3.11, SO_BINDTOIFINDEX with 3.13.", "setsockopt/udp/name-of-a-socket-option"),
    Names("setsockopt-names-of-ip-options", "IP_", "options of IPv4",
          "IP_BIND_ADDRESS_NO_PORT came with 3.11, IP_PKTINFO and IP_BLOCK_SOURCE with 3.12, IP_FREEBIND and "
          "IP_RECVERR with 3.14.", "setsockopt/udp/name-of-an-ip-option"),
    Names("setsockopt-names-of-ipv6-options", "IPV6_", "options of IPv6",
          "IPV6_RECVERR came with 3.14, IPV6_HDRINCL with 3.15.", "setsockopt/udp6/name-of-an-ipv6-option"),
    Names("setsockopt-names-of-tcp-options", "TCP_", "options of TCP",
          "Nineteen, TCP_FASTOPEN_CONNECT, TCP_INQ and TCP_ULP among them, came with 3.12.",
          "setsockopt/tcp/name-of-a-tcp-option"),
    Names("setsockopt-names-of-udp-options", "UDP_", "options of UDP", "It has none of them.",
          "setsockopt/udp/name-of-a-udp-option"),
    Names("recv-names-of-flags", "MSG_", "flags of calls that send and receive",
          "Of those in the headers MSG_WAITFORONE, MSG_BATCH, MSG_ZEROCOPY, MSG_PROXY, MSG_TRYHARD, MSG_SYN, MSG_FIN "
          "and MSG_RST are missing.", "recv/udp/name-of-the-flag"),
    Names("sendmsg-names-of-control-messages", "SCM_", "control messages",
          "SCM_RIGHTS and SCM_CREDENTIALS are there.", "sendmsg/udp/name-of-the-control-message"),
    Names("bind-names-of-addresses", "INADDR_", "IPv4 addresses", "INADDR_ALLHOSTS_GROUP is there.",
          "bind/udp/name-of-the-address"),
    Names("poll-names-of-events", "POLL", "events", "PyPy lacks POLLRDHUP and POLLWRBAND too.",
          "poll/local/name-of-the-event"),
    Names("fcntl-names-of-commands", "F_", "commands and seals of fcntl",
          "Of those that pysock_raw has F_SEAL_FUTURE_WRITE alone is missing, until 3.13 brought it.",
          "fcntl/local/name-of-the-seal", until="3.12"),
    Names("getpeername-names-of-lengths", "INET", "lengths of addresses as text",
          "It has neither INET_ADDRSTRLEN nor INET6_ADDRSTRLEN: socket.inet_ntop makes the text itself.",
          "getpeername/tcp/name-of-the-length"),
)  # fmt: skip


def _lacks(prefix: str) -> Callable[[Pair], bool]:
    def recognises(pair: Pair) -> bool:
        lacked = LACKED.match(pair.other["raised"] or "")
        return raised(pair, "Lacking: ") and lacked is not None and lacked[1] in GROUPS[prefix]

    return recognises


ENTRIES: tuple[Difference, ...] = tuple(
    Difference(
        id=names.id,
        title=f"names of {names.what} ({names.prefix}...): C's headers have more than Python's modules",
        c="The headers name what the kernel knows.",
        python=f"AttributeError for a name that the modules were not taught. {names.since}",
        why="socketmodule.c (PyInit__socket, from 3.12 on socket_exec) and selectmodule.c (_select_exec) add constants "
        "one by one",
        no_recipe="write the number of the headers, which pysock-raw constants lists",
        evidence=names.evidence,
        predicate=_lacks(names.prefix),
        until=names.until,
        no_fallback=True,
    )
    for names in NAMES
)
