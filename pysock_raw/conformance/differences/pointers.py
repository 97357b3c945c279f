"""Differences in NULL for a pointer."""

from __future__ import annotations

from collections.abc import Callable

from pysock_raw.conformance.differences.difference import Difference, raised
from pysock_raw.conformance.verdicts import Pair, succeeded


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


def _null_buffer(call: str) -> Callable[[Pair], bool]:
    def recognises(pair: Pair) -> bool:
        return (
            pair.call == call
            and pair.argument("buf") is None
            and raised(pair, "TypeError: a bytes-like object is required, not 'NoneType'")
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
            c="-1 with EFAULT, or success where no byte is used.",
            python="TypeError before the kernel is asked.",
            why=why,
            no_recipe="no bytes-like object stands for NULL",
            evidence=evidence,
            predicate=_null_buffer(call),
        )
        for call, why, evidence in (
            ("send", "sock_send in socketmodule.c takes bytes-like objects only", "send/null"),
            ("sendto", "sock_sendto in socketmodule.c takes bytes-like objects only", "sendto/tcp/null"),
            ("write", "os.write takes bytes-like objects only", "write/tcp/null"),
        )
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
