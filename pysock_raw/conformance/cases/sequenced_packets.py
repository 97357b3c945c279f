"""AF_UNIX: sequenced packets."""

from __future__ import annotations

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, descriptor, error, success
from pysock_raw.conformance.kinds import (
    LOCAL,
    LOCAL_DGRAM,
    LOCAL_SEQPACKET,
    Kind,
    bound,
    client,
    connected,
    listener,
    must,
)


@case(
    "recv/local-seqpacket/boundaries",
    "packets keep their boundaries and their order, and what does not fit a read is lost",
    success("POSIX.1 Socket Types; unix(7)", result=3, observed=["on", "two", "thr"]),
)
def _(c: Backend, box: Box) -> list[str]:
    ours, theirs = connected(c, LOCAL_SEQPACKET)
    for word in (b"one", b"two", b"three"):
        must(c, c.send(ours, word, len(word), 0))
    found = []
    for room in (2, 10, 3):
        text = bytearray(room)
        found.append(text[: c.recv(theirs, text, room, 0)].decode())
    return found


@case(
    "recv/local-seqpacket/end",
    "an empty packet is received as 0 bytes, just as the end of the connection is",
    success("unix(7); POSIX.1 recv", observed=[0, 5, 0, 0]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[int]:
    ours, theirs = connected(c, LOCAL_SEQPACKET)
    must(c, c.send(ours, b"", 0, 0))
    must(c, c.send(ours, b"after", 5, 0))
    must(c, c.shutdown(ours, c.SHUT_WR))
    return [c.recv(theirs, bytearray(5), 5, 0) for _ in range(4)]


@case(
    "accept/local-seqpacket/before-accept",
    "packets that were sent before accept wait in the queue of the new socket",
    descriptor("unix(7); POSIX.1 accept", observed="early"),
)
def _(c: Backend, box: Box) -> str:
    server, address = listener(c, LOCAL_SEQPACKET)
    must(c, c.send(client(c, LOCAL_SEQPACKET, address), b"early", 5, 0))
    theirs, text = c.accept(server, None, None), bytearray(5)
    must(c, c.recv(theirs, text, 5, 0))
    return text.decode()


def _other_type(kind: Kind, path_of: Kind) -> None:
    @case(
        f"connect/{kind.name}/path-of-{path_of.name}",
        "a path leads to a socket of one type, and connects that alone",
        error("EPROTOTYPE", "POSIX.1 connect; unix(7)"),
    )
    def _(c: Backend, box: Box) -> None:
        _, address = bound(c, path_of) if path_of.type == "SOCK_DGRAM" else listener(c, path_of)
        c.connect(kind.socket(c), *address)


for _kind, _owner in (
    (LOCAL_SEQPACKET, LOCAL),
    (LOCAL_SEQPACKET, LOCAL_DGRAM),
    (LOCAL, LOCAL_SEQPACKET),
    (LOCAL_DGRAM, LOCAL_SEQPACKET),
    (LOCAL_DGRAM, LOCAL),
):
    _other_type(_kind, _owner)
