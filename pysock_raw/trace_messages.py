"""The structures of sendmsg, recvmsg, sendmmsg and recvmmsg as values that JSON can hold, by C's names:

    {"msg_name": address, "msg_namelen": {"in": 16, "out": 16}, "msg_iov": [buffer, ...],
     "msg_control": [{"cmsg_len": 20, "cmsg_level": "SOL_SOCKET", "cmsg_type": "SCM_RIGHTS", "fds": [5]}],
     "msg_controllen": {"in": 24, "out": 24}, "msg_flags": "MSG_TRUNC"}

and for mmsghdr {"msg_hdr": that, "msg_len": 5}. What a call will write is shown by its room until it has.
"""

from __future__ import annotations

import array
import ipaddress
import struct
import sys
from collections.abc import Callable
from typing import Any

from pysock_raw import trace_values as values
from pysock_raw.backends import control, messages
from pysock_raw.backends.messages import Batch, Message
from pysock_raw.structures import mmsghdr, msghdr, sizeof

USES = {use.call: use for use in (messages.SENDMSG, messages.RECVMSG, messages.SENDMMSG, messages.RECVMMSG)}
ORIGINS = ("NONE", "LOCAL", "ICMP", "ICMP6", "TXSTATUS", "ZEROCOPY")  # SO_EE_ORIGIN_* of linux/errqueue.h


def look(call: str, obj: Any, count: int) -> Batch:
    """The structures that a call is given."""
    return messages.look("msg", obj, count, USES[call])


def shown(batch: Batch, obj: Any = None, result: int = 0) -> Any:
    """The structures before a call, or, with the object that they are in and its result, after it."""
    many, size = batch.use.kind is mmsghdr, sizeof(batch.use.kind)
    written = 0 if obj is None else result if many else 1
    found = []
    for index, message in enumerate(batch.messages):
        if index >= written:
            found.append({"msg_hdr": _message(batch, message)} if many else _message(batch, message))
            continue
        structure = batch.use.kind.from_buffer_copy(memoryview(obj).cast("B")[index * size :])
        length = structure.msg_len if many else result
        value = _message(batch, message, getattr(structure, "msg_hdr", structure), length)
        found.append({"msg_hdr": value, "msg_len": length} if many else value)
    return found if many else found[0]


def _message(batch: Batch, message: Message, header: msghdr | None = None, length: int = 0) -> dict[str, Any]:
    if batch.use.receives:
        return _received(message, header, length)
    return {
        "msg_name": None if message.name is None else values.address(bytes(message.name[: message.namelen])),
        "msg_namelen": message.namelen,
        "msg_iov": _vectors(message, message.length),
        "msg_control": None if message.control is None else _control(bytes(message.control[: message.controllen])),
        "msg_controllen": message.controllen,
    }


def _received(message: Message, header: msghdr | None, length: int) -> dict[str, Any]:
    if header is None:
        name, room, told = message.namelen, message.controllen, {}
    else:
        name, room = header.msg_namelen, header.msg_controllen
        told = {"msg_flags": values.flags("MSG_", header.msg_flags)}
    address = b"" if header is None or message.name is None else bytes(message.name[: min(name, message.namelen)])
    control = b"" if header is None or message.control is None else bytes(message.control[:room])
    return {
        "msg_name": None if message.name is None else values.address(address) if address else {"room": message.namelen},
        "msg_namelen": {"in": message.namelen, "out": name},
        "msg_iov": _vectors(message, length),
        "msg_control": None
        if message.control is None
        else _control(control)
        if control
        else {"room": message.controllen},
        "msg_controllen": {"in": message.controllen, "out": room},
        **told,
    }


def _vectors(message: Message, length: int) -> Any:
    """The buffers, with the first `length` bytes in them."""
    if message.iov is None:
        return None
    found: list[Any] = []
    for view, room in message.vectors:
        filled = min(room, length)
        length -= filled
        found.append(None if view is None else values.buffer(bytes(view[:filled])) if filled else {"room": room})
    return found


# --- control messages ---


def _control(raw: bytes) -> list[dict[str, Any]]:
    return [
        {
            "cmsg_len": head.cmsg_len,
            "cmsg_level": values.level(head.cmsg_level),
            "cmsg_type": _type(head.cmsg_level, head.cmsg_type),
            **_data(_type(head.cmsg_level, head.cmsg_type), data),
        }
        for head, data in control.messages(raw)
    ]


def _type(level: int, type: int) -> int | str:
    name = values.level(level)
    return values.names("SCM_").get(type, type) if name == "SOL_SOCKET" else values.option_name(name, type)


def _data(type: int | str, data: bytes) -> dict[str, Any]:
    if type == "SCM_RIGHTS":
        return {"fds": array.array("i", data[: len(data) // 4 * 4]).tolist()}
    length, form = FORMS.get(type, (-1, values.buffer)) if isinstance(type, str) else (-1, values.buffer)
    if len(data) >= length:
        return {"cmsg_data": form(data)}
    return {"cmsg_data": values.buffer(data)}


def _credentials(data: bytes) -> dict[str, int]:
    """As much of a struct ucred as there is."""
    numbers = array.array("i", data[: len(data) // 4 * 4])
    return dict(zip(("pid", "uid", "gid"), numbers, strict=False))


def _pktinfo(data: bytes) -> dict[str, Any]:
    index, local, destination = struct.unpack_from("=i4s4s", data)
    addresses = (str(ipaddress.IPv4Address(address)) for address in (local, destination))
    return dict(zip(("ipi_ifindex", "ipi_spec_dst", "ipi_addr"), (index, *addresses), strict=True))


def _pktinfo6(data: bytes) -> dict[str, Any]:
    address, index = struct.unpack_from("=16sI", data)
    return {"ipi6_addr": str(ipaddress.IPv6Address(address)), "ipi6_ifindex": index}


def _extended_error(data: bytes) -> dict[str, Any]:
    number, origin, type, code, info, more = struct.unpack_from("=IBBBxII", data)
    return {
        "ee_errno": values.errno_name(number),
        "ee_origin": f"SO_EE_ORIGIN_{ORIGINS[origin]}" if origin < len(ORIGINS) else origin,
        "ee_type": type,
        "ee_code": code,
        "ee_info": info,
        "ee_data": more,
        "offender": values.address(data[16:]),
    }


def _time(data: bytes) -> dict[str, Any]:
    return {"room": len(data)}  # it differs from run to run


Form = Callable[[bytes], Any]
#: type -> (least length, form)
FORMS: dict[str, tuple[int, Form]] = {
    "SCM_CREDENTIALS": (0, _credentials),
    "SCM_TIMESTAMP": (0, _time),
    "SCM_TIMESTAMPNS": (0, _time),
    "SCM_TIMESTAMPING": (0, _time),
    "IP_PKTINFO": (12, _pktinfo),
    "IPV6_PKTINFO": (20, _pktinfo6),
    "IP_RECVERR": (16, _extended_error),
    "IPV6_RECVERR": (16, _extended_error),
    **{
        name: (4, lambda data: int.from_bytes(data[:4], sys.byteorder, signed=True))
        for name in ("IP_TTL", "IPV6_HOPLIMIT", "IPV6_TCLASS", "UDP_GRO")
    },
}
