"""What a call was given, wherever C has it: in arguments of its own, or in the msghdr of sendmsg and recvmsg."""

from __future__ import annotations

from typing import Any

from pysock_raw.conformance.pairs import Pair


def message(pair: Pair) -> dict[str, Any]:
    """The msghdr, or {} where there is none."""
    found = pair.argument("msg")
    return found if isinstance(found, dict) else {}


def address(pair: Pair) -> Any:
    return message(pair).get("msg_name") if message(pair) else pair.argument("addr")


def length(pair: Pair) -> Any:
    """The length of the address, as the int that the kernel reads; a value-result length as it is."""
    found = message(pair).get("msg_namelen") if message(pair) else pair.argument("addrlen")
    return found - 2**32 if isinstance(found, int) and found >= 2**31 else found


def buffers(pair: Pair) -> list[Any]:
    """The buffers, of which None is NULL."""
    if pair.call in ("sendmsg", "recvmsg"):
        return message(pair).get("msg_iov") or []
    return [pair.argument("buf")]


def nothing(pair: Pair) -> bool:
    """Whether there are no bytes to send, or there is no room for what is received. NULL counts as none: with a length
    beside it no call succeeds."""
    if pair.call in ("sendmsg", "recvmsg"):
        return not any(buffer and (buffer.get("length") or buffer.get("room")) for buffer in buffers(pair))
    return bool(pair.argument("len") == 0)
