"""Too little room: recv of 0 bytes, which takes a datagram like any other receive, and what shows that it did; lengths
that are told beyond what was written."""

from __future__ import annotations

from collections.abc import Callable

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, error, success
from pysock_raw.conformance.kinds import must, pair, set_option


def _dropped(c: Backend, *messages: bytes) -> tuple[int, int]:
    """The ends of a pair, of which the first has sent these datagrams, and the second has received the first one with
    room for nothing."""
    one, other = pair(c, c.SOCK_DGRAM)
    for message in messages:
        must(c, c.send(one, message, len(message), 0))
    must(c, c.recv(other, bytearray(1), 0, 0))
    return one, other


@case(
    "recv/local-dgram/length-of-the-next",
    "room for nothing, MSG_PEEK and MSG_TRUNC tell how long the next datagram is",
    success("recv(2) MSG_PEEK, MSG_TRUNC", result=10),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    one, other = pair(c, c.SOCK_DGRAM)
    must(c, c.send(one, b"0123456789", 10, 0))
    c.recv(other, None, 0, c.MSG_PEEK | c.MSG_TRUNC)


@case(
    "recv/local-dgram/the-one-after-nothing",
    "recv with room for nothing has taken the first of two datagrams: there is one more",
    error("EAGAIN", "POSIX.1 recv: a message is consumed whole", observed="two"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> str:
    (_, other), room = _dropped(c, b"one", b"two"), bytearray(3)
    c.recv(other, room, 3, c.MSG_DONTWAIT)
    c.recv(other, bytearray(3), 3, c.MSG_DONTWAIT)
    return room.decode()


@case(
    "poll/local-dgram/after-nothing",
    "recv with room for nothing has taken the only datagram: poll finds no more",
    success("POSIX.1 recv: a message is consumed whole"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    _, other = _dropped(c, b"one")
    c.poll(c.pollfd(fd=other, events=c.POLLIN), 1, 0)


@case(
    "send/local-dgram/after-nothing",
    "recv with room for nothing makes room for one more datagram in a queue that is full",
    success("POSIX.1 recv: a message is consumed whole", result=1),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    one, other = pair(c, c.SOCK_DGRAM)
    while c.send(one, b"x", 1, c.MSG_DONTWAIT) == 1:
        pass
    must(c, c.recv(other, bytearray(1), 0, 0))
    c.send(one, b"x", 1, c.MSG_DONTWAIT)


# --- a length beyond the room ---


def _cut(call: str, receive: Callable[[Backend, int, bytearray], int]) -> None:
    @case(
        f"{call}/local-dgram/longer-than-its-room",
        "MSG_TRUNC tells how long a datagram was, and writes no more than there is room for",
        success("recv(2) MSG_TRUNC", result=10, observed="0..."),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> str:
        (one, other), room = pair(c, c.SOCK_DGRAM), bytearray(b"....")
        must(c, c.send(one, b"0123456789", 10, 0))
        receive(c, other, room)
        return room.decode()


_cut("recv", lambda c, fd, room: c.recv(fd, room, 1, c.MSG_TRUNC))
_cut("recvfrom", lambda c, fd, room: c.recvfrom(fd, room, 1, c.MSG_TRUNC, None, None))


@case(
    "getsockopt/netlink/longer-than-its-room",
    "NETLINK_LIST_MEMBERSHIPS tells how long it is, and writes no more than there is room for",
    success("netlink(7); an experiment: netlink_getsockopt", observed=[True, "...."]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[bool | str]:
    fd = must(c, c.socket(c.AF_NETLINK, c.SOCK_RAW, 0))
    netlink, add_membership, list_memberships = (
        270,
        1,
        9,
    )  # linux/socket.h, linux/netlink.h: Python has no names for them
    must(c, set_option(c, fd, netlink, add_membership, 1))
    room, length = bytearray(b"........"), c.socklen_t(4)
    c.getsockopt(fd, netlink, list_memberships, room, length)
    return [length.value > 4, room[4:].decode()]
