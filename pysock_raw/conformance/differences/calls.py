"""Differences in making sockets, in addresses and in waiting."""

from __future__ import annotations

from pysock_raw.conformance.differences.difference import Difference, raised, succeeded
from pysock_raw.conformance.verdicts import Pair


def _close_on_exec(pair: Pair) -> bool:
    """F_GETFD of a descriptor that a call handed out (so it has a name), and that nobody has set since."""
    fd = pair.argument("fd")
    return (
        pair.call == "fcntl"
        and pair.argument("cmd") == "F_GETFD"
        and isinstance(fd, str)
        and (pair.c["result"], pair.other["result"]) == (0, 1)
        and not any("F_SETFD" in old.c["args"] and old.argument("fd") == fd for old in pair.before)
    )


def _minus_one(pair: Pair) -> bool:
    return (
        pair.call == "socket"
        and -1 in (pair.argument("domain"), pair.argument("type"), pair.argument("protocol"))
        and pair.c["result"] == -1
        and succeeded(pair.other)
    )


def _negative_backlog(pair: Pair) -> bool:
    """listen itself returns 0 on both sides; what shows it is a queue that is full too early, or its length."""
    backlogs = [old.argument("backlog") for old in pair.before if old.call == "listen"]
    if not any(isinstance(backlog, int) and backlog < 0 for backlog in backlogs):
        return False
    if pair.call == "connect":
        return pair.c["result"] == 0 and pair.other["errno"] in ("EAGAIN", "EINPROGRESS")
    if pair.call == "getsockopt" and pair.argument("optname") == "TCP_INFO":
        values = [record["args"][3] for record in (pair.c, pair.other)]
        if not all(isinstance(value, dict) for value in values):
            return False
        return bool(values[0].get("tcpi_sacked")) and values[1].get("tcpi_sacked") == 0
    return False


def _retried(pair: Pair) -> bool:
    return (
        pair.call in ("accept", "read", "recv", "recvfrom", "write", "send", "sendto", "poll")
        and pair.c["errno"] == "EINTR"
        and pair.other["errno"] != "EINTR"
        and pair.other["raised"] is None
    )


def _connect_waited_on(pair: Pair) -> bool:
    return pair.call == "connect" and pair.c["errno"] == "EINTR" and pair.other["errno"] != "EINTR"


def _path_too_long(pair: Pair) -> bool:
    address = pair.argument("addr")
    path = address.get("path", "") if isinstance(address, dict) else ""
    return raised(pair, "OSError: AF_UNIX path too long") and len(path) == 108 and not path.startswith("\0")


def _negative_descriptor(pair: Pair) -> bool:
    fd = pair.argument("fd")
    return (
        isinstance(fd, int)
        and fd < 0
        and pair.c["errno"] == "EBADF"
        and raised(pair, "ValueError: negative file descriptor", "ValueError: file descriptor cannot be a negative")
    )


def _null_address(pair: Pair) -> bool:
    return (
        pair.call in ("bind", "connect", "sendto")
        and pair.argument("addr") is None
        and pair.c["result"] == -1
        and raised(pair, "TypeError: ")
        and "NoneType" in pair.other["raised"]
    )


def _null_buffer(pair: Pair) -> bool:
    return (
        pair.call in ("send", "sendto", "write")
        and pair.argument("buf") is None
        and raised(pair, "TypeError: a bytes-like object is required, not 'NoneType'")
    )


FOREIGN = (
    "TypeError: AF_INET address must be",
    "TypeError: AF_INET6 address must be",
    "TypeError: bind(): AF_INET address must be",
    "TypeError: bind(): AF_INET6 address must be",
    "TypeError: connect(): AF_INET address must be",
    "TypeError: connect(): AF_INET6 address must be",
    "TypeError: sendto(): AF_INET address must be",
    "TypeError: sendto(): AF_INET6 address must be",
    "TypeError: a bytes-like object is required, not 'tuple'",
    "gaierror: ",
)


def _foreign_family(pair: Pair) -> bool:
    """An address of another family than the socket was made with (a socket from elsewhere: than Python says)."""
    address = pair.argument("addr")
    if pair.call not in ("bind", "connect", "sendto") or not isinstance(address, dict):
        return False
    made = [old for old in pair.before if old.call == "socket" and old.c["result"] == pair.argument("fd")]
    foreign = not made or made[-1].argument("domain") != address.get("family")
    return foreign and "family" in address and raised(pair, *FOREIGN)


ENTRIES: tuple[Difference, ...] = (
    Difference(
        "socket-close-on-exec",
        "every new descriptor: C leaves it open across exec, Python closes it",
        "A descriptor from socket, accept or socketpair has FD_CLOEXEC only if SOCK_CLOEXEC asked for it.",
        "Every descriptor that Python makes has FD_CLOEXEC.",
        "PEP 446; sock_initobj, sock_accept_impl and socket_socketpair in socketmodule.c",
        "os.set_inheritable(sock.fileno(), True)",
        "socket/no-close-on-exec",
        _close_on_exec,
    ),
    Difference(
        "socket-minus-one-is-default",
        "socket(-1, ...): C says that it is invalid, Python takes it for a default",
        "-1 is no address family, type or protocol: -1 with EAFNOSUPPORT or EINVAL.",
        "family=-1, type=-1 and proto=-1 mean AF_INET, SOCK_STREAM and 0, so the call succeeds.",
        "socket.__init__ in socket.py and sock_initobj in socketmodule.c use -1 for a missing argument",
        "socket.socket(-2, ...): the kernel refuses every other invalid number for the same reason",
        "socket/domain-minus-one",
        _minus_one,
    ),
    Difference(
        "listen-negative-backlog",
        "listen(-1): C asks for the longest queue, Python for the shortest",
        "A negative backlog is a huge unsigned one, cut to net.core.somaxconn.",
        "A negative backlog becomes 0, so that the second client already waits.",
        "sock_listen in socketmodule.c raises a negative backlog to 0",
        "sock.listen(2**31 - 1)",
        "listen/local/negative-backlog",
        _negative_backlog,
    ),
    Difference(
        "retry-after-signal",
        "a caught signal: C's call ends with EINTR, Python's goes on",
        "A blocking call that a signal handler interrupted returns -1 with EINTR.",
        "The handler runs, and the call is made again until it returns something else.",
        "PEP 475; sock_call_ex in socketmodule.c",
        "raise an exception in the signal handler: it ends the call",
        "accept/tcp/interrupted",
        _retried,
        no_fallback=True,
    ),
    Difference(
        "connect-waits-after-signal",
        "connect and a caught signal: C ends with EINTR, Python waits until the descriptor is writable",
        "connect returns -1 with EINTR. A TCP connection goes on by itself; an AF_UNIX one was never made.",
        "Python polls for writability and takes SO_ERROR 0 for success, on AF_UNIX without a connection.",
        "PEP 475; internal_connect in socketmodule.c",
        "socket.socket(family, type | SOCK_NONBLOCK, 0, fileno=fd): the object never waits, the descriptor may block",
        "connect/local/interrupted",
        _connect_waited_on,
    ),
    Difference(
        "local-path-108-bytes",
        "an AF_UNIX path of 108 bytes: C uses all of sun_path, Python wants room for a NUL",
        "A path may fill sun_path without a NUL at its end (unix(7)).",
        "OSError without errno, before the kernel is asked: AF_UNIX path too long.",
        "getsockaddrarg in socketmodule.c demands a length below sizeof sun_path",
        "none for this name; os.chdir to its directory and use a shorter relative path",
        "bind/local/path-of-108-bytes",
        _path_too_long,
    ),
    Difference(
        "negative-descriptor",
        "a negative descriptor: C says EBADF, Python ValueError",
        "-1 with EBADF, as for every descriptor that is not open.",
        "ValueError before the kernel is asked.",
        "sock_initobj in socketmodule.c and PyObject_AsFileDescriptor check the sign",
        "use a number that is never open: socket.socket(fileno=2**31 - 1) raises OSError with EBADF",
        "bind/negative-descriptor",
        _negative_descriptor,
    ),
    Difference(
        "null-address",
        "NULL as address: C asks the kernel, Python raises TypeError",
        "-1 with EBADF, ENOTSOCK or EFAULT, in the kernel's order of checks.",
        "TypeError before the kernel is asked.",
        "getsockaddrarg in socketmodule.c wants a tuple or a path",
        "none: no address of Python stands for NULL",
        "bind/null",
        _null_address,
    ),
    Difference(
        "null-buffer",
        "NULL as buffer: C asks the kernel, Python raises TypeError",
        "-1 with EFAULT, or success where no byte is used.",
        "TypeError before the kernel is asked.",
        "sock_send and sock_sendto in socketmodule.c and os.write take bytes-like objects only",
        "none: no bytes-like object stands for NULL",
        "send/null",
        _null_buffer,
    ),
    Difference(
        "foreign-family-address",
        "an address of another family: C asks the kernel, Python raises TypeError or gaierror",
        "-1 with EAFNOSUPPORT or EINVAL from the kernel (or success: UDP over IPv6 takes IPv4 addresses).",
        "TypeError for a tuple or path of the wrong form, socket.gaierror for a host of the wrong family.",
        "getsockaddrarg and setipaddr in socketmodule.c go by the family of the socket object",
        "wrap the descriptor under the address's family: socket.socket(AF_INET6, SOCK_STREAM, 0, fileno=fd)",
        "bind/foreign-family",
        _foreign_family,
    ),
)
