"""The arguments of one call, as values (trace_values.py), before it and after it.

What kind an argument is follows from its name and type in the contract.
"""

from __future__ import annotations

import inspect
import struct
from collections.abc import Callable
from typing import Any

from pysock_raw import structures, trace_messages
from pysock_raw.backends import contract
from pysock_raw.trace_values import (
    SHOWN,
    address,
    buffer,
    fcntl_argument,
    flags,
    level,
    names,
    option,
    option_name,
    poll_entries,
    socket_type,
)


class Arguments:
    """The arguments of one call, before it (`before`) and after it (`after`, with what the kernel wrote)."""

    def __init__(self, call: str, args: tuple[Any, ...]) -> None:
        self.call = call
        self.named = dict(zip(PARAMETERS[call], args, strict=False))
        extra = [{"python": repr(arg)[:SHOWN]} for arg in args[len(PARAMETERS[call]) :]]
        self.lengths = {name: arg.value for name, arg in self.named.items() if isinstance(arg, structures.socklen_t)}
        self.before = [self._shown(name, arg) for name, arg in self.named.items()] + extra

    def after(self, result: int) -> list[Any]:
        shown = [*self.before]
        for place, name in WRITTEN[self.call]:
            if name in self.named:
                shown[place] = self._written(name, self.named[name], result, shown[place])
        return shown

    def _shown(self, name: str, arg: Any) -> Any:
        kind = PARAMETERS[self.call][name]
        try:
            if arg is None:
                return None
            if kind == "SocklenPointer":
                return {"in": arg.value, "out": arg.value}
            if kind == "TimespecPointer":
                return {"tv_sec": arg.tv_sec, "tv_nsec": arg.tv_nsec}  # what is left differs from run to run
            if name in MESSAGES:
                return trace_messages.shown(self._messages(name))
            if kind == "Writable":
                return poll_entries(self._bytes(arg)) if name == "fds" else {"room": memoryview(arg).nbytes}
            if kind == "Readable":
                raw = self._bytes(arg, self.named["count" if self.call == "write" else LENGTHS[name]])
                return (
                    address(raw) if name == "addr" else option(self._option(), raw) if name == "optval" else buffer(raw)
                )
            return self._number(name, int(arg) if not isinstance(arg, (float, str)) else arg)
        except (AttributeError, BufferError, LookupError, TypeError, ValueError):
            # C would not have compiled, or a length passes an end; the backend raises
            return {"python": type(arg).__name__ if name in MESSAGES else repr(arg)[:SHOWN]}

    def _messages(self, name: str) -> Any:
        """The structures as they are before the call, kept for what it will write to them."""
        self.batch = trace_messages.look(self.call, self.named[name], int(self.named.get("vlen", 1)))
        return self.batch

    def _number(self, name: str, number: Any) -> Any:
        if not isinstance(number, int):
            return {"python": repr(number)[:SHOWN]}
        if name == "flags":
            return flags("SOCK_" if self.call == "accept4" else "MSG_", number)
        if name == "optname":
            return self._option()
        if name == "protocol":
            return names("IPPROTO_").get(number, number) if number else 0
        if name == "arg":
            return fcntl_argument(names("F_").get(int(self.named["cmd"]), ""), number)
        if name in NUMBERS:
            return NUMBERS[name](number)
        return number

    def _option(self) -> int | str:
        return option_name(level(int(self.named["level"])), int(self.named["optname"]))

    def _written(self, name: str, arg: Any, result: int, before: Any) -> Any:
        if isinstance(arg, structures.socklen_t):
            return {"in": self.lengths[name], "out": arg.value}
        if arg is None or result == -1:
            return before
        if name in MESSAGES:
            return trace_messages.shown(self.batch, arg, result)
        if name == "fds":
            return poll_entries(self._bytes(arg, 8 * int(self.named["nfds"])))
        if name == "sv":
            return list(struct.unpack("=ii", self._bytes(arg, 8)))
        if name == "buf":
            return buffer(self._bytes(arg, result))
        length = next((length for length in ("addrlen", "optlen") if self.named.get(length) is not None), None)
        raw = self._bytes(arg, min(self.lengths[length], self.named[length].value)) if length else b""
        return (
            option(self._option(), raw)
            if name == "optval"
            else address(raw)
            if raw
            else {"room": memoryview(arg).nbytes}
        )

    @staticmethod
    def _bytes(arg: Any, length: int | None = None) -> bytes:
        raw = memoryview(arg).tobytes()
        return raw if length is None or length < 0 else raw[:length]


MESSAGES = ("msg", "msgvec")
LENGTHS = {"addr": "addrlen", "optval": "optlen", "buf": "len"}
NUMBERS: dict[str, Callable[[int], int | str]] = {
    "domain": lambda number: names("AF_").get(number, number),
    "type": socket_type,
    "level": level,
    "how": lambda number: names("SHUT_").get(number, number),
    "cmd": lambda number: names("F_").get(number, number),
}
PARAMETERS: dict[str, dict[str, str]] = {
    call: {
        parameter.name: str(parameter.annotation)
        for parameter in list(inspect.signature(getattr(contract.Backend, call)).parameters.values())[1:]
    }
    for call in contract.CALLS
}
WRITTEN = {
    call: [(place, name) for place, (name, kind) in enumerate(kinds.items()) if kind in ("Writable", "SocklenPointer")]
    for call, kinds in PARAMETERS.items()
}
"""What the kernel may write to, of each call: its place and its name."""
