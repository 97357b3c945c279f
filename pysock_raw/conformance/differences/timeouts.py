"""Differences that settimeout makes: C's limit on waiting is SO_RCVTIMEO and SO_SNDTIMEO.

A socket object with a timeout has O_NONBLOCK set on its open file description (init_sockobject in socketmodule.c).
Each of its calls polls the descriptor until the timeout is over, and then makes a call that does not wait
(sock_call_ex). All that follows is what poll and O_NONBLOCK make of calls whose own waiting is finer than that.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from pysock_raw.conformance.differences.difference import Difference, raised
from pysock_raw.conformance.verdicts import Pair, succeeded

Predicate = Callable[[Pair], bool]

TIMED_OUT = "TimeoutError: timed out"
"""It has no errno: the kernel's own ETIMEDOUT has."""
WAITS = "sock_call_ex in socketmodule.c"
LIMITS = ("SO_RCVTIMEO", "SO_SNDTIMEO")
OF_WAITING = ("EAGAIN", "EINPROGRESS", "EALREADY", "EINTR")
"""How C says that a call would have to wait, waited too long, or was kept from waiting."""
REFUSALS = ("ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH")
OF_NO_SOCKET_OBJECT = ("fcntl", "read", "write")
"""Calls that take a descriptor and make no socket object of it."""

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
}
RECEIVE, SEND, ACCEPT = ("recv", "recvfrom"), ("send", "sendto"), ("accept", "accept4")
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


def _unlimited(call: str) -> str:
    """The recipe of most: wait as C waits, within SO_RCVTIMEO and SO_SNDTIMEO if they are set."""
    wait = "os.set_blocking(fd, True)" if call in OF_NO_SOCKET_OBJECT else "sock.settimeout(None)"
    return f"{wait}\n{IN_PYTHON[call]}"


# --- what the trace says of a descriptor ---


def _file(pair: Pair, fd: object) -> object:
    """A descriptor's open file description, by the name of its first descriptor."""
    for old in reversed(pair.before):
        if old.call == "fcntl" and str(old.argument("cmd")).startswith("F_DUPFD") and old.c["result"] == fd:
            fd = old.argument("fd")
    return fd


def _earlier(pair: Pair, fd: object = None) -> list[Pair]:
    """The earlier calls on the open file description that a call is about."""
    file = _file(pair, pair.argument("fd") if fd is None else fd)
    return [old for old in pair.before if file is not None and _file(pair, old.argument("fd")) == file]


def _set(pair: Pair, *options: str) -> list[Any]:
    """The values that the program has set these options of the descriptor to, the last one last."""
    calls = [old for old in _earlier(pair) if old.call == "setsockopt" and old.argument("optname") in options]
    return [old.argument("optval") for old in calls]


def _limit(pair: Pair) -> float | None:
    """The seconds that the program has last set as its descriptor's limit, or None."""
    value = (_set(pair, *LIMITS) or [None])[-1]
    return value["tv_sec"] + value["tv_usec"] / 1e6 if isinstance(value, dict) and "tv_sec" in value else None


def _made_nonblocking(pair: Pair) -> bool:
    """Whether the program has last asked for O_NONBLOCK on the descriptor, when it made it or since."""
    for old in reversed(_earlier(pair)):
        if old.argument("cmd") == "F_SETFL":
            return "O_NONBLOCK" in str(old.argument("arg"))
    made = _maker(pair)
    return made is not None and "SOCK_NONBLOCK" in str(made.argument("type") or made.argument("flags"))


def _maker(pair: Pair) -> Pair | None:
    """The call that handed the descriptor out."""
    fd = _file(pair, pair.argument("fd"))
    for old in reversed(pair.before):
        ends = old.argument("sv")
        made = old.call in ("socket", "accept", "accept4") and old.c["result"] == fd
        if isinstance(fd, str) and (made or (isinstance(ends, list) and fd in ends)):
            return old
    return None


def _asked(pair: Pair, flag: str) -> bool:
    return flag in str(pair.argument("flags")).split("|")


def _may_wait(pair: Pair) -> bool:
    return not _asked(pair, "MSG_DONTWAIT") and not _made_nonblocking(pair)


def _timed_out(pair: Pair) -> bool:
    return raised(pair, TIMED_OUT)


def _only(*calls: str) -> Callable[[Predicate], Callable[[str], Predicate]]:
    """A predicate about one of these calls, made from one about all of them."""

    def made(predicate: Predicate) -> Callable[[str], Predicate]:
        def of(call: str) -> Predicate:
            assert call in calls
            return lambda pair: pair.call == call and predicate(pair)

        return of

    return made


# --- waiting ---


@_only(*OF_SOCKETS)
def _without_errno(pair: Pair) -> bool:
    over = pair.c["errno"] in ("EAGAIN", "EINPROGRESS", "EALREADY") and bool(_limit(pair))
    return over and _timed_out(pair) and _may_wait(pair) and not _asked(pair, "MSG_ERRQUEUE")


def _waits_no_more(pair: Pair) -> bool:
    """C waited if it had to and has an answer, and Python says that it would have had to wait."""
    answered = pair.c["result"] is not None and pair.c["errno"] not in OF_WAITING
    return answered and pair.other["errno"] in ("EAGAIN", "EINPROGRESS") and _may_wait(pair)


@_only(*OF_SOCKETS)
def _of_zero(pair: Pair) -> bool:
    return _waits_no_more(pair) and _limit(pair) == 0


@_only(*IN_PYTHON)
def _nonblocking_since(pair: Pair) -> bool:
    mine = pair.call in OF_NO_SOCKET_OBJECT or _limit(pair) != 0
    return _waits_no_more(pair) and mine and not _waits_for_no_room(pair)


def _waits_for_no_room(pair: Pair) -> bool:
    address = pair.argument("addr")
    local = isinstance(address, dict) and address.get("family") == "AF_UNIX"
    return pair.call == "connect" and local and _waits_no_more(pair) and bool(_limit(pair))


def _waited(pair: Pair) -> bool:
    """C did not wait, and Python did, for an answer or until its time was over."""
    return pair.c["errno"] in ("EAGAIN", "EINPROGRESS") and (succeeded(pair.other) or _timed_out(pair))


@_only(*OF_SOCKETS)
def _despite_nonblock(pair: Pair) -> bool:
    return _waited(pair) and _made_nonblocking(pair) and not _asked(pair, "MSG_DONTWAIT")


@_only(*RECEIVE, *SEND)
def _despite_dontwait(pair: Pair) -> bool:
    return _waited(pair) and _asked(pair, "MSG_DONTWAIT")


@_only(*RECEIVE)
def _for_the_error_queue(pair: Pair) -> bool:
    return pair.c["errno"] == "EAGAIN" and _timed_out(pair) and _may_wait(pair) and _asked(pair, "MSG_ERRQUEUE")


@_only(*OF_SOCKETS)
def _hides_an_error(pair: Pair) -> bool:
    return pair.c["result"] == -1 and pair.c["errno"] not in OF_WAITING and _timed_out(pair)


@_only(*ACCEPT, *RECEIVE, *SEND)
def _looked_up_again(pair: Pair) -> bool:
    """A number that another thread has closed is named no more."""
    closed = isinstance(pair.argument("fd"), int)
    return closed and succeeded(pair.c) and pair.other["errno"] == "EBADF"


# --- O_NONBLOCK ---


def _only_python_has_nonblock(pair: Pair) -> bool:
    flags = pair.c["result"], pair.other["result"]
    return (
        pair.call == "fcntl"
        and pair.argument("cmd") == "F_GETFL"
        and all(isinstance(flag, int) for flag in flags)
        and flags[1] == flags[0] | os.O_NONBLOCK
        and not _made_nonblocking(pair)
    )


def _objects_since(pair: Pair) -> bool:
    """Whether an earlier call on the descriptor made a socket object of it."""
    return any(old.call not in OF_NO_SOCKET_OBJECT for old in _earlier(pair))


def _born_nonblocking(call: str) -> Predicate:
    def recognises(pair: Pair) -> bool:
        made = _maker(pair)
        mine = made is not None and made.call == call
        return _only_python_has_nonblock(pair) and mine and not _objects_since(pair)

    return recognises


def _set_nonblocking(pair: Pair) -> bool:
    return _only_python_has_nonblock(pair) and _objects_since(pair)


# --- answers ---


def _less(pair: Pair) -> bool:
    """Both transferred something, Python less."""
    return succeeded(pair.c) and succeeded(pair.other) and 0 < int(pair.other["result"]) < int(pair.c["result"])


@_only(*SEND, "write")
def _sent_a_part(pair: Pair) -> bool:
    return _less(pair) and _may_wait(pair)


@_only(*SEND)
def _waited_for_room(pair: Pair) -> bool:
    return succeeded(pair.c) and _timed_out(pair) and pair.argument("len") != 0


def _waited_for_room_for_nothing(pair: Pair) -> bool:
    return pair.call == "send" and pair.argument("len") == 0 and pair.c["result"] == 0 and _timed_out(pair)


@_only(*RECEIVE)
def _not_all(pair: Pair) -> bool:
    return _less(pair) and _asked(pair, "MSG_WAITALL") and _may_wait(pair)


@_only(*RECEIVE, "read")
def _below_the_mark(pair: Pair) -> bool:
    return _less(pair) and bool(_set(pair, "SO_RCVLOWAT")) and not _asked(pair, "MSG_WAITALL") and _may_wait(pair)


@_only(*RECEIVE)
def _until_the_mark(pair: Pair) -> bool:
    return succeeded(pair.c) and _timed_out(pair) and bool(_set(pair, "SO_RCVLOWAT")) and not _asked(pair, "MSG_OOB")


@_only(*RECEIVE)
def _misses_the_urgent_byte(pair: Pair) -> bool:
    return pair.c["result"] == 1 and _timed_out(pair) and _asked(pair, "MSG_OOB")


@_only(*RECEIVE)
def _misses_the_shutdown(pair: Pair) -> bool:
    shut = any(old.call == "shutdown" and old.argument("how") in ("SHUT_RD", "SHUT_RDWR") for old in _earlier(pair))
    return pair.c["result"] == 0 and pair.argument("len") != 0 and _timed_out(pair) and shut


# --- after a connect ---


def _connect_before(pair: Pair, fd: object = None) -> Pair | None:
    """The last connect of the same socket."""
    return next((old for old in reversed(_earlier(pair, fd)) if old.call == "connect"), None)


def _twice(pair: Pair) -> bool:
    first = _connect_before(pair)
    answers = pair.call, pair.c["errno"], pair.other["result"]
    return (
        first is not None and answers == ("connect", "EISCONN", 0) and first.c["result"] == first.other["result"] == 0
    )


def _does_not_wait_again(pair: Pair) -> bool:
    answered = pair.c["result"] == 0 or pair.c["errno"] in REFUSALS
    again = pair.call == "connect" and answered and pair.other["errno"] == "EALREADY"
    return again and _connect_before(pair) is not None


def _refused_before(pair: Pair, fd: object = None) -> bool:
    """Whether the socket's last connect was refused on both sides."""
    first = _connect_before(pair, fd)
    return first is not None and first.c["errno"] == first.other["errno"] and first.c["errno"] in REFUSALS


def _aborted(pair: Pair) -> bool:
    aborted = pair.c["errno"] != "ECONNABORTED" == pair.other["errno"]
    return pair.call == "connect" and aborted and _refused_before(pair)


def _keeps_its_address(pair: Pair) -> bool:
    addresses = [record["args"][1:2] for record in (pair.c, pair.other)]
    if pair.call != "getsockname" or not all(address and isinstance(address[0], dict) for address in addresses):
        return False
    hosts = [address[0].get("addr") for address in addresses]
    return hosts[0] in ("0.0.0.0", "::") and hosts[1] != hosts[0] and _refused_before(pair)


def _cannot_listen(pair: Pair) -> bool:
    answers = pair.call, pair.c["result"], pair.other["errno"]
    return answers == ("listen", 0, "EINVAL") and _refused_before(pair)


def _readable(pair: Pair) -> bool:
    """poll answers differently, and of refused sockets alone: in Python they have come to their end too."""
    if pair.call != "poll" or not (succeeded(pair.c) and succeeded(pair.other)):
        return False
    entries = [record["args"][0] for record in (pair.c, pair.other)]
    differ = [mine for mine, theirs in zip(*entries, strict=True) if mine != theirs]
    return bool(differ) and all(_refused_before(pair, entry["fd"]) for entry in differ)


@_only(*RECEIVE, "read")
def _at_its_end(pair: Pair) -> bool:
    return pair.c["errno"] == "ENOTCONN" and pair.other["result"] == 0 and _refused_before(pair)


#: call -> what C does on a socket whose connect was refused, what Python does, the predicate
AFTER_A_REFUSAL: dict[str, tuple[str, str, Predicate]] = {
    "connect": ("tries again", "says ECONNABORTED", _aborted),
    "getsockname": (
        "has the unnamed address again",
        "the address of the connection that there never was",
        _keeps_its_address,
    ),
    "listen": ("can listen", "says EINVAL", _cannot_listen),
    "poll": ("says POLLHUP, as of an unconnected one", "also that it came to its end", _readable),
    **{call: ("says ENOTCONN", "returns 0, as at an end", _at_its_end(call)) for call in (*RECEIVE, "read")},
}

ENTRIES: tuple[Difference, ...] = (
    *(
        Difference(
            id=f"{call}-timeout-without-errno",
            title=f"{call} that waited too long: C says {errno}, Python raises TimeoutError without errno",
            c=f"With SO_RCVTIMEO or SO_SNDTIMEO set, -1 with {errno} (socket(7)).",
            python="After settimeout, TimeoutError: its errno is None, and code that looks at errno does not know it.",
            why=f"{WAITS} raises it when its poll has timed out",
            recipe=_unlimited(call),
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
            recipe=_unlimited(call),
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
            recipe=_unlimited(call),
            evidence="connect/tcp/settimeout-once" if call == "connect" else f"{call}/local/settimeout-once",
            predicate=_nonblocking_since(call),
        )
        for call in IN_PYTHON
    ),
    Difference(
        id="connect-timeout-without-waiting",
        title="connect with a timeout to an AF_UNIX listener that is full: C waits for room, Python does not",
        c="connect waits until somebody accepts, for as long as SO_SNDTIMEO says (unix(7)).",
        python="EAGAIN at once, however long the timeout is.",
        why="internal_connect in socketmodule.c waits after EINPROGRESS alone, which AF_UNIX does not know",
        recipe=_unlimited("connect"),
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
            recipe=_unlimited(call),
            evidence=f"{call}/local/settimeout-dontwait",
            predicate=_despite_dontwait(call),
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
            recipe=_unlimited(call),
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
            recipe=_unlimited(call),
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
            recipe=_unlimited(call),
            evidence=f"{call}/local/settimeout-and-close",
            predicate=_looked_up_again(call),
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
    *(
        Difference(
            id=f"{call}-timeout-sends-part",
            title=f"{call} of much on a stream with a timeout: C waits until all is sent, Python returns with a part",
            c="A call that may wait sends everything, if SO_SNDTIMEO leaves it the time.",
            python="One call that does not wait: it returns what there was room for.",
            why="O_NONBLOCK, set by init_sockobject in socketmodule.c; only socket.sendall goes on",
            recipe=_unlimited(call),
            evidence=f"{call}/{'tcp' if call == 'sendto' else 'local'}/settimeout-and-much",
            predicate=_sent_a_part(call),
        )
        for call in (*SEND, "write")
    ),
    *(
        Difference(
            id=f"{call}-timeout-waits-for-room",
            title=f"{call} with a timeout on a socket that has a little room: C sends at once, Python waits for more",
            c="There is room until the send buffer is full.",
            python="poll calls a local socket writable only while less than a quarter of its buffer is used.",
            why=f"{WAITS} waits for POLLOUT (unix_writable in the kernel) before it sends",
            recipe=_unlimited(call),
            evidence=f"{call}/{'local' if call == 'send' else 'local-dgram'}/settimeout-and-room",
            predicate=_waited_for_room(call),
        )
        for call in SEND
    ),
    Difference(
        id="send-timeout-waits-for-nothing",
        title="send of 0 bytes with a timeout on a stream that is full: C returns 0 at once, Python waits for room",
        c="There is always room for no bytes.",
        python="TimeoutError, if nobody reads.",
        why=f"{WAITS} waits for POLLOUT before it sends, however little",
        recipe=_unlimited("send"),
        evidence="send/local/settimeout-and-nothing",
        predicate=_waited_for_room_for_nothing,
    ),
    *(
        Difference(
            id=f"{call}-timeout-breaks-waitall",
            title=f"{call} with a timeout and MSG_WAITALL: C waits for all, Python returns with what is there",
            c="The call waits until all that it asked for has come, within SO_RCVTIMEO.",
            python="The flag has no effect on a descriptor with O_NONBLOCK.",
            why="O_NONBLOCK, set by init_sockobject in socketmodule.c",
            recipe=_unlimited(call),
            evidence=f"{call}/local/settimeout-waitall",
            predicate=_not_all(call),
        )
        for call in RECEIVE
    ),
    *(
        Difference(
            id=f"{call}-timeout-breaks-low-water-mark",
            title=f"{call} with a timeout and SO_RCVLOWAT: C waits for that much, Python returns with less",
            c="The call waits until SO_RCVLOWAT bytes have come, within SO_RCVTIMEO.",
            python="poll calls a local stream readable when a byte is there, and the receive does not wait for more.",
            why="O_NONBLOCK, set by init_sockobject in socketmodule.c",
            recipe=_unlimited(call),
            evidence=f"{call}/local/settimeout-low-water",
            predicate=_below_the_mark(call),
        )
        for call in (*RECEIVE, "read")
    ),
    *(
        Difference(
            id=f"{call}-timeout-waits-for-low-water-mark",
            title=f"{call} of less than SO_RCVLOWAT with a timeout: C takes what is there, Python waits for the mark",
            c="The call waits for SO_RCVLOWAT bytes, or for what it asked for if that is less.",
            python="poll of a TCP socket waits for SO_RCVLOWAT bytes, also if fewer are asked for: TimeoutError.",
            why=f"{WAITS} waits for POLLIN, and poll does not know how much will be asked for",
            recipe=_unlimited(call),
            evidence=f"{call}/tcp/settimeout-low-water",
            predicate=_until_the_mark(call),
        )
        for call in RECEIVE
    ),
    *(
        Difference(
            id=f"{call}-timeout-misses-urgent-byte",
            title=f"{call} with a timeout and MSG_OOB: C takes the urgent byte, Python waits for others",
            c="The urgent byte is received as soon as it has arrived.",
            python="An urgent byte alone is POLLPRI and not POLLIN: TimeoutError, and the byte stays.",
            why=f"{WAITS} waits for POLLIN whatever the flags are",
            recipe=_unlimited(call),
            evidence=f"{call}/tcp/settimeout-urgent",
            predicate=_misses_the_urgent_byte(call),
        )
        for call in RECEIVE
    ),
    Difference(
        id="connect-timeout-twice",
        title="connect with a timeout over TCP, and once more: C says EISCONN, Python 0",
        c="A connect that waited has told the socket that it is connected: EISCONN.",
        python="It polled instead, so the next connect is the first to learn of the connection, and succeeds too.",
        why="internal_connect and sock_connect_impl in socketmodule.c look at SO_ERROR in place of connecting again",
        recipe=_unlimited("connect"),
        evidence="connect/tcp/settimeout-again",
        predicate=_twice,
    ),
    *(
        Difference(
            id=f"{call}-after-refused-connect",
            title=f"{call} after a connect with a timeout was refused: C {in_c}, Python {in_python}",
            c="A connect that waited and failed leaves the socket as it was before.",
            python="It polled, and took the error from SO_ERROR: nothing has told the socket that it is unconnected.",
            why="sock_connect_impl in socketmodule.c reads SO_ERROR in place of connecting again",
            recipe=_unlimited(call) if call == "connect" else "",
            no_recipe="" if call == "connect" else "it is too late; the connect before must be one without a timeout",
            evidence=f"{call}/tcp/settimeout-refused",
            predicate=predicate,
        )
        for call, (in_c, in_python, predicate) in AFTER_A_REFUSAL.items()
    ),
    *(
        Difference(
            id=f"{call}-timeout-misses-shutdown",
            title=f"{call} with a timeout on a datagram socket that is shut down: C returns 0, Python times out",
            c="A receive that may wait finds the end: 0.",
            python="One that does not wait looks at the queue alone: EAGAIN. poll calls the socket readable, so it is "
            "tried again and again, without pause, until TimeoutError.",
            why=f"{WAITS} polls and calls again after EAGAIN",
            recipe=_unlimited(call),
            evidence=f"{call}/local-dgram/settimeout-shut-down",
            predicate=_misses_the_shutdown(call),
        )
        for call in RECEIVE
    ),
    Difference(
        id="connect-timeout-while-trying",
        title="connect with a timeout while an earlier one is under way: C waits for it, Python says EALREADY",
        c="A connect that may wait waits for the connection that was begun, within SO_SNDTIMEO.",
        python="EALREADY at once, however long the timeout is: a connect that timed out cannot be gone on with.",
        why="internal_connect in socketmodule.c waits after EINPROGRESS alone",
        recipe=_unlimited("connect"),
        evidence="connect/tcp/settimeout-while-trying",
        predicate=_does_not_wait_again,
    ),
)
