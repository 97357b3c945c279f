"""For each catalogued difference a near-miss: how to alter the pair of calls that its evidence shows, so that it is no
longer this difference.

    c, other    members of the records of the two sides
    args        arguments, on both sides
    earlier     arguments of all earlier calls of a name, on both sides
    without     the name of calls that were never made
"""

import itertools
import re

from pysock_raw.conformance.differences import (
    addresses,
    connecting,
    constants,
    descriptors,
    fast_open,
    lengths,
    messages,
    order,
    pointers,
    signals,
    texts,
    timeout_answers,
    timeouts,
)
from pysock_raw.conformance.pairs import Pair
from pysock_raw.trace_arguments import PARAMETERS


def addressed(call, addr=None, addrlen=None):
    """Arguments with another address or length."""
    if call == "sendmsg":
        return {"args": {"msg": {"msg_name": addr, "msg_namelen": addrlen}}}
    return {"args": {**({"addr": addr} if addr else {}), **({"addrlen": addrlen} if addrlen else {})}}


NO_LIMIT = {"tv_sec": 0, "tv_usec": 0}
NO_NULL = {"buf": {"room": 4}, "msg": {"msg_iov": [{"room": 4}]}}
ON_PURPOSE = {call: {"type": "SOCK_STREAM|SOCK_NONBLOCK"} for call in ("socket", "socketpair")}

NEAR_MISSES = {
    **{f"{call}-close-on-exec": {"without": call} for call in descriptors.HANDED_OUT},
    **{f"{call}-negative-descriptor": {"args": {"fd": 999}} for call in descriptors.TAKE_A_DESCRIPTOR},
    "socket-domain-minus-one": {"args": {"domain": -2}},
    "socket-type-minus-one": {"args": {"type": -2}},
    "socket-protocol-minus-one": {"args": {"protocol": -2}},
    "listen-negative-backlog": {"earlier": {"listen": {"backlog": 0}}},
    **{
        f"{call}-{foreign.id}": addressed(call, {"family": "AF_APPLETALK", "bytes": "", "length": 0})
        for call in addresses.TAKE_AN_ADDRESS
        for foreign in addresses.FOREIGN
    },
    **{
        f"{call}-broadcast-address-for-ipv6-socket": addressed(call, {"family": "AF_INET", "addr": "127.0.0.1"})
        for call in addresses.TAKE_AN_ADDRESS
    },
    **{
        f"{call}-ipv4-address-for-ipv6-datagrams": {"earlier": {"socket": {"type": "SOCK_STREAM"}}}
        for call in ("connect", *addresses.SEND)
    },
    **{
        f"{call}-numbers-of-another-family": {"earlier": {"socket": {"domain": "AF_VSOCK"}}}
        for call in addresses.TAKE_AN_ADDRESS
    },
    **{
        f"{call}-ip-address-for-packet-socket": {"earlier": {"socket": {"domain": "AF_INET"}}}
        for call in addresses.TAKE_AN_ADDRESS
    },
    **{
        f"{call}-address-without-interface": {"c": {"result": -1, "errno": "ENODEV"}}
        for call in addresses.TAKE_AN_ADDRESS
    },
    **{
        f"{call}-unspecified-family": {"other": {"raised": "Inexpressible: no other reason"}}
        for call in addresses.TAKE_AN_ADDRESS
    },
    **{
        f"{call}-unspecified-family-for-ipv6": {"earlier": {"socket": {"domain": "AF_INET"}}} for call in addresses.SEND
    },
    **{
        f"{call}-family-without-form": {"other": {"raised": "Inexpressible: no other reason"}}
        for call in addresses.TAKE_AN_ADDRESS
    },
    **{f"{call}-path-of-108-bytes": addressed(call, {"family": "AF_UNIX"}, 111) for call in addresses.TAKE_AN_ADDRESS},
    **{
        f"{call}-name-beyond-sun-path": addressed(call, {"family": "AF_UNIX"}, 110)
        for call in addresses.TAKE_AN_ADDRESS
    },
    **{
        f"{call}-flow-label-beyond-20-bits": addressed(call, {"family": "AF_INET6", "flowinfo": 0xFFFFF})
        for call in addresses.TAKE_AN_ADDRESS
    },
    "getsockname-address-without-interface": {"other": {"raised": "Inexpressible: no other reason"}},
    **{
        entry.id: {
            "other": {"raised": "AttributeError: the stdlib side has no SO_NONE: it is not a name of pysock_raw"}
        }
        for entry in constants.ENTRIES
    },
    **{
        conversion.id: {"other": {"raised": "OSError: no conversion, but the call itself"}}
        for conversion in texts.CONVERSIONS
    },
    "accept4-nonblocking": {"args": {"flags": "SOCK_NONBLOCK|0x1"}},
    "accept4-unknown-flag": {"args": {"flags": "SOCK_NONBLOCK|SOCK_CLOEXEC"}},
    **{f"{call}-null-address": {"args": {"addr": {"family": "AF_INET"}}} for call in ("bind", "connect", "sendto")},
    **{f"{call}-null-buffer": {"args": NO_NULL} for call in pointers.SENDS},
    **{f"{call}-null-buffer": {"args": NO_NULL} for call in pointers.RECEIVES},
    **{f"{call}-null-length": {"args": {"addrlen": {"in": 16, "out": 16}}} for call in pointers.TELL_AN_ADDRESS},
    **{f"{call}-null-address": {"args": {"addr": {"room": 16}}} for call in ("getsockname", "getpeername")},
    "getsockopt-null-value": {"args": {"optval": {"room": 4}}},
    "getsockopt-null-length": {"args": {"optlen": {"in": 4, "out": 4}}},
    "socketpair-null-array": {"args": {"sv": [3, 4]}},
    "poll-null-array": {"args": {"fds": []}},
    **{f"{call}-negative-length": addressed(call, {"family": "AF_INET"}, 16) for call in addresses.TAKE_AN_ADDRESS},
    **{f"{call}-longer-than-storage": {"args": {"addrlen": 128}} for call in lengths.REFUSE_MORE_THAN_STORAGE},
    **{
        f"{call}-longer-than-sockaddr_un": addressed(call, {"family": "AF_UNIX"}, 129)
        for call in addresses.TAKE_AN_ADDRESS
    },
    **{
        f"{call}-short-address": {"other": {"raised": "Inexpressible: no other reason"}}
        for call in addresses.TAKE_AN_ADDRESS
    },
    "sendto-address-of-0-bytes": {"args": {"addrlen": 1}},
    **{
        f"{call}-negative-length": {"args": {"addrlen": {"in": 2**31 - 1, "out": 16}}}
        for call in pointers.TELL_AN_ADDRESS
    },
    "recvmsg-negative-length": {"args": {"msg": {"msg_namelen": {"in": 2**31 - 1, "out": 16}}}},
    **{f"{call}-null-structure": {"args": NO_NULL} for call in messages.STRUCTURES},
    **{f"{call}-null-array": {"args": NO_NULL} for call in messages.STRUCTURES},
    "sendmsg-null-control": {"args": {"msg": {"msg_control": None, "msg_controllen": 0}}},
    "sendmsg-wrong-cmsg-len": {"args": {"msg": {"msg_control": []}}},
    **{f"{call}-missing": {"other": {"raised": "Inexpressible: no other reason"}} for call in messages.MANY},
    "getsockopt-room-beyond-1024": {"args": {"optlen": {"in": 1024, "out": 4}}},
    "getsockopt-negative-length": {"args": {"optlen": {"in": 2**31 - 1, "out": 4}}},
    "getsockopt-room-of-0": {"args": {"optlen": {"in": 1, "out": 0}}},
    "getsockopt-int-without-length": {"args": {"optlen": {"in": 8, "out": 0}}},
    "getsockopt-room-needed": {"c": {"errno": "EINVAL"}},
    "getsockopt-int-is-read": {"args": {"optname": 12}},
    "getsockopt-buffer-is-read": {"other": {"raised": "Inexpressible: socket.getsockopt takes no"}},
    "setsockopt-negative-length": {"args": {"optlen": 4}},
    "getsockopt-vsock-bytes": {"other": {"raised": "OSError: getsockopt buflen out of range"}},
    "setsockopt-vsock-bytes": {"other": {"raised": "TypeError: setsockopt() argument 2 must be int, not bytes"}},
    **{f"{call}-vsock-int": {"args": {"level": "SOL_SOCKET"}} for call in ("getsockopt", "setsockopt")},
    "connect-null-before-no-socket": {"args": {"addr": {"family": "AF_INET"}}},
    "connect-length-before-no-socket": {"args": {"addrlen": 128}},
    **{f"{call}-flag-before-descriptor": {"args": {"flags": 0}} for call in order.MESSAGES},
    **{f"{call}-name-asked-first": {"earlier": {"socket": {"domain": "AF_INET"}}} for call in order.ASK_FIRST},
    "sendto-without-address": {"c": {"result": -1, "errno": "EDESTADDRREQ"}},
    "recv-of-0-bytes": {"args": {"len": 1}},
    "poll-negative-descriptor": {"args": {"fds": [{"fd": 3, "events": "POLLIN", "revents": 0}]}},
    "poll-one-descriptor-twice": {"args": {"fds": [{"fd": fd, "events": "POLLIN", "revents": 0} for fd in (3, 4)]}},
    **{f"{call}-goes-on-after-signal": {"c": {"errno": "EAGAIN"}} for call in (*signals.RETRIED, "poll")},
    **{f"{call}-clears-nonblock": {"earlier": {"fcntl": {"arg": 0}}} for call in timeouts.IN_PYTHON},
    "fcntl-nonblock-cleared": {"earlier": {"fcntl": {"arg": 0}}},
    "listen-backlog-of-0": {"earlier": {"listen": {"backlog": 1}}},
    "connect-retried-after-signal": {"c": {"errno": "EAGAIN"}},
    "connect-waits-after-signal": {"c": {"errno": "EINPROGRESS"}},
    **{
        f"{call}-timeout-without-errno": {"earlier": {"setsockopt": {"optval": NO_LIMIT}}}
        for call in timeouts.OF_SOCKETS
    },
    **{f"{call}-timeout-of-0": {"other": {"timeout": 1.0}} for call in timeouts.OF_SOCKETS},
    **{f"{call}-nonblocking-since-timeout": {"earlier": ON_PURPOSE} for call in timeouts.IN_PYTHON},
    "connect-timeout-without-waiting": {"args": {"addr": {"family": "AF_INET", "addr": "127.0.0.1", "port": 9}}},
    **{f"{call}-timeout-despite-nonblock": {"without": "fcntl"} for call in timeouts.OF_SOCKETS},
    **{f"{call}-timeout-despite-dontwait": {"args": {"flags": 0}} for call in (*timeouts.SEND, *timeouts.RECEIVE)},
    **{f"{call}-timeout-for-error-queue": {"args": {"flags": 0}} for call in timeouts.RECEIVE},
    **{f"{call}-timeout-hides-error": {"c": {"errno": "EINTR"}} for call in timeouts.OF_SOCKETS},
    **{
        f"{call}-timeout-looks-up-again": {"args": {"fd": "fd1"}}
        for call in (*timeouts.ACCEPT, *timeouts.SEND, *timeouts.RECEIVE)
    },
    **{f"{call}-timeout-gives-up": {"c": {"time": [0, 1]}} for call in timeouts.OF_SOCKETS},
    **{
        f"{call}-timeout-is-one-deadline": {"c": {"errno": "EAGAIN"}}
        for call in (*timeouts.ACCEPT, *timeouts.SEND, *timeouts.RECEIVE)
    },
    **{f"{call}-timeout-is-nonblock": {"without": call} for call in (*timeouts.HANDED_OUT, "setsockopt")},
    **{f"{call}-timeout-sends-part": {"earlier": ON_PURPOSE} for call in (*timeouts.SEND, "write")},
    **{f"{call}-timeout-waits-for-room": {"args": {"len": 0, "msg": {"msg_iov": []}}} for call in timeouts.SEND},
    **{
        f"{call}-timeout-waits-for-nothing": {"args": {"len": 1, "msg": {"msg_iov": [{"bytes": "x", "length": 1}]}}}
        for call in timeout_answers.SEND_NOTHING
    },
    **{
        f"{call}-timeout-without-room": {"args": {"len": 1, "msg": {"msg_iov": [{"room": 1}]}}}
        for call in timeout_answers.RECEIVE_NOTHING
    },
    **{f"{call}-timeout-breaks-waitall": {"args": {"flags": 0}} for call in timeouts.RECEIVE},
    **{
        f"{call}-timeout-{mark}-low-water-mark": {"without": "setsockopt"}
        for call in (*timeouts.RECEIVE, "read")
        for mark in ("breaks", "waits-for")
    },
    **{f"{call}-timeout-misses-urgent-byte": {"args": {"flags": 0}} for call in timeouts.RECEIVE},
    "connect-timeout-twice": {"without": "connect"},
    **{f"{call}-after-refused-connect": {"without": "connect"} for call in connecting.AFTER_A_REFUSAL},
    **{f"{call}-timeout-misses-shutdown": {"without": "shutdown"} for call in timeouts.RECEIVE},
    "connect-timeout-while-trying": {"without": "connect"},
    **{f"{call}-timeout-does-not-connect": {"args": {"flags": "MSG_MORE"}} for call in fast_open.CALLS},
    **{f"{call}-fast-open-after-timeout": {"without": "connect"} for call in fast_open.CALLS},
    "getsockopt-longer-than-its-room": {"other": {"raised": "ValueError: another"}},
    "fcntl-owner-is-a-group": {"args": {"cmd": "F_GETSIG"}},
    "poll-limit-counts-entries": {"args": {"fds": [{"fd": 3, "events": "POLLIN", "revents": 0}]}},
}

#: for those whose title names C's errno
ANOTHER_ERRNO = {"c": {"errno": "EPROTO"}}


def names_an_errno(difference):
    return re.search("C (says|gets) E[A-Z]", difference.title) is not None


def altered(record, near_miss, arguments):
    names = [*PARAMETERS[record["call"]]]
    args = [arguments.get(name, value) for name, value in zip(names, record["args"], strict=False)]
    return {**record, **near_miss, "args": args}


def missed(pair, near_miss):
    """The pair, altered."""
    earlier = near_miss.get("earlier", {})
    pairs = [
        Pair(*(altered(record, {}, earlier.get(record["call"], {})) for record in (old.c, old.other)))
        for old in itertools.chain.from_iterable(pair.program or [pair.pairs])
        if old.c["at"] < pair.c["at"] and old.call != near_miss.get("without")
    ]
    sides = (
        altered(getattr(pair, side), near_miss.get(side, {}), near_miss.get("args", {})) for side in ("c", "other")
    )
    return Pair(*sides, pairs, len(pairs))
