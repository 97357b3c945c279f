"""How the standard library writes a call that was recorded, in a line of Python:

    s3.bind(("127.0.0.1", 8080))

The socket object of descriptor 3 is s3. `import socket` and `from socket import *` are taken for granted, and the
like for fcntl, os, select and signal.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from pysock_raw.trace import Record

Arguments = list[Any]


def in_python(record: Record) -> str:
    return FORMS[record["call"]](record["args"], record["result"])


def _socket(args: Arguments, result: int | None) -> str:
    domain, type, protocol = args
    kind = str(type).replace("|", " | ")
    return _made(result, f"socket.socket({domain}, {kind}{f', {protocol}' if protocol else ''})")


def _made(result: int | None, call: str) -> str:
    """A call whose result is a socket."""
    return call if result in (None, -1) else f"s{result} = {call}"


def _accept(args: Arguments, result: int | None) -> str:
    return f"s{args[0]}.accept()" if result in (None, -1) else f"s{result}, address = s{args[0]}.accept()"


def _setsockopt(args: Arguments, result: int | None) -> str:
    fd, level, option, value, _ = args
    return f"s{fd}.setsockopt({level}, {option}, {_data(value) if isinstance(value, dict) else value})"


def _address(value: dict[str, Any]) -> str:
    if "path" in value:
        return _quoted(value["path"])
    if "port" not in value:
        return '""'  # AF_UNIX without a path
    return f"({_quoted(value['addr'])}, {value['port']})"


def _data(value: dict[str, Any]) -> str:
    """Bytes are escaped as in Python already (trace_values.buffer)."""
    quoted = value["bytes"].replace('"', r"\"")
    return f'b"{quoted}"'


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace(r"\u0000", r"\x00")


def _flags(flags: int | str) -> str:
    return f", {str(flags).replace('|', ' | ')}" if flags else ""


def _poll(args: Arguments, result: int | None) -> str:
    (entry,), _, timeout = args
    return f"p = select.poll(); p.register(s{entry['fd']}, select.{entry['events']}); p.poll({timeout})"


def _fcntl(args: Arguments, result: int | None) -> str:
    fd, command, value = args
    return f"fcntl.fcntl(s{fd}, fcntl.{command}{f', os.{value}' if value else ''})"


def _sigaction(args: Arguments, result: int | None) -> str:
    name, action, _ = args
    handler = "signal.SIG_DFL" if action["sa_handler"] == "SIG_DFL" else action["sa_handler"]
    restart = f"; signal.siginterrupt(signal.{name}, False)" if action["sa_flags"] == "SA_RESTART" else ""
    return f"signal.signal(signal.{name}, {handler}){restart}"


def _posix_spawnp(args: Arguments, result: int | None) -> str:
    program = _quoted(args[1]["bytes"])
    return f"pid = os.posix_spawnp({program}, [{program}], os.environ)"


Form = Callable[[Arguments, "int | None"], str]

FORMS: dict[str, Form] = {
    "socket": _socket,
    "setsockopt": _setsockopt,
    "bind": lambda args, result: f"s{args[0]}.bind({_address(args[1])})",
    "listen": lambda args, result: f"s{args[0]}.listen({args[1]})",
    "accept": _accept,
    "connect": lambda args, result: f"s{args[0]}.connect({_address(args[1])})",
    "getsockopt": lambda args, result: f"s{args[0]}.getsockopt({args[1]}, {args[2]})",
    "getsockname": lambda args, result: f"s{args[0]}.getsockname()",
    "getpeername": lambda args, result: f"s{args[0]}.getpeername()",
    "shutdown": lambda args, result: f"s{args[0]}.shutdown({args[1]})",
    "close": lambda args, result: f"s{args[0]}.close()",
    "send": lambda args, result: f"s{args[0]}.send({_data(args[1])}{_flags(args[3])})",
    "recv": lambda args, result: f"s{args[0]}.recv({args[2]}{_flags(args[3])})",
    "sendto": lambda args, result: f"s{args[0]}.sendto({_data(args[1])}{_flags(args[3])}, {_address(args[4])})",
    "recvfrom": lambda args, result: f"data, address = s{args[0]}.recvfrom({args[2]}{_flags(args[3])})",
    "poll": _poll,
    "fcntl": _fcntl,
    "kill": lambda args, result: f"os.kill({args[0]}, signal.{args[1]})",
    "sigaction": _sigaction,
    "posix_spawnp": _posix_spawnp,
    "unlink": lambda args, result: f"os.unlink({_data(args[0])})",
    "waitpid": lambda args, result: f"os.waitpid({args[0]}, 0)",
}
