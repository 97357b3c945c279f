"""Differences in the order of checks: what Python asks the kernel before it makes the call itself, to have a socket
object for the descriptor."""

from __future__ import annotations

from collections.abc import Callable

from pysock_raw.conformance.differences.difference import Difference, raised
from pysock_raw.conformance.differences.history import maker
from pysock_raw.conformance.differences.lengths import STORAGE
from pysock_raw.conformance.pairs import Pair


def _made_nameless(pair: Pair) -> bool:
    """Whether the socket is of a family without getsockname."""
    made = maker(pair)
    return made is not None and made.argument("domain") in NAMELESS


def _connects_nowhere(pair: Pair, errno: str) -> bool:
    """What connect refuses for its address, and Python for the descriptor, which it has asked for its name."""
    if pair.call != "connect" or pair.c["errno"] != errno:
        return False
    return pair.other["errno"] == "ENOTSOCK" or (pair.other["errno"] == "EOPNOTSUPP" and _made_nameless(pair))


def _null_first(pair: Pair) -> bool:
    return pair.argument("addr") is None and _connects_nowhere(pair, "EFAULT")


def _length_first(pair: Pair) -> bool:
    length = pair.argument("addrlen")
    return isinstance(length, int) and not 0 <= length <= STORAGE and _connects_nowhere(pair, "EINVAL")


def _name_asked_first(call: str) -> Callable[[Pair], bool]:
    def recognises(pair: Pair) -> bool:
        return pair.call == call and pair.other["errno"] == "EOPNOTSUPP" != pair.c["errno"] and _made_nameless(pair)

    return recognises


NAMELESS = ("AF_XDP", 44, "AF_ALG", "AF_KEY")  # 44 where there are no headers to name it
"""Families whose sockets have sock_no_getname (net/xdp/xsk.c, crypto/af_alg.c, net/key/af_key.c)."""

#: A family that is given is not asked for.
AS_GIVEN = """\
told = socket.socket(socket.AF_INET, socket.SOCK_RAW, 0, fileno=fd)
try:
    value = told.{}
finally:
    told.detach()
value"""

#: call -> its recipe. Of the families that have no getsockname AF_ALG alone accepts, and tells no address either
#: (sock_accept_impl asks for none, if the object is one of AF_ALG).
ASK_FIRST = {
    "setsockopt": AS_GIVEN.format("setsockopt(level, optname, data)"),
    "bind": AS_GIVEN.format("bind(address)"),
    "accept": AS_GIVEN.format("accept()").replace("AF_INET", "AF_ALG"),
    "accept4": AS_GIVEN.format("accept()").replace("AF_INET", "AF_ALG"),
    "getsockopt": AS_GIVEN.format("getsockopt(level, optname, optlen.value)"),
    "close": "os.close(fd)",
    "send": AS_GIVEN.format("send(data, flags)"),
    "recv": AS_GIVEN.format("recv_into(view, 0, flags)"),
    "sendto": AS_GIVEN.format("sendto(data, flags, address)"),
    "recvfrom": AS_GIVEN.format("recvfrom_into(view, 0, flags)[0]"),
    "sendmsg": AS_GIVEN.format("sendmsg(buffers, ancillary, flags, address)"),
    "recvmsg": AS_GIVEN.format("recvmsg_into(buffers, room, flags)"),
}


def _flag_first(call: str) -> Callable[[Pair], bool]:
    def recognises(pair: Pair) -> bool:
        flags = pair.argument("flags")
        compat = pair.call == call and isinstance(flags, int) and flags < 0 and pair.c["errno"] == "EINVAL"
        looked_up = pair.other["errno"] in ("EBADF", "ENOTSOCK") or raised(pair, "ValueError: negative file")
        return compat and looked_up

    return recognises


MESSAGES = ("sendmsg", "recvmsg")

ENTRIES: tuple[Difference, ...] = (
    Difference(
        id="connect-null-before-no-socket",
        title="connect with NULL on what is no socket: C says EFAULT, Python ENOTSOCK",
        c="The address is copied before the descriptor is found to be no socket.",
        python="The descriptor is asked for its name first, to make a socket object of it.",
        why="sock_initobj in socketmodule.c calls getsockname",
        no_recipe="no address of Python stands for NULL",
        evidence="connect/no-socket-null-address",
        predicate=_null_first,
    ),
    Difference(
        id="connect-length-before-no-socket",
        title="connect with an impossible length on what is no socket: C says EINVAL, Python ENOTSOCK",
        c="The length is looked at before the descriptor is found to be no socket.",
        python="The descriptor is asked for its name first, to make a socket object of it.",
        why="sock_initobj in socketmodule.c calls getsockname",
        no_recipe="no address of Python has such a length",
        evidence="connect/no-socket-negative-length",
        predicate=_length_first,
    ),
    *(
        Difference(
            id=f"{call}-name-asked-first",
            title=f"{call} on a socket that cannot tell its name: C makes the call, Python says EOPNOTSUPP",
            c="The call is made; some families, as AF_XDP and AF_ALG, have no getsockname.",
            python="EOPNOTSUPP from socket.socket(fileno=fd), which asks for the name to learn the family.",
            why="sock_initobj in socketmodule.c calls getsockname unless the family is given",
            recipe=recipe,
            evidence=f"{call}/{'alg' if call.startswith('accept') else 'xdp'}/no-getsockname",
            predicate=_name_asked_first(call),
        )
        for call, recipe in ASK_FIRST.items()
    ),
    *(
        Difference(
            id=f"{call}-flag-before-descriptor",
            title=f"{call} with the kernel's own MSG_CMSG_COMPAT on no socket: C says EINVAL, Python looks at it first",
            c="Bit 31 of the flags is refused before the descriptor is looked up.",
            python="EBADF, ENOTSOCK, or ValueError for a negative descriptor, of which there can be no socket object.",
            why="sock_initobj in socketmodule.c calls getsockname",
            recipe=f"socket.socketpair()[0].{call}({arguments})  # any socket: the flags are refused first",
            evidence=f"{call}/closed-descriptor-after-flags",
            predicate=_flag_first(call),
        )
        for call, arguments in zip(MESSAGES, ("[], [], flags", "0, 0, flags"), strict=True)
    ),
)
