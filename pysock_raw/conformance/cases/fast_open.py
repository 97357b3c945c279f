"""MSG_FASTOPEN, with which a send connects first (tcp(7) TCP_FASTOPEN): it looks at the address and waits as connect
does."""

from __future__ import annotations

from collections.abc import Callable

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, error, success
from pysock_raw.conformance.kinds import TCP, Address, connected, inet, listener
from pysock_raw.conformance.messages import message
from pysock_raw.conformance.waits import PATIENCE, limited

#: How a byte is sent to an address.
SENDING: dict[str, Callable[[Backend, int, Address], int]] = {
    "sendto": lambda c, fd, to: c.sendto(fd, b"x", 1, c.MSG_FASTOPEN, *to),
    "sendmsg": lambda c, fd, to: c.sendmsg(fd, message(c, b"x", to=to), c.MSG_FASTOPEN),
}
SOURCE = "an experiment: tcp_sendmsg_fastopen, __inet_stream_connect"

#: id, what it shows, the address, the errno
ADDRESSES: list[tuple[str, str, Callable[[Backend], Address], str]] = [
    ("short-address", "an address without a family is refused before the connection is seen, as connect does it",
     lambda c: (inet(c, c.INADDR_LOOPBACK, 9)[0], 1), "EINVAL"),
    ("unspecified-family", "what dissolves a connection with connect sends nothing",
     lambda c: (c.sockaddr_in(sin_family=c.AF_UNSPEC), 16), "EOPNOTSUPP"),
    ("address", "any other address is one too many for a socket that is connected",
     lambda c: inet(c, c.INADDR_LOOPBACK, 9), "EISCONN"),
]  # fmt: skip


def _connected(call: str, id: str, shows: str, address: Callable[[Backend], Address], errno: str) -> None:
    @case(f"{call}/tcp/fast-open-{id}", f"MSG_FASTOPEN: {shows}", error(errno, SOURCE), needs=["linux"])
    def _(c: Backend, box: Box) -> None:
        ours, _ = connected(c, TCP)
        SENDING[call](c, ours, address(c))


def _settimeout(call: str) -> None:
    @case(
        f"{call}/tcp/fast-open-settimeout",
        f"{call} with MSG_FASTOPEN waits for the connection, however long the limit is",
        success("tcp(7) TCP_FASTOPEN", result=1),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        _, address = listener(c, TCP)
        ours = TCP.socket(c)
        limited(c, ours, PATIENCE)
        SENDING[call](c, ours, address)

    @case(
        f"{call}/tcp/fast-open-after-settimeout",
        f"{call} with MSG_FASTOPEN on a socket whose connect had a limit: it is connected",
        error("EISCONN", SOURCE, observed=0),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> int:
        _, address = listener(c, TCP)
        ours = TCP.socket(c)
        limited(c, ours, PATIENCE)
        connected = c.connect(ours, *address)
        SENDING[call](c, ours, address)
        return connected


for _call in SENDING:
    for _row in ADDRESSES:
        _connected(_call, *_row)
    _settimeout(_call)
