"""Differences that settimeout makes: C's limit on waiting is SO_RCVTIMEO and SO_SNDTIMEO.

A socket object with a timeout has O_NONBLOCK set on its open file description (init_sockobject in socketmodule.c).
Each of its calls polls the descriptor until the timeout is over, and then makes a call that does not wait
(sock_call_ex). All that follows is what poll and O_NONBLOCK make of calls whose own waiting is finer than that. The
records tell the timeout, and how long C's call took: no predicate here holds where no timeout was.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from pysock_raw.conformance.differences.difference import Difference, raised
from pysock_raw.conformance.differences.history import (
    OF_NO_SOCKET_OBJECT,
    asked,
    at_once,
    cleared,
    limit,
    limit_of,
    made_nonblocking,
    maker,
    may_wait,
    nonblocking_by_timeout,
    set_by_timeout,
    timeout,
)
from pysock_raw.conformance.pairs import Pair, succeeded

Predicate = Callable[[Pair], bool]

TIMED_OUT = "TimeoutError: timed out"
"""It has no errno: the kernel's own ETIMEDOUT has."""
WAITS = "sock_call_ex in socketmodule.c"
OF_WAITING = ("EAGAIN", "EINPROGRESS", "EALREADY", "EINTR")
"""How C says that a call would have to wait, waited too long, or was kept from waiting."""
#: call -> the call of a socket object
IN_PYTHON = {
    "accept": "sock.accept()",
    "connect": "sock.connect(address)",
    "accept4": "sock.accept()",
    "read": "os.read(fd, count)",
    "write": "os.write(fd, data)",
    "send": "sock.send(data, flags)",
    "recv": "sock.recv_into(view, 0, flags)",
    "sendto": "sock.sendto(data, flags, address)",
    "recvfrom": "sock.recvfrom_into(view, 0, flags)[0]",
    "sendmsg": "sock.sendmsg(buffers, ancillary, flags, address)",
    "recvmsg": "sock.recvmsg_into(buffers, room, flags)",
}
RECEIVE, SEND, ACCEPT = ("recv", "recvfrom", "recvmsg"), ("send", "sendto", "sendmsg"), ("accept", "accept4")
OF_SOCKETS = tuple(call for call in IN_PYTHON if call not in OF_NO_SOCKET_OBJECT)

#: call -> its kind of socket in the evidence, who makes the object, the recipe
HANDED_OUT = {
    "socket": (
        "tcp",
        "sock_initobj",
        "sock = socket.socket(domain, type, protocol)\nsock.setblocking(not type & socket.SOCK_NONBLOCK)\nsock",
    ),
    **dict.fromkeys(
        ACCEPT,
        (
            "local",
            "socket.accept in socket.py",
            "connection, peer = sock.accept()\nconnection.settimeout(None)\nconnection, peer",
        ),
    ),
    "socketpair": (
        "local",
        "socket_socketpair",
        "ends = socket.socketpair(domain, type, protocol)\n"
        "for end in ends:\n"
        "    end.setblocking(not type & socket.SOCK_NONBLOCK)\n"
        "ends",
    ),
}


def unlimited(call: str) -> str:
    """The recipe where no limit is wanted: wait as C waits."""
    wait = "os.set_blocking(fd, True)" if call in OF_NO_SOCKET_OBJECT else "sock.settimeout(None)"
    return f"{wait}\n{IN_PYTHON[call]}"


def limited(call: str) -> str:
    """The recipe of most: C's own limit in the place of the timeout. Calls of os have no timeout to replace."""
    if call in OF_NO_SOCKET_OBJECT:
        return unlimited(call)
    return f"""\
if limit := sock.gettimeout():
    limit = struct.pack("ll", int(limit), round(limit % 1 * 10**6))
    sock.setsockopt(socket.SOL_SOCKET, socket.{limit_of(call)}, limit)
{unlimited(call)}"""


def timed_out(pair: Pair) -> bool:
    return bool(timeout(pair)) and raised(pair, TIMED_OUT)


def only(*calls: str) -> Callable[[Predicate], Callable[[str], Predicate]]:
    """A predicate about one of these calls, made from one about all of them."""

    def made(predicate: Predicate) -> Callable[[str], Predicate]:
        def of(call: str) -> Predicate:
            assert call in calls
            return lambda pair: pair.call == call and predicate(pair)

        return of

    return made


# --- waiting ---


@only(*OF_SOCKETS)
def _without_errno(pair: Pair) -> bool:
    over = pair.c["errno"] in ("EAGAIN", "EINPROGRESS", "EALREADY") and limit(pair) != 0
    queue = pair.call in RECEIVE and asked(pair, "MSG_ERRQUEUE")
    return over and timed_out(pair) and may_wait(pair) and not queue


def answered(pair: Pair) -> bool:
    """C has an answer, and not that it would have to wait or waited too long."""
    return pair.c["result"] is not None and pair.c["errno"] not in OF_WAITING


def waits_no_more(pair: Pair) -> bool:
    """C waited if it had to and has an answer, and Python says that it would have had to wait."""
    return answered(pair) and pair.other["errno"] in ("EAGAIN", "EINPROGRESS") and may_wait(pair)


@only(*OF_SOCKETS)
def _of_zero(pair: Pair) -> bool:
    return waits_no_more(pair) and timeout(pair) == 0


@only(*IN_PYTHON)
def _nonblocking_since(pair: Pair) -> bool:
    """CPython's own timeout is no reason, for it polls; PyPy polls once, and its own may be."""
    zero = timeout(pair) == 0 and pair.call not in OF_NO_SOCKET_OBJECT
    itself = _waits_for_no_room(pair) or connects_first(pair)
    return waits_no_more(pair) and not zero and nonblocking_by_timeout(pair) and not itself


def connects_first(pair: Pair) -> bool:
    """A send that has to wait for a connection, of which Python's poll for room knows nothing."""
    return bool(timeout(pair)) and asked(pair, "MSG_FASTOPEN") and pair.other["errno"] == "EINPROGRESS"


def _waits_for_no_room(pair: Pair) -> bool:
    address = pair.argument("addr")
    local = isinstance(address, dict) and address.get("family") == "AF_UNIX"
    return pair.call == "connect" and local and waits_no_more(pair) and bool(timeout(pair))


def _waited(pair: Pair) -> bool:
    """C did not wait, and Python did, for an answer or until its time was over."""
    refused = pair.call == "connect" and pair.other["errno"] not in (None, *OF_WAITING)
    answered = bool(timeout(pair)) and (succeeded(pair.other) or refused or timed_out(pair))
    return pair.c["errno"] in ("EAGAIN", "EINPROGRESS") and answered


@only(*OF_SOCKETS)
def _despite_nonblock(pair: Pair) -> bool:
    return _waited(pair) and made_nonblocking(pair) and not asked(pair, "MSG_DONTWAIT") and not cleared(pair)


@only(*RECEIVE, *SEND)
def _despite_dontwait(pair: Pair) -> bool:
    return _waited(pair) and asked(pair, "MSG_DONTWAIT")


@only(*RECEIVE)
def _for_the_error_queue(pair: Pair) -> bool:
    return pair.c["errno"] == "EAGAIN" and timed_out(pair) and may_wait(pair) and asked(pair, "MSG_ERRQUEUE")


@only(*OF_SOCKETS)
def _hides_an_error(pair: Pair) -> bool:
    return pair.c["result"] == -1 and pair.c["errno"] not in OF_WAITING and timed_out(pair) and at_once(pair)


@only(*ACCEPT, *RECEIVE, *SEND)
def _looked_up_again(pair: Pair) -> bool:
    """The number is named no more, because another thread has closed it since the call began."""
    closed = isinstance(pair.argument("fd"), int) and any(
        succeeded(old.c) and old.c["time"][0] > pair.c["time"][0] for old in pair.past.before(pair, "close")
    )
    return closed and bool(timeout(pair)) and succeeded(pair.c) and pair.other["errno"] == "EBADF"


# --- O_NONBLOCK ---


def _only_python_has_nonblock(pair: Pair) -> bool:
    flags = pair.c["result"], pair.other["result"]
    return (
        pair.call == "fcntl"
        and pair.argument("cmd") == "F_GETFL"
        and all(isinstance(flag, int) for flag in flags)
        and flags[1] == flags[0] | os.O_NONBLOCK
    )


def _born_nonblocking(call: str) -> Predicate:
    def recognises(pair: Pair) -> bool:
        made = maker(pair)
        mine = made is not None and made.call == call
        return _only_python_has_nonblock(pair) and mine and set_by_timeout(pair) is made

    return recognises


def _set_nonblocking(pair: Pair) -> bool:
    return _only_python_has_nonblock(pair) and set_by_timeout(pair) not in (None, maker(pair))


ENTRIES: tuple[Difference, ...] = (
    *(
        Difference(
            id=f"{call}-timeout-without-errno",
            title=f"{call} that waited too long: C says {errno}, Python raises TimeoutError without errno",
            c=f"With SO_RCVTIMEO or SO_SNDTIMEO set, -1 with {errno} (socket(7)).",
            python="After settimeout, TimeoutError: its errno is None, and code that looks at errno does not know it.",
            why=f"{WAITS} raises it when its poll has timed out",
            recipe=limited(call),
            evidence=evidence,
            predicate=_without_errno(call),
        )
        for call, errno, evidence in (
            *((call, "EAGAIN", f"{call}/local/settimeout-expires") for call in OF_SOCKETS if call != "connect"),
            ("connect", "EINPROGRESS", "connect/tcp/settimeout-expires"),
        )
    ),
    *(
        Difference(
            id=f"{call}-timeout-of-0",
            title=f"{call} with a timeout of 0: in C it waits for ever, in Python not at all",
            c="SO_RCVTIMEO and SO_SNDTIMEO of 0 mean no limit (socket(7)).",
            python="settimeout(0) is setblocking(False): EAGAIN, or EINPROGRESS, at once.",
            why="init_sockobject and sock_settimeout in socketmodule.c set O_NONBLOCK for every timeout but None",
            recipe=unlimited(call),
            evidence=f"{call}/local/settimeout-of-0",
            predicate=_of_zero(call),
        )
        for call in OF_SOCKETS
    ),
    *(
        Difference(
            id=f"{call}-nonblocking-since-timeout",
            title=f"{call} on a descriptor that has or had a timeout in Python: C waits, Python's call does not",
            c="SO_RCVTIMEO and SO_SNDTIMEO are no flags of the descriptor: who has none of his own waits.",
            python="O_NONBLOCK is left on the open file description, for os.read and os.write, duplicates, other "
            "socket objects and other processes: EAGAIN, or EINPROGRESS, at once.",
            why="init_sockobject and internal_setblocking in socketmodule.c; detach and close do not set it back",
            recipe=unlimited(call),
            evidence="connect/tcp/settimeout-once" if call == "connect" else f"{call}/local/settimeout-once",
            predicate=_nonblocking_since(call),
            pypy=call in (*OF_NO_SOCKET_OBJECT, *RECEIVE, "sendmsg"),
        )
        for call in IN_PYTHON
    ),
    Difference(
        id="connect-timeout-without-waiting",
        title="connect with a timeout to an AF_UNIX listener that is full: C waits for room, Python does not",
        c="connect waits until somebody accepts, for as long as SO_SNDTIMEO says (unix(7)).",
        python="EAGAIN at once, however long the timeout is.",
        why="internal_connect in socketmodule.c waits after EINPROGRESS alone, which AF_UNIX does not know",
        recipe=limited("connect"),
        evidence="connect/local/settimeout-patient",
        predicate=_waits_for_no_room,
    ),
    *(
        Difference(
            id=f"{call}-timeout-despite-nonblock",
            title=f"{call} with a timeout on a descriptor with O_NONBLOCK: C does not wait, Python does",
            c="EAGAIN, or EINPROGRESS, at once, whatever SO_RCVTIMEO and SO_SNDTIMEO are.",
            python="It waits for as long as the timeout says, and answers then.",
            why="sock_call_ex and internal_connect in socketmodule.c go by the object's timeout, not by the flag",
            recipe=f"sock.settimeout(0)\n{IN_PYTHON[call]}",
            evidence=f"{call}/{'tcp' if call == 'connect' else 'local'}/settimeout-nonblocking",
            predicate=_despite_nonblock(call),
            pypy=call != "sendmsg",
        )
        for call in OF_SOCKETS
    ),
    *(
        Difference(
            id=f"{call}-timeout-despite-dontwait",
            title=f"{call} with a timeout and MSG_DONTWAIT: C does not wait, Python does",
            c="EAGAIN at once, whatever SO_RCVTIMEO and SO_SNDTIMEO are.",
            python="It waits for as long as the timeout says, and answers then.",
            why=f"{WAITS} polls before every call, whatever its flags are",
            recipe=unlimited(call),
            evidence=f"{call}/local/settimeout-dontwait",
            predicate=_despite_dontwait(call),
            pypy=call != "sendmsg",
        )
        for call in (*SEND, *RECEIVE)
    ),
    *(
        Difference(
            id=f"{call}-timeout-for-error-queue",
            title=f"{call} with a timeout and MSG_ERRQUEUE: C never waits, Python does",
            c="EAGAIN at once if no error is queued (recv(2)).",
            python="It waits for data, which is no error: if some comes, it polls without pause until then.",
            why=f"{WAITS} waits for POLLIN whatever the flags are, and calls again after EAGAIN",
            recipe=unlimited(call),
            evidence=f"{call}/udp/settimeout-error-queue",
            predicate=_for_the_error_queue(call),
        )
        for call in RECEIVE
    ),
    *(
        Difference(
            id=f"{call}-timeout-hides-error",
            title=f"{call} with a timeout where it never can succeed: C says why at once, Python that it timed out",
            c=f"-1 with the reason: {errno}.",
            python="poll has nothing to tell of such a socket, so the call is never made: TimeoutError.",
            why=f"{WAITS} makes the call only when its poll has found the descriptor ready",
            recipe=limited(call),
            evidence=f"{call}/settimeout-hopeless",
            predicate=_hides_an_error(call),
        )
        for call, errno in (
            *((call, "EINVAL on a socket that does not listen") for call in ACCEPT),
            *((call, "EPIPE on a listener") for call in SEND),
            *((call, "ENOTCONN on a listener, EINVAL with MSG_OOB") for call in RECEIVE),
        )
    ),
    *(
        Difference(
            id=f"{call}-timeout-looks-up-again",
            title=f"{call} with a timeout while another thread closes the descriptor: C's call goes on, Python's fails",
            c="A call holds the file that it began with (close(2)): it still gets its answer.",
            python="poll holds the file, then the number is looked up again: EBADF, or another file with that number.",
            why=f"{WAITS} makes two system calls on one number",
            recipe=limited(call),
            evidence=f"{call}/local/settimeout-and-close",
            predicate=_looked_up_again(call),
            pypy=call != "sendmsg",
        )
        for call in (*ACCEPT, *SEND, *RECEIVE)
    ),
    *(
        Difference(
            id=f"{call}-timeout-is-nonblock",
            title=f"a descriptor from {call} with a default timeout: C leaves its flags alone, Python sets O_NONBLOCK",
            c="O_NONBLOCK comes from SOCK_NONBLOCK and F_SETFL alone.",
            python="socket.setdefaulttimeout sets it on every descriptor that is made from then on.",
            why=f"init_sockobject in socketmodule.c, reached from {function}",
            recipe=recipe,
            evidence=f"{call}/{kind}/settimeout-flags",
            predicate=_born_nonblocking(call),
        )
        for call, (kind, function, recipe) in HANDED_OUT.items()
    ),
    Difference(
        id="setsockopt-timeout-is-nonblock",
        title="a limit on waiting: C's SO_RCVTIMEO is an option of the socket, Python's settimeout is O_NONBLOCK",
        c="setsockopt of SO_RCVTIMEO and SO_SNDTIMEO leaves the status flags alone.",
        python="settimeout sets O_NONBLOCK on the open file description: every duplicate and process has it too.",
        why="sock_settimeout, init_sockobject and internal_setblocking in socketmodule.c",
        recipe="sock.settimeout(None)\nsock.setsockopt(level, optname, data)",
        evidence="setsockopt/local/settimeout-flags",
        predicate=_set_nonblocking,
    ),
)
