"""Differences in what a descriptor may be, and in what a new one is handed on with."""

from __future__ import annotations

from collections.abc import Callable

from pysock_raw.conformance.differences.difference import Difference, raised
from pysock_raw.conformance.differences.history import earlier, handed_out
from pysock_raw.conformance.pairs import Pair

#: call -> its recipe
HANDED_OUT = {
    "socket": "sock = socket.socket(domain, type, protocol)\n"
    "sock.set_inheritable(not type & socket.SOCK_CLOEXEC)\n"
    "sock",
    "accept": "connection, peer = sock.accept()\nconnection.set_inheritable(True)\nconnection, peer",
    "accept4": "connection, peer = sock.accept()\n"
    "connection.set_inheritable(not flags & socket.SOCK_CLOEXEC)\n"
    "connection, peer",
    "socketpair": "ends = socket.socketpair(domain, type, protocol)\n"
    "for end in ends:\n"
    "    end.set_inheritable(not type & socket.SOCK_CLOEXEC)\n"
    "ends",
}


def _close_on_exec(call: str) -> Callable[[Pair], bool]:
    """F_GETFD of a descriptor that the call handed out (so it has a name), and that nobody has set since."""

    def recognises(pair: Pair) -> bool:
        if pair.call != "fcntl" or pair.argument("cmd") != "F_GETFD":
            return False
        fd, made = pair.argument("fd"), handed_out(pair)
        return (
            (pair.c["result"], pair.other["result"]) == (0, 1)
            and made is not None
            and made.call == call
            and not any(old.argument("fd") == fd for old in earlier(pair, "F_SETFD"))
        )

    return recognises


def _flags_of_accept4(known: bool) -> Callable[[Pair], bool]:
    """accept4 asked for SOCK_NONBLOCK and flags that there are (`known`), or for one that there is not."""

    def recognises(pair: Pair) -> bool:
        asked = set(str(pair.argument("flags")).split("|"))
        return (
            pair.call == "accept4"
            and (asked <= {"SOCK_NONBLOCK", "SOCK_CLOEXEC"}) == known
            and (known or pair.c["errno"] in ("EINVAL", "EBADF"))
            and raised(pair, "Inexpressible: socket.accept takes no flags")
        )

    return recognises


def _negative(call: str) -> Callable[[Pair], bool]:
    def recognises(pair: Pair) -> bool:
        fd = pair.argument("fd")
        return (
            pair.call == call
            and isinstance(fd, int)
            and fd < 0
            and pair.c["errno"] == "EBADF"
            and raised(pair, "ValueError: negative file descriptor", "ValueError: file descriptor cannot be a negative")
        )

    return recognises


#: call -> what to write for it, if not a socket object for a number that is never open
TAKE_A_DESCRIPTOR = {
    "setsockopt": "",
    "bind": "",
    "listen": "",
    "accept": "",
    "connect": "",
    "accept4": "",
    "getsockopt": "",
    "getsockname": "",
    "getpeername": "",
    "shutdown": "",
    "close": "os.close(fd)",
    "send": "",
    "recv": "",
    "sendto": "",
    "recvfrom": "",
    "sendmsg": "",
    "recvmsg": "",
    "fcntl": "fcntl.fcntl(2**31 - 1, cmd, arg)  # never open: EBADF",
}

ENTRIES: tuple[Difference, ...] = (
    *(
        Difference(
            id=f"{call}-close-on-exec",
            title=f"a descriptor from {call}: C leaves it open across exec, Python closes it",
            c="FD_CLOEXEC is set only if SOCK_CLOEXEC asked for it.",
            python="FD_CLOEXEC is set on every descriptor that Python makes.",
            why="PEP 446; sock_initobj, sock_accept_impl and socket_socketpair in socketmodule.c",
            recipe=recipe,
            evidence=f"{call}/no-close-on-exec",
            predicate=_close_on_exec(call),
        )
        for call, recipe in HANDED_OUT.items()
    ),
    *(
        Difference(
            id=f"{call}-negative-descriptor",
            title=f"{call} on a negative descriptor: C says EBADF, Python ValueError",
            c="-1 with EBADF, as for every descriptor that is not open.",
            python="ValueError before the kernel is asked.",
            why="sock_initobj in socketmodule.c and PyObject_AsFileDescriptor check the sign",
            recipe=recipe or "socket.socket(fileno=2**31 - 1)  # never open: EBADF",
            evidence=f"{call}/negative-descriptor",
            predicate=_negative(call),
        )
        for call, recipe in TAKE_A_DESCRIPTOR.items()
    ),
    Difference(
        id="accept4-nonblocking",
        title="accept4 with SOCK_NONBLOCK: C makes the new descriptor non-blocking, Python cannot ask for it",
        c="The new descriptor has O_NONBLOCK from the beginning.",
        python="socket.accept takes no flags; it calls accept4 with SOCK_CLOEXEC.",
        why="sock_accept_impl in socketmodule.c",
        recipe="""\
connection, peer = sock.accept()
connection.set_inheritable(not flags & socket.SOCK_CLOEXEC)
connection.setblocking(not flags & socket.SOCK_NONBLOCK)
connection, peer""",
        evidence="accept4/tcp/nonblocking",
        predicate=_flags_of_accept4(known=True),
    ),
    Difference(
        id="accept4-unknown-flag",
        title="accept4 with a flag that there is not: C refuses it, Python cannot ask for it",
        c="-1 with EINVAL once the descriptor is found to be open, and the connection stays in the queue (accept4(2)).",
        python="socket.accept takes no flags.",
        why="sock_accept_impl in socketmodule.c",
        recipe="""\
if flags & ~(socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC):
    raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
sock.accept()""",
        evidence="accept4/tcp/unknown-flag",
        predicate=_flags_of_accept4(known=False),
    ),
)
