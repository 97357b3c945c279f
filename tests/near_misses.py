"""For each catalogued difference a near-miss: how to alter the pair of calls that its evidence shows, so that it is no
longer this difference.

    c, other    members of the records of the two sides
    args        arguments, on both sides
    earlier     arguments of all earlier calls of a name, on both sides
    without     the name of calls that were never made
"""

from pysock_raw.conformance.differences import descriptors

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
    **{
        f"{call}-goes-on-after-signal": {"c": {"errno": "EAGAIN"}}
        for call in ("accept", "read", "recv", "recvfrom", "poll")
    },
    "connect-waits-after-signal": {"c": {"errno": "EINPROGRESS"}},
}
