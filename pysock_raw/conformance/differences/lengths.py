"""Differences in lengths: of addresses that are given, of room for addresses that come back, of arrays."""

from __future__ import annotations

from collections.abc import Callable

from pysock_raw.conformance.differences import given
from pysock_raw.conformance.differences.addresses import TAKE_AN_ADDRESS, as_family
from pysock_raw.conformance.differences.difference import Difference, raised
from pysock_raw.conformance.differences.pointers import TELL_AN_ADDRESS
from pysock_raw.conformance.pairs import Pair, succeeded

STORAGE = 128
"""sizeof(struct sockaddr_storage)."""


def _address_of(call: str, fits: Callable[[int], bool], words: str, errno: str | None = None) -> Callable[[Pair], bool]:
    """An address of a length that Python cannot give, which C refuses: with this errno, if it is always the same."""

    def recognises(pair: Pair) -> bool:
        length = given.length(pair)
        return (
            pair.call == call
            and isinstance(length, int)
            and fits(length)
            and errno in (None, pair.c["errno"])
            and (pair.c["result"] == -1 or length > 0)  # what a connected stream ignores; 0 bytes are no address at all
            and raised(pair, f"Inexpressible: {words}")
        )

    return recognises


def _negative_room(call: str, errno: str | None = None) -> Callable[[Pair], bool]:
    """A value-result length that is negative as an int, which C refuses: with this errno, if it is always the same."""

    def recognises(pair: Pair) -> bool:
        length = given.length(pair)
        return (
            pair.call == call
            and isinstance(length, dict)
            and length.get("in", 0) >= 2**31
            and errno in (None, pair.c["errno"])
            and raised(pair, "Inexpressible: Python returns addresses, and takes no length for them that could be neg")
        )

    return recognises


def _no_address(pair: Pair) -> bool:
    return (
        pair.call == "sendto"
        and given.length(pair) == 0
        and succeeded(pair.c)
        and raised(pair, "Inexpressible: Python's addresses are whole, and never shorter")
    )


# An address of another family has the length that the kernel refuses, before or after it refuses the family.
SHORT = "bytes(max(addrlen, 2) - 2)"  # an abstract name of that length
FOREIGN = "('0.0.0.0', 0)"

#: call -> the evidence for addresses that are too short
SHORT_ADDRESSES = {
    "bind": "bind/short-address",
    "connect": "connect/short-address",
    "sendto": "sendto/udp/short-address",
    "sendmsg": "sendmsg/udp/short-address",
}
#: call -> the kinds in the ids of the evidence
BY_KIND = {"bind": "", "connect": "", "sendto": "udp/", "sendmsg": "udp/"}
LOCAL_KIND = {"bind": "local", "connect": "local", "sendto": "local-dgram", "sendmsg": "local-dgram"}
REFUSE_MORE_THAN_STORAGE = ("bind", "connect", "sendto")
"""sendmsg cuts a longer address, which is what an address of Python is."""

ENTRIES: tuple[Difference, ...] = (
    *(
        Difference(
            id=f"{call}-negative-length",
            title=f"{call} with a negative length: C says EINVAL, Python gives the length itself",
            c="-1 with EINVAL: the kernel reads the length as an int.",
            python="An address has no length: the method works it out.",
            why="getsockaddrarg in socketmodule.c sets the length from the family",
            no_recipe="no address of Python has a negative length",
            evidence=f"{call}/{BY_KIND[call]}negative-length",
            predicate=_address_of(
                call, lambda length: length < 0, "Python's addresses have no length of their own", "EINVAL"
            ),
        )
        for call in TAKE_AN_ADDRESS
    ),
    *(
        Difference(
            id=f"{call}-longer-than-storage",
            title=f"{call} with more than sockaddr_storage: C says EINVAL, Python gives the length itself",
            c="-1 with EINVAL: the kernel copies at most 128 bytes (move_addr_to_kernel).",
            python="An address has no length: the method works it out, and it is never beyond the family's structure.",
            why="getsockaddrarg in socketmodule.c sets the length from the family",
            no_recipe="no address of Python is that long",
            evidence=f"{call}/{BY_KIND[call]}too-long-address",
            predicate=_address_of(
                call, lambda length: length > STORAGE, "Python's addresses are never longer", "EINVAL"
            ),
        )
        for call in REFUSE_MORE_THAN_STORAGE
    ),
    *(
        Difference(
            id=f"{call}-longer-than-sockaddr_un",
            title=f"{call} with more than sockaddr_un: C asks the kernel, Python cuts the path at its NUL",
            c="-1 with EINVAL from an AF_UNIX socket, whose addresses have at most 110 bytes (unix_validate_addr); "
            "another says what it says to a foreign family. A connected stream ignores the address that it sends to.",
            python="A path ends before its NUL, and the method gives the length of path and NUL.",
            why="getsockaddrarg in socketmodule.c sets the length from the path",
            recipe=as_family("socket.AF_INET", call, FOREIGN),
            evidence=f"{call}/{LOCAL_KIND[call]}/longer-than-sockaddr_un",
            predicate=_address_of(
                call, lambda length: length <= STORAGE, "Python's addresses are whole, and never longer"
            ),
        )
        for call in TAKE_AN_ADDRESS
    ),
    *(
        Difference(
            id=f"{call}-short-address",
            title=f"{call} with less than the family's structure: C asks the kernel, Python's addresses are whole",
            c="-1 with EINVAL, as the structure is not all there, or EAFNOSUPPORT from a socket of another family. A "
            "connected stream ignores the address of sendto and sendmsg.",
            python="The method fills the whole structure and gives its size.",
            why="getsockaddrarg in socketmodule.c sets the length from the family",
            recipe=as_family("socket.AF_UNIX", call, SHORT),
            evidence=evidence,
            predicate=_address_of(call, lambda length: length >= 0, "Python's addresses are whole, and never shorter"),
        )
        for call, evidence in SHORT_ADDRESSES.items()
    ),
    Difference(
        id="sendto-address-of-0-bytes",
        title="sendto with an address of 0 bytes: C sends to the peer, Python has no such address",
        c="An address of 0 bytes is none, and where there is a peer sendto is send.",
        python="An address has no length, and is always whole.",
        why="sock_sendto and getsockaddrarg in socketmodule.c want an address",
        recipe="sock.send(data, flags)",
        evidence="sendto/local/address-of-0-bytes",
        predicate=_no_address,
    ),
    Difference(
        id="recvmsg-negative-length",
        title="recvmsg with negative room for the address: C says EINVAL, Python makes the room itself",
        c="-1 with EINVAL, before anything is received.",
        python="The address is what the method returns, in room that is always enough.",
        why="sock_recvmsg_guts and getsockaddrlen in socketmodule.c",
        no_recipe="Python takes no length for the address",
        evidence="recvmsg/udp/negative-length",
        predicate=_negative_room("recvmsg", "EINVAL"),
    ),
    *(
        Difference(
            id=f"{call}-negative-length",
            title=f"{call} with negative room for the address: C asks the kernel, Python makes the room itself",
            c="-1 with EINVAL once there is an address to tell; what was taken off a queue for it is lost.",
            python="The address is what the method returns, in room that is always enough.",
            why=f"{function} and getsockaddrlen in socketmodule.c",
            no_recipe="Python takes no length for the address",
            evidence=evidence.replace("null", "negative"),
            predicate=_negative_room(call),
        )
        for call, (function, evidence) in TELL_AN_ADDRESS.items()
    ),
)
