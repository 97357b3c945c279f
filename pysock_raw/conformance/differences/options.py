"""Differences in the values of options and in their lengths."""

from __future__ import annotations

from typing import Any

from pysock_raw.conformance.differences.difference import Difference, raised
from pysock_raw.conformance.pairs import Pair, succeeded
from pysock_raw.trace import Record

MOST = 1024
"""The longest value that Python asks for."""

VSOCK_LEVEL = 40  # AF_VSOCK, which is the level of its options too
SOL_PACKET, PACKET_HDRLEN = 263, 11  # linux/socket.h, linux/if_packet.h


def _lengths(pair: Pair) -> tuple[Any, Any, Any]:
    """getsockopt's optlen: what went in, what came out in C and in Python."""
    if pair.call != "getsockopt":
        return None, None, None
    c, other = _length(pair.c), _length(pair.other)
    return c.get("in"), c.get("out"), other.get("out")


def _length(record: Record) -> dict[str, Any]:
    length = record["args"][4] if len(record["args"]) > 4 else None
    return length if isinstance(length, dict) else {}


def _out_of_range(pair: Pair) -> bool:
    return raised(pair, "OSError: getsockopt buflen out of range")


def _too_long(pair: Pair) -> bool:
    given = _lengths(pair)[0]
    return given is not None and MOST < given < 2**31 and _out_of_range(pair)


def _negative_room(pair: Pair) -> bool:
    given = _lengths(pair)[0]
    return given is not None and given >= 2**31 and _out_of_range(pair)


def _room_of_0(pair: Pair) -> bool:
    given, c, other = _lengths(pair)
    return (given, other) == (0, 4) and c != 4 and succeeded(pair.other)


def _int_of_another_length(pair: Pair) -> bool:
    """An int was asked for, and the value has less."""
    given, c, other = _lengths(pair)
    return (given, other) == (4, 4) and c != 4 and succeeded(pair.c) and succeeded(pair.other)


def _room_needed(pair: Pair) -> bool:
    given, c, other = _lengths(pair)
    return given is not None and pair.c["errno"] == pair.other["errno"] == "ERANGE" and given == other != c


def _int_that_is_read(pair: Pair) -> bool:
    asked = (pair.argument("level"), pair.argument("optname"))
    return asked == (SOL_PACKET, PACKET_HDRLEN) and _lengths(pair)[0] == 4 and succeeded(pair.other)


def _buffer_that_is_read(pair: Pair) -> bool:
    return pair.call == "getsockopt" and raised(
        pair, "Inexpressible: socket.getsockopt takes no buffer, and this option reads what is in it"
    )


def _negative_value(pair: Pair) -> bool:
    length = pair.argument("optlen")
    return (
        pair.call == "setsockopt"
        and isinstance(length, int)
        and not 0 <= length < 2**31
        and pair.c["errno"] == "EINVAL"
        and raised(pair, "Inexpressible: socket.setsockopt takes the length of its value")
    )


def _gets_bytes_of_vsock(pair: Pair) -> bool:
    return pair.call == "getsockopt" and raised(pair, "OSError: getsockopt string buffer not allowed")


#: In the words of 3.10 to 3.14 and of 3.15, for bytes and for NULL.
ONLY_INT = (
    "TypeError: setsockopt() argument 3 must be int",
    "TypeError: setsockopt() argument 3 for AF_VSOCK must be",
    "TypeError: setsockopt() takes exactly 3 arguments (4 given)",
)


def _sets_bytes_of_vsock(pair: Pair) -> bool:
    return pair.call == "setsockopt" and raised(pair, *ONLY_INT)


def _int_of_8_bytes(pair: Pair) -> bool:
    """An option of AF_VSOCK refuses C's int of 4 bytes, and takes Python's of 8."""
    lengths = {"getsockopt": _lengths(pair)[0], "setsockopt": pair.argument("optlen")}
    return (
        lengths.get(pair.call) == 4
        and pair.argument("level") == VSOCK_LEVEL
        and pair.c["errno"] == "EINVAL"
        and succeeded(pair.other)
    )


#: A socket object of another family leaves the value alone.
NO_VSOCK = """\
plain = socket.socket(socket.AF_UNIX, sock.type, 0, fileno=fd)
try:
    value = plain.{}
finally:
    plain.detach()
value"""

ENTRIES: tuple[Difference, ...] = (
    Difference(
        id="getsockopt-room-beyond-1024",
        title="getsockopt with room for more than 1024 bytes: C fills what it needs, Python raises OSError",
        c="The room is the caller's, and the length becomes that of the value.",
        python="OSError without errno, before the kernel is asked: getsockopt buflen out of range.",
        why="sock_getsockopt in socketmodule.c wants 1 to 1024",
        recipe="sock.getsockopt(level, optname, min(optlen.value, 1024))  # as long as no option is longer",
        evidence="getsockopt/tcp/room-of-2000-bytes",
        predicate=_too_long,
    ),
    Difference(
        id="getsockopt-negative-length",
        title="getsockopt with a negative length: C asks the kernel, Python raises OSError without errno",
        c="-1 with EINVAL, unless the option is one that the socket does not have.",
        python="OSError without errno, before the kernel is asked: getsockopt buflen out of range.",
        why="sock_getsockopt in socketmodule.c wants 1 to 1024",
        no_recipe="socket.getsockopt passes no negative length on",
        evidence="getsockopt/tcp/negative-length",
        predicate=_negative_room,
    ),
    Difference(
        id="getsockopt-room-of-0",
        title="getsockopt with room for 0 bytes: C is told nothing, Python takes 0 for a missing length",
        c="No byte is written, and the length stays 0 where the option allows it.",
        python="0 means that an int is wanted: the kernel is given room for 4 bytes, and the method returns a number.",
        why="sock_getsockopt in socketmodule.c, whose buflen is 0 by default",
        recipe="sock.getsockopt(level, optname, 1)[:0]",
        evidence="getsockopt/tcp/number-of-0-bytes",
        predicate=_room_of_0,
    ),
    Difference(
        id="getsockopt-int-without-length",
        title="getsockopt of an int whose value is shorter: C tells the length, Python returns 0",
        c="The length says how much of the int was written: 0 bytes where an option is not set.",
        python="Whatever the length, the number that 4 bytes of 0 became.",
        why="sock_getsockopt in socketmodule.c drops flagsize",
        recipe="sock.getsockopt(level, optname, optlen.value)  # bytes, as many as there are",
        evidence="getsockopt/tcp/int-of-no-bytes",
        predicate=_int_of_another_length,
    ),
    Difference(
        id="getsockopt-room-needed",
        title="getsockopt with too little room for SO_PEERGROUPS: C tells how much it needs, Python ERANGE alone",
        c="-1 with ERANGE, and the length becomes the one that is needed.",
        python="OSError with ERANGE; the length is lost with the buffer.",
        why="sock_getsockopt in socketmodule.c returns no length when it fails",
        recipe="""\
groups = sock.getsockopt(level, optname, 1024)
room, optlen.value = optlen.value, len(groups)
if room < len(groups):
    raise OSError(errno.ERANGE, os.strerror(errno.ERANGE))
groups""",
        evidence="getsockopt/local/too-little-room-for-groups",
        predicate=_room_needed,
    ),
    Difference(
        id="getsockopt-int-is-read",
        title="getsockopt of an option that reads its int first: C asks with its own, Python always with 0",
        c="The int that is given is part of the question: PACKET_HDRLEN takes the version of the header from it.",
        python="The int that the kernel is given is 0, which is version 1.",
        why="sock_getsockopt in socketmodule.c has an int of its own, and starts it at 0",
        no_recipe="socket.getsockopt takes no value to begin with",
        evidence="getsockopt/packet/header-length",
        predicate=_int_that_is_read,
    ),
    Difference(
        id="getsockopt-buffer-is-read",
        title="getsockopt of an option that reads its buffer first: C asks with its own, Python with whatever is there",
        c="What the buffer holds is part of the question: which flow label, which table.",
        python="The kernel is given new bytes whose content nobody set, so that what it answers is chance.",
        why="sock_getsockopt in socketmodule.c has bytes of its own (PyBytes_FromStringAndSize of NULL)",
        no_recipe="socket.getsockopt takes no buffer to begin with",
        evidence="getsockopt/tcp6/flow-label",
        predicate=_buffer_that_is_read,
    ),
    Difference(
        id="setsockopt-negative-length",
        title="setsockopt with a negative length: C says EINVAL, Python gives the length of the value itself",
        c="-1 with EINVAL: the kernel reads the length as an int.",
        python="The length is that of the bytes, or 4 for an int.",
        why="sock_setsockopt in socketmodule.c; a length of its own goes with None alone",
        recipe="sock.setsockopt(level, optname, None, optlen & 0xFFFFFFFF)  # refused before NULL is looked at",
        evidence="setsockopt/negative-length",
        predicate=_negative_value,
    ),
    Difference(
        id="getsockopt-vsock-bytes",
        title="getsockopt of a socket of AF_VSOCK into a buffer: C fills it, Python raises OSError",
        c="The kernel fills the buffer, as for every family.",
        python="OSError without errno, before the kernel is asked: getsockopt string buffer not allowed.",
        why="sock_getsockopt in socketmodule.c, for AF_VSOCK",
        recipe=NO_VSOCK.format("getsockopt(level, optname, optlen.value)"),
        evidence="getsockopt/vsock/option-of-8-bytes",
        predicate=_gets_bytes_of_vsock,
        pypy=False,
    ),
    Difference(
        id="getsockopt-vsock-int",
        title="getsockopt of an int from a socket of AF_VSOCK: C gives room for 4 bytes, Python for 8",
        c="-1 with EINVAL: the option has 8 bytes.",
        python="The int that the kernel is given has 64 bits, for this family alone, and the call succeeds.",
        why="sock_getsockopt in socketmodule.c, for AF_VSOCK",
        recipe=NO_VSOCK.format("getsockopt(level, optname, 4)"),
        evidence="getsockopt/vsock/8-bytes-into-an-int",
        predicate=lambda pair: pair.call == "getsockopt" and _int_of_8_bytes(pair),
        pypy=False,
    ),
    Difference(
        id="setsockopt-vsock-bytes",
        title="setsockopt of a socket of AF_VSOCK from bytes: C asks the kernel, Python raises TypeError",
        c="The kernel reads the bytes, or refuses NULL, as for every family.",
        python="TypeError before the kernel is asked.",
        why="sock_setsockopt in socketmodule.c, for AF_VSOCK",
        recipe=NO_VSOCK.format("setsockopt(level, optname, data)"),
        evidence="setsockopt/vsock/option-of-8-bytes",
        predicate=_sets_bytes_of_vsock,
        pypy=False,
    ),
    Difference(
        id="setsockopt-vsock-int",
        title="setsockopt of an int on a socket of AF_VSOCK: C gives 4 bytes, Python 8",
        c="-1 with EINVAL: the option has 8 bytes.",
        python="The int becomes 64 bits, for this family alone, and the call succeeds.",
        why="sock_setsockopt in socketmodule.c, for AF_VSOCK",
        recipe=NO_VSOCK.format("setsockopt(level, optname, data)"),
        evidence="setsockopt/vsock/int-for-8-bytes",
        predicate=lambda pair: pair.call == "setsockopt" and _int_of_8_bytes(pair),
        pypy=False,
    ),
)
