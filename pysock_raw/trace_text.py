"""One line for one recorded call, as strace would print it:

bind(3, {sin_family=AF_INET, sin_port=htons(8080), sin_addr=inet_addr("127.0.0.1")}, 16) = -1 EADDRINUSE
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from typing import Any

ALIKE = 8  # neighbours in an array; of more there is one, and how many they are


def line(call: dict[str, Any]) -> str:
    """A record of trace.py as text. What came from the program is escaped: no control character is left."""
    arguments = ", ".join(argument(value) for value in call["args"])
    return f"{call['call']}({arguments}) = {ending(call)}"


def lines(calls: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Records as text, with the default timeout of Python's socket objects wherever the program has set another."""
    timeout = None
    for call in calls:
        if call.get("timeout") != timeout:
            timeout = call.get("timeout")
            yield f"socket.setdefaulttimeout({timeout})"
        yield line(call)


def ending(call: dict[str, Any]) -> str:
    """What the call returned, or what happened instead."""
    if call["raised"] is not None:
        return f"? {printable(call['raised'])}"
    if call["result"] is None:
        return "? unfinished"
    mark = " (emulated)" if call["emulated"] else ""
    return f"{call['result']}{' ' + call['errno'] if call['errno'] else ''}{mark}"


def argument(value: Any) -> str:
    """One argument, from its JSON value (trace_values.py)."""
    if value is None:
        return "NULL"
    if isinstance(value, list):
        return f"[{', '.join(_items(value))}]"
    if not isinstance(value, dict):
        return str(value)
    if "python" in value:
        return printable(value["python"])
    if "room" in value:
        return f"<{value['room']} bytes>"
    if "in" in value:
        return f"[{value['in']}]" if value["in"] == value["out"] else f"[{value['in']} => {value['out']}]"
    if "family" in value:
        return address(value)
    if "bytes" in value:
        return _bytes(value)
    return f"{{{', '.join(f'{name}={argument(member)}' for name, member in value.items())}}}"


def _items(value: list[Any]) -> Iterator[str]:
    """The items of an array, which may be a thousand messages of one byte."""
    for text, alike in itertools.groupby(map(argument, value)):
        count = len(list(alike))
        yield from [text] * count if count <= ALIKE else [f"{text} ({count} times)"]


PREFIXES = {"AF_NETLINK": "nl", "AF_PACKET": "sll", "AF_VSOCK": "svm"}


def address(value: dict[str, Any]) -> str:
    family = value["family"]
    if "path" in value:
        return f"{{sun_family={family}, sun_path={_quoted(value['path'])}}}"
    if family in PREFIXES and "bytes" not in value:
        return f"{{{', '.join(f'{PREFIXES[family]}_{name}={member}' for name, member in value.items())}}}"
    if "port" not in value:
        return f"{{sa_family={family}, sa_data={_bytes(value)}}}"
    if "addr" not in value:
        return f"{{sa_family={family}, sa_port=htons({value['port']}), sa_data={_bytes(value)}}}"
    if family == "AF_INET":
        return f'{{sin_family={family}, sin_port=htons({value["port"]}), sin_addr=inet_addr("{value["addr"]}")}}'
    members = {"sin6_family": family, "sin6_port": f"htons({value['port']})"}
    members["sin6_addr"] = f'inet_pton("{value["addr"]}")'
    members |= {f"sin6_{name}": value[name] for name in ("flowinfo", "scope_id") if name in value}
    return f"{{{', '.join(f'{name}={member}' for name, member in members.items())}}}"


def _bytes(value: dict[str, Any]) -> str:
    more = f"... of {value['length']}" if "sha256" in value else ""
    return f'"{value["bytes"]}"{more}'


def _quoted(text: str) -> str:
    return json.dumps(text).replace("\\u0000", "\\0")


def printable(text: str) -> str:
    """The text with its control characters escaped, so that it cannot write to a terminal."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def printable_lines(text: str) -> str:
    """The same, of several lines."""
    return "\n".join(map(printable, text.split("\n")))
