"""For each catalogued difference a near-miss: how to alter the pair of calls that its evidence shows, so that it is no
longer this difference.

    c, other    members of the records of the two sides
    args        arguments, on both sides
    earlier     arguments of all earlier calls of a name, on both sides
    without     the name of calls that were never made
"""

from pysock_raw.conformance.differences import connecting, descriptors, signals, timeouts

ONE_SECOND, NO_LIMIT = {"tv_sec": 1, "tv_usec": 0}, {"tv_sec": 0, "tv_usec": 0}
ON_PURPOSE = {call: {"type": "SOCK_STREAM|SOCK_NONBLOCK"} for call in ("socket", "socketpair")}

NEAR_MISSES = {
    **{f"{call}-close-on-exec": {"without": call} for call in descriptors.HANDED_OUT},
    **{f"{call}-negative-descriptor": {"args": {"fd": 999}} for call in descriptors.TAKE_A_DESCRIPTOR},
    "socket-domain-minus-one": {"args": {"domain": -2}},
    "socket-type-minus-one": {"args": {"type": -2}},
    "socket-protocol-minus-one": {"args": {"protocol": -2}},
    "listen-negative-backlog": {"earlier": {"listen": {"backlog": 0}}},
    "bind-path-of-108-bytes": {"args": {"addr": {"family": "AF_UNIX", "path": "a" * 107}}},
    "bind-foreign-family": {"args": {"addr": {"family": "AF_INET", "addr": "127.0.0.1", "port": 0}}},
    **{f"{call}-null-address": {"args": {"addr": {"family": "AF_INET"}}} for call in ("bind", "connect", "sendto")},
    **{f"{call}-null-buffer": {"args": {"buf": {"bytes": "", "length": 0}}} for call in ("send", "sendto", "write")},
    "sendto-without-address": {"c": {"result": -1, "errno": "EDESTADDRREQ"}},
    "recv-of-0-bytes": {"args": {"len": 1}},
    "poll-negative-descriptor": {"args": {"fds": [{"fd": 3, "events": "POLLIN", "revents": 0}]}},
    "poll-one-descriptor-twice": {"args": {"fds": [{"fd": fd, "events": "POLLIN", "revents": 0} for fd in (3, 4)]}},
    **{f"{call}-goes-on-after-signal": {"c": {"errno": "EAGAIN"}} for call in (*signals.RETRIED, "poll")},
    "connect-waits-after-signal": {"c": {"errno": "EINPROGRESS"}},
    **{
        f"{call}-timeout-without-errno": {"earlier": {"setsockopt": {"optval": NO_LIMIT}}}
        for call in timeouts.OF_SOCKETS
    },
    **{f"{call}-timeout-of-0": {"earlier": {"setsockopt": {"optval": ONE_SECOND}}} for call in timeouts.OF_SOCKETS},
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
    **{f"{call}-timeout-is-nonblock": {"without": call} for call in (*timeouts.HANDED_OUT, "setsockopt")},
    **{f"{call}-timeout-sends-part": {"earlier": ON_PURPOSE} for call in (*timeouts.SEND, "write")},
    **{f"{call}-timeout-waits-for-room": {"args": {"len": 0}} for call in timeouts.SEND},
    "send-timeout-waits-for-nothing": {"args": {"len": 1}},
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
    "fcntl-owner-is-a-group": {"args": {"cmd": "F_GETSIG"}},
    "poll-limit-counts-entries": {"args": {"fds": [{"fd": 3, "events": "POLLIN", "revents": 0}]}},
}
