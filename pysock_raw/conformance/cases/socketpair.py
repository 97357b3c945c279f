"""socketpair."""

from __future__ import annotations

from typing import Any

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance import machine
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, error, success
from pysock_raw.conformance.kinds import (
    TCP,
    answer,
    must,
)

#: id, what it shows, domain, type, protocol, errno, source
PAIRS: list[tuple[str, str, Any, Any, int, str, str]] = [
    ("tcp/unsupported", "IPv4 makes no pairs", "AF_INET", "SOCK_STREAM", 0, "EOPNOTSUPP", "POSIX.1 socketpair"),
    ("udp/unsupported", "IPv4 makes no pairs", "AF_INET", "SOCK_DGRAM", 0, "EOPNOTSUPP", "POSIX.1 socketpair"),
    ("unknown-domain", "a domain that does not exist", 999, "SOCK_STREAM", 0, "EAFNOSUPPORT", "POSIX.1 socketpair"),
    ("local/unknown-type", "a type that does not exist", "AF_UNIX", 15, 0, "EINVAL", "socket(2)"),
    ("local/type-of-other-family", "a type that AF_UNIX lacks", "AF_UNIX", "SOCK_RDM", 0, "ESOCKTNOSUPPORT",
     "socket(2); unix(7)"),
    ("local/unknown-flags", "a flag in the type that does not exist", "AF_UNIX", 0x1001, 0, "EINVAL", "socket(2)"),
    ("local/foreign-protocol", "a protocol that AF_UNIX lacks", "AF_UNIX", "SOCK_STREAM", 17, "EPROTONOSUPPORT",
     "POSIX.1 socketpair"),
    ("local/negative-protocol", "-1 is no protocol", "AF_UNIX", "SOCK_STREAM", -1, "EPROTONOSUPPORT",
     "an experiment: unix_create in net/unix/af_unix.c; from 6.12 __sock_create refuses it"),
]  # fmt: skip


def _no_pair(id: str, shows: str, domain: Any, type: Any, protocol: int, errno: str, source: str) -> None:
    @case(f"socketpair/{id}", shows, error(errno, source), needs=["linux"])
    def _(c: Backend, box: Box) -> None:
        domain_, type_ = (getattr(c, name) if isinstance(name, str) else name for name in (domain, type))
        c.socketpair(domain_, type_, protocol, (c.c_int * 2)())


for _refused in PAIRS:
    _no_pair(*_refused)


@case("socketpair/local/null", "NULL for the two descriptors", error("EFAULT", "socketpair(2)"), needs=["linux"])
def _(c: Backend, box: Box) -> None:
    c.socketpair(c.AF_UNIX, c.SOCK_STREAM, 0, None)


@case(
    "socketpair/local/room-for-one",
    "a pair needs two descriptors: where one fits, there is none, and the one is free again",
    error("EMFILE", "POSIX.1 socketpair", observed=["EMFILE", True]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    first = TCP.socket(c)
    with machine.descriptors_below(first + 2):
        said = answer(c, c.socketpair(c.AF_UNIX, c.SOCK_STREAM, 0, (c.c_int * 2)()))
        return [said, TCP.socket(c) == first + 1]


@case(
    "socketpair/local/kinds",
    "pairs of streams, datagrams and packets, with protocol 0 or AF_UNIX's own number",
    success("socketpair(2); unix(7)", observed=["one", "one", "one", "one"]),
)
def _(c: Backend, box: Box) -> list[str]:
    heard = []
    for type, protocol in ((c.SOCK_DGRAM, 0), (c.SOCK_SEQPACKET, 0), (c.SOCK_STREAM, 0), (c.SOCK_STREAM, c.AF_UNIX)):
        ends, text = (c.c_int * 2)(), bytearray(3)
        must(c, c.socketpair(c.AF_UNIX, type, protocol, ends))
        must(c, c.send(ends[0], b"one", 3, 0))
        must(c, c.recv(ends[1], text, 3, 0))
        heard.append(text.decode())
    return heard
