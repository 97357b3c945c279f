"""For each catalogued difference a near-miss: how to alter the pair of calls that its evidence shows, so that it is no
longer this difference.

    c, other    members of the records of the two sides
    args        arguments, on both sides
    earlier     arguments of all earlier calls of a name, on both sides
    without     the name of calls that were never made
"""

from pysock_raw.conformance.differences import addresses, descriptors, order, pointers

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
    **{f"{call}-null-buffer": {"args": {"buf": {"bytes": "", "length": 0}}} for call in pointers.SENDS},
    **{f"{call}-null-buffer": {"args": {"buf": {"room": 4}}} for call in pointers.RECEIVES},
    **{f"{call}-null-length": {"args": {"addrlen": {"in": 16, "out": 16}}} for call in pointers.TELL_AN_ADDRESS},
    **{f"{call}-null-address": {"args": {"addr": {"room": 16}}} for call in ("getsockname", "getpeername")},
    "getsockopt-null-value": {"args": {"optval": {"room": 4}}},
    "getsockopt-null-length": {"args": {"optlen": {"in": 4, "out": 4}}},
    "socketpair-null-array": {"args": {"sv": [3, 4]}},
    "poll-null-array": {"args": {"fds": []}},
    **{f"{call}-negative-length": {"args": {"addrlen": 16}} for call in addresses.TAKE_AN_ADDRESS},
    **{f"{call}-longer-than-storage": {"args": {"addrlen": 128}} for call in addresses.TAKE_AN_ADDRESS},
    **{f"{call}-longer-than-sockaddr_un": {"args": {"addrlen": 129}} for call in addresses.TAKE_AN_ADDRESS},
    **{f"{call}-short-address": {"c": {"result": 0, "errno": None}} for call in addresses.TAKE_AN_ADDRESS},
    "sendto-address-of-0-bytes": {"args": {"addrlen": 1}},
    **{
        f"{call}-negative-length": {"args": {"addrlen": {"in": 2**31 - 1, "out": 16}}}
        for call in pointers.TELL_AN_ADDRESS
    },
    "poll-more-than-the-limit": {"args": {"fds": [{"fd": 3, "events": "POLLIN", "revents": 0}]}},
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
    **{f"{call}-name-asked-first": {"earlier": {"socket": {"domain": "AF_INET"}}} for call in order.ASK_FIRST},
    "sendto-without-address": {"c": {"result": -1, "errno": "EDESTADDRREQ"}},
    "recv-of-0-bytes": {"args": {"len": 1}},
    "poll-negative-descriptor": {"args": {"fds": [{"fd": 3, "events": "POLLIN", "revents": 0}]}},
    "poll-one-descriptor-twice": {"args": {"fds": [{"fd": fd, "events": "POLLIN", "revents": 0} for fd in (3, 4)]}},
    **{
        f"{call}-goes-on-after-signal": {"c": {"errno": "EAGAIN"}}
        for call in ("accept", "read", "recv", "recvfrom", "poll")
    },
    "connect-waits-after-signal": {"c": {"errno": "EINPROGRESS"}},
}
