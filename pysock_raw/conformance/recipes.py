"""Recipes: how to get C's behaviour in plain Python, as code that runs in place of one call of the stdlib side.

A recipe knows the arguments of the call by their names in C, and besides:

    sock       the socket object for fd, as a Python programmer has it
    address    Python's form of addr
    data       the bytes of buf (or optval) that the call sends; view, the part of it that the call fills
    buffers    a msghdr's buffers, and ancillary, the control messages in it that are sent, or room, the length of those
               that may come; its msg_name and msg_namelen are addr and addrlen
    messages   for each msghdr of an array (buffers, ancillary, address), or to receive (buffers, room)
    socket, os, select, fcntl, signal, struct, errno, time    the modules

Its last line is an expression: what C's call returns, or what Python has instead (None, a socket, a pair with an
address, bytes, what recvmsg_into returned, a list with what each message's call returned), which is then put where C
puts it.
"""

from __future__ import annotations

import ast
import contextlib
import errno
import fcntl
import os
import select
import signal
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

from pysock_raw.backends import arguments, messages, stdlib
from pysock_raw.backends.addresses import to_bytes, to_python
from pysock_raw.structures import mmsghdr
from pysock_raw.trace_arguments import MESSAGES, PARAMETERS
from pysock_raw.trace_messages import USES

MODULES = {module.__name__: module for module in (socket, os, select, fcntl, signal, struct, errno, time)}


class Written:
    """The stdlib side with one call written as a recipe says."""

    def __init__(self, call: str, recipe: str) -> None:
        setattr(self, call, stdlib._last.call(_written(call, recipe)))

    def __getattr__(self, name: str) -> Any:
        return getattr(stdlib, name)


def _written(call: str, recipe: str) -> Callable[..., Any]:
    tree = ast.parse(recipe)
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    used = {name.id for name in names} - {name.id for name in names if isinstance(name.ctx, ast.Store)}
    last = tree.body.pop()
    assert isinstance(last, ast.Expr), f"the last line of {recipe!r} is no expression"
    lines, value = compile(tree, "recipe", "exec"), compile(ast.Expression(last.value), "recipe", "eval")

    def written(*args: Any) -> Any:
        given = _given(call, args)
        with contextlib.ExitStack() as borrowed:
            known = MODULES | given | {name: make(given, borrowed) for name, make in MADE.items() if name in used}
            exec(lines, known)
            return _given_back(call, known, eval(value, known))

    return written


def _given(call: str, args: tuple[Any, ...]) -> dict[str, Any]:
    given = dict(zip(PARAMETERS[call], args, strict=True))
    name = next((name for name in MESSAGES if given.get(name) is not None), None)
    if name is not None:
        given["batch"] = messages.read(name, given[name], given.get("vlen", 1), USES[call])
        first = given["batch"].messages[0]
        given["addr"], given["addrlen"] = first.name, first.namelen
    return given


def _sock(given: dict[str, Any], borrowed: contextlib.ExitStack) -> socket.socket:
    return borrowed.enter_context(stdlib._borrowed(given["fd"]))


def _address(given: dict[str, Any], _: object) -> Any:
    """None for NULL, which sendmsg takes."""
    raw = given["addr"]
    return None if raw is None else to_python(bytes(memoryview(raw).cast("B")[: given["addrlen"]]))


def _part(given: dict[str, Any], _: object) -> memoryview | None:
    """The part of the buffer that the call may use."""
    name = "buf" if "buf" in given else "optval"
    length = next(given[length] for length in ("len", "count", "optlen") if length in given)
    view = arguments.memory(name, given[name])
    return view and view[: getattr(length, "value", length)]


def _data(given: dict[str, Any], _: object) -> bytes:
    return bytes(_part(given, None) or b"")


def _buffers(given: dict[str, Any], _: object) -> list[Any]:
    batch: messages.Batch = given["batch"]
    return stdlib._buffers(batch.messages[0], f"socket.{batch.use.call}")


def _messages(given: dict[str, Any], _: object) -> list[tuple[Any, ...]]:
    batch: messages.Batch = given["batch"]
    parts: Callable[[messages.Message], tuple[Any, ...]]
    parts = stdlib._to_receive if batch.use.receives else stdlib._to_send
    return [parts(message) for message in batch.messages]


MADE: dict[str, Callable[[dict[str, Any], contextlib.ExitStack], Any]] = {
    "sock": _sock,
    "address": _address,
    "data": _data,
    "view": _part,
    "buffers": _buffers,
    "ancillary": lambda given, _: stdlib._ancillary(given["batch"].messages[0]),
    "room": lambda given, _: stdlib._to_receive(given["batch"].messages[0])[1],
    "messages": _messages,
}


def _given_back(call: str, given: dict[str, Any], value: Any) -> Any:
    """What Python returned, put where C puts it."""
    if "batch" in given:
        return _give_messages(given, value)
    if call in ("getsockname", "getpeername"):
        value = None, value
    if call == "socketpair":
        value = struct.pack("ii", *(end.detach() for end in value))
    elif isinstance(value, tuple):
        value, address = value
        _give_address(given, address)
    if isinstance(value, bytes):
        _fill(next(given[name] for name in ("buf", "optval", "sv") if name in given), value)
        if "optlen" in given:
            given["optlen"].value = len(value)
        return len(value) if "buf" in given else 0
    if isinstance(value, socket.socket):
        return value.detach()
    return 0 if value is None else value


def _give_messages(given: dict[str, Any], value: Any) -> int:
    """What the call for each message returned."""
    batch: messages.Batch = given["batch"]
    answers = value if isinstance(value, list) else [value]
    for index, answer in enumerate(answers):
        length = answer
        if batch.use.receives:
            length, ancillary, msg_flags, sender = answer
            batch.received(index, given["sock"].family, sender, ancillary, msg_flags)
        if batch.use.kind is mmsghdr:
            batch.write(index, msg_len=length)
    messages.done(next(given[name] for name in MESSAGES if name in given), batch)
    return len(answers) if batch.use.kind is mmsghdr else length


def _give_address(given: dict[str, Any], address: Any) -> None:
    if given["addrlen"] is None:
        return
    with stdlib._borrowed(given["fd"]) as sock:
        raw = to_bytes(sock.family, address)
    view, room = arguments.value_result(given["addr"], given["addrlen"])
    stdlib._give_address(raw, view, room, given["addrlen"])


def _fill(buffer: Any, value: bytes) -> None:
    memoryview(buffer).cast("B")[: len(value)] = value
