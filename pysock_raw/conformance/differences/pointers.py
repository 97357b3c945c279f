"""Differences in NULL for a pointer."""

from __future__ import annotations

from collections.abc import Callable

from pysock_raw.conformance.differences import given
from pysock_raw.conformance.differences.difference import Difference, raised
from pysock_raw.conformance.pairs import Pair, succeeded


def null(call: str, parameter: str, *words: str) -> Callable[[Pair], bool]:
    """NULL for a parameter, for which Python has no words, or has these."""

    def recognises(pair: Pair) -> bool:
        return pair.call == call and pair.argument(parameter) is None and raised(pair, *words)

    return recognises


def _null_buffer(call: str, *words: str) -> Callable[[Pair], bool]:
    def recognises(pair: Pair) -> bool:
        return pair.call == call and None in given.buffers(pair) and raised(pair, *words)

    return recognises


def _null_address(call: str) -> Callable[[Pair], bool]:
    def recognises(pair: Pair) -> bool:
        return (
            pair.call == call
            and pair.argument("addr") is None
            and pair.c["result"] == -1
            and raised(pair, "TypeError: ")
            and "NoneType" in pair.other["raised"]
        )

    return recognises


def _no_address(pair: Pair) -> bool:
    return (
        pair.call == "sendto"
        and pair.argument("addr") is None
        and succeeded(pair.c)
        and raised(pair, "TypeError: ")
        and "NoneType" in pair.other["raised"]
    )


#: In CPython's words and in PyPy's.
NO_BYTES = (
    "TypeError: a bytes-like object is required, not 'NoneType'",
    "TypeError: a bytes-like object is required, not None",
)

#: A buffer that is as NULL is to C: it has an address, and whoever touches it finds no memory.
NOTHING = """\
import mmap
file = os.memfd_create("nothing")
os.truncate(file, {length})
nothing = mmap.mmap(file, {length})  # without the file's end there is no memory: only the kernel may touch it
os.truncate(file, 0)
os.close(file)
{call}"""

#: call -> what gives it that buffer, the CPython function, the evidence, what Python says
SENDS = {
    "write": ("os.write(fd, nothing)", "os_write_impl in posixmodule.c", "write/tcp/null"),
    "send": ("sock.send(nothing, flags)", "sock_send in socketmodule.c", "send/null"),
    "sendto": ("sock.sendto(nothing, flags, address)", "sock_sendto in socketmodule.c", "sendto/tcp/null"),
    "sendmsg": (
        "sock.sendmsg([nothing], [], flags)",
        "sock_sendmsg_iovec in socketmodule.c",
        "sendmsg/udp/null-base",
    ),
}
RECEIVES = {
    "read": ("os.readv(fd, [nothing])", "os_read_impl in posixmodule.c", "read/tcp/null"),
    "recv": ("sock.recv_into(nothing, 0, flags)", "sock_recv in socketmodule.c", "recv/tcp/null"),
    "recvfrom": (
        "sock.recvfrom_into(nothing, 0, flags)[0]",
        "sock_recvfrom in socketmodule.c",
        "recvfrom/udp/null-buffer",
    ),
    "recvmsg": (
        "sock.recvmsg_into([nothing], 0, flags)",
        "sock_recvmsg in socketmodule.c",
        "recvmsg/udp/null-base",
    ),
}


def _instead_of_null(call: str, code: str) -> str:
    lengths = {"read": "count", "write": "count", "sendmsg": "mmap.PAGESIZE", "recvmsg": "mmap.PAGESIZE"}
    return NOTHING.format(length=lengths.get(call, "len"), call=code)


#: call -> the CPython function that has the length for itself, the evidence
TELL_AN_ADDRESS = {
    "accept": ("sock_accept_impl and makesockaddr", "accept/tcp/null-addrlen"),
    "accept4": ("sock_accept_impl and makesockaddr", "accept4/tcp/null-addrlen"),
    "getsockname": ("sock_getsockname and makesockaddr", "getsockname/tcp/null-length"),
    "getpeername": ("sock_getpeername and makesockaddr", "getpeername/tcp/null-length"),
    "recvfrom": ("sock_recvfrom_impl and makesockaddr", "recvfrom/udp/null-addrlen"),
}

ENTRIES: tuple[Difference, ...] = (
    *(
        Difference(
            id=f"{call}-null-address",
            title=f"{call} with NULL as address: C asks the kernel, Python raises TypeError",
            c="-1 with EBADF, ENOTSOCK or EFAULT, in the kernel's order of checks.",
            python="TypeError before the kernel is asked.",
            why="getsockaddrarg in socketmodule.c wants a tuple or a path",
            no_recipe="no address of Python stands for NULL",
            evidence=evidence,
            predicate=_null_address(call),
        )
        for call, evidence in (
            ("bind", "bind/null"),
            ("connect", "connect/null"),
            ("sendto", "sendto/udp/null-address"),
        )
    ),
    *(
        Difference(
            id=f"{call}-null-buffer",
            title=f"{call} with NULL as buffer: C asks the kernel, Python raises TypeError",
            c="-1 with EFAULT, unless something else is wrong that the kernel looks at first.",
            python="TypeError before the kernel is asked.",
            why=f"{function} takes bytes-like objects only",
            recipe=_instead_of_null(call, code),
            evidence=evidence,
            predicate=_null_buffer(call, *NO_BYTES),
        )
        for call, (code, function, evidence) in SENDS.items()
    ),
    *(
        Difference(
            id=f"{call}-null-buffer",
            title=f"{call} with NULL as buffer: C asks the kernel, Python has no pointer to it",
            c="-1 with EFAULT once there is something to tell; a stream keeps it, a datagram is lost. With MSG_TRUNC "
            "TCP drops the bytes, and needs no buffer for that (tcp(7)).",
            python="What was read is what the method returns, in bytes that it made itself.",
            why=f"{function} has bytes of its own",
            recipe=_instead_of_null(call, code),
            evidence=evidence,
            predicate=_null_buffer(call, f"Inexpressible: os.{call} returns", f"Inexpressible: socket.{call} returns"),
        )
        for call, (code, function, evidence) in RECEIVES.items()
    ),
    *(
        Difference(
            id=f"{call}-null-length",
            title=f"{call} with NULL for the length of the address: C asks the kernel, Python has no pointer to it",
            c="-1 with EFAULT once there is an address to tell; what was taken off a queue for it is lost.",
            python="The address is what the method returns, and its length is Python's own affair.",
            why=f"{function} and makesockaddr in socketmodule.c",
            no_recipe="no argument of Python stands for the length",
            evidence=evidence,
            predicate=null(call, "addrlen", "Inexpressible: Python returns addresses, and takes no pointer to their"),
        )
        for call, (function, evidence) in TELL_AN_ADDRESS.items()
    ),
    *(
        Difference(
            id=f"{call}-null-address",
            title=f"{call} with NULL for the address: C asks the kernel, Python has no pointer to it",
            c="-1 with EFAULT if there is an address, and the length says that there is room for it; a length of 0 "
            "asks for the length alone.",
            python="The address is what the method returns, and it takes no argument at all.",
            why=f"sock_{call} and makesockaddr in socketmodule.c",
            no_recipe="no argument of Python stands for the address",
            evidence=f"{call}/tcp/null-address-with-room",
            predicate=null(call, "addr", "Inexpressible: Python returns addresses, and takes no pointer for them"),
        )
        for call in ("getsockname", "getpeername")
    ),
    Difference(
        id="getsockopt-null-value",
        title="getsockopt with NULL for the value: C asks the kernel, Python has no pointer to it",
        c="-1 with EFAULT, unless the option is none of the socket's; success where a length of 0 asks for no byte.",
        python="The value is what the method returns.",
        why="sock_getsockopt in socketmodule.c has a buffer of its own",
        no_recipe="no argument of Python stands for the buffer",
        evidence="getsockopt/tcp/null-value",
        predicate=null("getsockopt", "optval", "Inexpressible: socket.getsockopt returns its value, and takes no"),
    ),
    Difference(
        id="getsockopt-null-length",
        title="getsockopt with NULL for the length: C asks the kernel, Python takes a number",
        c="-1 with EFAULT, unless the level or the option is one that the socket does not have.",
        python="The length is an int that is given and never given back.",
        why="sock_getsockopt in socketmodule.c",
        no_recipe="no number of Python stands for a pointer",
        evidence="getsockopt/tcp/null-length",
        predicate=null("getsockopt", "optlen", "Inexpressible: socket.getsockopt takes no pointer to a length"),
    ),
    Difference(
        id="socketpair-null-array",
        title="socketpair with NULL for the descriptors: C asks the kernel, Python has no pointer to them",
        c="-1 with EFAULT, even for a family that cannot make pairs; EINVAL for flags that there are not.",
        python="The two sockets are what the function returns.",
        why="socket_socketpair in socketmodule.c has an array of its own",
        no_recipe="no argument of Python stands for the array",
        evidence="socketpair/local/null",
        predicate=null("socketpair", "sv", "Inexpressible: socket.socketpair returns its sockets"),
    ),
    Difference(
        id="poll-null-array",
        title="poll with NULL for the array: C asks the kernel, Python has no array to point to",
        c="-1 with EFAULT, or with EINVAL if there are more entries than RLIMIT_NOFILE; 0 entries may be NULL.",
        python="The object makes the array itself, from what was registered.",
        why="update_ufd_array in selectmodule.c",
        no_recipe="no argument of Python stands for the array",
        evidence="poll/null",
        predicate=null("poll", "fds", "Inexpressible: select.poll holds its own descriptors"),
    ),
    Difference(
        id="sendto-without-address",
        title="sendto with NULL as address on a connected socket: C sends to the peer, Python raises TypeError",
        c="Without an address sendto is send.",
        python="TypeError before the kernel is asked.",
        why="sock_sendto and getsockaddrarg in socketmodule.c want an address",
        recipe="sock.send(data, flags)",
        evidence="sendto/udp/connected-null-address",
        predicate=_no_address,
    ),
)
