"""Differences in sendmsg and recvmsg, and in sendmmsg and recvmmsg, which Python does not have.

What their addresses, buffers and waiting have in common with other calls is in the modules of those themes."""

from __future__ import annotations

from collections.abc import Callable

from pysock_raw.conformance.differences import given
from pysock_raw.conformance.differences.difference import Difference, raised
from pysock_raw.conformance.differences.pointers import null
from pysock_raw.conformance.pairs import Pair

#: call -> the CPython function that makes the structure
STRUCTURES = {"sendmsg": "sock_sendmsg", "recvmsg": "sock_recvmsg_guts"}

#: call -> what Python has instead, its evidence, the recipe
MANY = {
    "sendmmsg": (
        "sendmsg",
        "sendmmsg/udp/second-fails",
        """\
sent = []
for buffers, ancillary, to in messages[:1024]:
    try:
        sent.append(sock.sendmsg(buffers, ancillary, flags, to))
    except OSError:
        if not sent:
            raise
        break
    if sent[-1] < sum(map(len, buffers)):
        break
sent""",
    ),
    "recvmmsg": (
        "recvmsg_into",
        "recvmmsg/udp/wait-for-one",
        """\
wait_for_one = 0x10000  # MSG_WAITFORONE has no name in Python
received = []
for buffers, room in messages:
    later = socket.MSG_DONTWAIT if received and flags & wait_for_one else 0
    try:
        received.append(sock.recvmsg_into(buffers, room, flags & ~wait_for_one | later))
    except OSError:
        if not received:
            raise
        break
received""",
    ),
}


def _null_array(call: str) -> Callable[[Pair], bool]:
    def recognises(pair: Pair) -> bool:
        null_array = pair.call == call and given.message(pair).get("msg_iov", ...) is None
        return null_array and raised(pair, f"Inexpressible: socket.{call} takes its buffers one by one")

    return recognises


def _null_control(pair: Pair) -> bool:
    message = given.message(pair)
    return (
        pair.call == "sendmsg"
        and message.get("msg_control", ...) is None
        and message.get("msg_controllen", 0) > 0
        and pair.c["errno"] in ("EFAULT", "ENOBUFS")
        and raised(pair, "Inexpressible: socket.sendmsg takes control messages one by one")
    )


def _wrong_length(pair: Pair) -> bool:
    return (
        pair.call == "sendmsg"
        and bool(given.message(pair).get("msg_control"))
        and raised(pair, "Inexpressible: socket.sendmsg writes cmsg_len itself")
    )


def _missing(call: str) -> Callable[[Pair], bool]:
    return lambda pair: pair.call == call and raised(pair, f"Inexpressible: socket has no {call}")


ENTRIES: tuple[Difference, ...] = (
    *(
        Difference(
            id=f"{call}-null-structure",
            title=f"{call} with NULL for the msghdr: C asks the kernel, Python has no such structure",
            c="-1 with EFAULT, once the descriptor is found to be a socket, and the flags are not MSG_CMSG_COMPAT.",
            python="What is in the structure are arguments and results of the method.",
            why=f"{function} in socketmodule.c has a msghdr of its own",
            no_recipe="no argument of Python stands for the structure",
            evidence=f"{call}/udp/null",
            predicate=null(call, "msg", f"Inexpressible: socket.{call} takes no pointer to a structure"),
        )
        for call, function in STRUCTURES.items()
    ),
    *(
        Difference(
            id=f"{call}-null-array",
            title=f"{call} with NULL for the array of iovec: C asks the kernel, Python makes the array itself",
            c="-1 with EFAULT, or EMSGSIZE if there are more than 1024 elements; of 0 elements it may be NULL.",
            python="The method takes an iterable of buffers.",
            why=f"{function} in socketmodule.c fills the array",
            no_recipe="no argument of Python stands for the array",
            evidence=f"{call}/udp/null-vector",
            predicate=_null_array(call),
        )
        for call, function in (("sendmsg", "sock_sendmsg_iovec"), ("recvmsg", "sock_recvmsg_into"))
    ),
    Difference(
        id="sendmsg-null-control",
        title="sendmsg with NULL for the control messages: C asks the kernel, Python has no pointer to them",
        c="-1 with EFAULT, or ENOBUFS if msg_controllen is more than an int or net.core.optmem_max.",
        python="The method takes an iterable of control messages.",
        why="sock_sendmsg in socketmodule.c makes the buffer",
        no_recipe="no argument of Python stands for the buffer",
        evidence="sendmsg/udp/null-control",
        predicate=_null_control,
    ),
    Difference(
        id="sendmsg-wrong-cmsg-len",
        title="sendmsg with a wrong cmsg_len: C asks the kernel, Python never writes one",
        c="-1 with EINVAL for less than a header and for more than msg_controllen leaves (cmsg(3)).",
        python="A control message is a tuple of level, type and data, and its length is worked out.",
        why="sock_sendmsg in socketmodule.c calls CMSG_LEN (get_CMSG_LEN)",
        no_recipe="no argument of Python stands for the length",
        evidence="sendmsg/local/cmsg-len-0",
        predicate=_wrong_length,
    ),
    *(
        Difference(
            id=f"{call}-missing",
            title=f"{call}: C handles many messages with one call, Python has one call for each",
            c="One system call for an array; an error after the first message ends it early, and is not its result.",
            python=f"There is no such method; {instead} has to be called for each message.",
            why="sock_methods in socketmodule.c",
            recipe=recipe,
            evidence=evidence,
            predicate=_missing(call),
        )
        for call, (instead, evidence, recipe) in MANY.items()
    ),
)
