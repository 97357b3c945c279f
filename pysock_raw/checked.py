"""The same functions for scripts that prefer exceptions: each returns its value, or raises the OSError subclass
of errno with the name of the call in its text. Constants, structures and the rest are those of pysock_raw.

    from pysock_raw import checked as c

    c.bind(fd, address, c.sizeof(address))  # OSError: [Errno 98] bind: Address already in use
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import pysock_raw
from pysock_raw import (
    CMSG_DATA as CMSG_DATA,
    CMSG_FIRSTHDR as CMSG_FIRSTHDR,
    CMSG_LEN as CMSG_LEN,
    CMSG_NXTHDR as CMSG_NXTHDR,
    CMSG_SPACE as CMSG_SPACE,
    Inexpressible as Inexpressible,
    backend as backend,
    backend_reason as backend_reason,
    get_errno as get_errno,
    htonl as htonl,
    htons as htons,
    ntohl as ntohl,
    ntohs as ntohs,
    sizeof as sizeof,
    strerror as strerror,
)
from pysock_raw.backends.contract import documented
from pysock_raw.selected import api as _api
from pysock_raw.structures import *  # noqa: F403

P = ParamSpec("P")
R = TypeVar("R")


def _checked(name: str, call: Callable[P, R]) -> Callable[P, R]:
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        result = call(*args, **kwargs)
        if result == -1 or result is None:  # None: inet_ntop's NULL
            number = _api.get_errno()
            raise OSError(number, f"{name}: {_api.strerror(number)}")
        return result

    functools.update_wrapper(checked, call)
    checked.__name__ = checked.__qualname__ = name  # those of integers alone are cffi's, with names of their own
    return documented(checked)


# the calls of the documents
socket = _checked("socket", _api.socket)
setsockopt = _checked("setsockopt", _api.setsockopt)
bind = _checked("bind", _api.bind)
listen = _checked("listen", _api.listen)
accept = _checked("accept", _api.accept)
connect = _checked("connect", _api.connect)
# their companions
accept4 = _checked("accept4", _api.accept4)
socketpair = _checked("socketpair", _api.socketpair)
getsockopt = _checked("getsockopt", _api.getsockopt)
getsockname = _checked("getsockname", _api.getsockname)
getpeername = _checked("getpeername", _api.getpeername)
shutdown = _checked("shutdown", _api.shutdown)
close = _checked("close", _api.close)
read = _checked("read", _api.read)
write = _checked("write", _api.write)
send = _checked("send", _api.send)
recv = _checked("recv", _api.recv)
sendto = _checked("sendto", _api.sendto)
recvfrom = _checked("recvfrom", _api.recvfrom)
sendmsg = _checked("sendmsg", _api.sendmsg)
recvmsg = _checked("recvmsg", _api.recvmsg)
sendmmsg = _checked("sendmmsg", _api.sendmmsg)
recvmmsg = _checked("recvmmsg", _api.recvmmsg)
poll = _checked("poll", _api.poll)
fcntl = _checked("fcntl", _api.fcntl)
# conversions that can fail
inet_pton = _checked("inet_pton", _api.inet_pton)
inet_ntop = _checked("inet_ntop", _api.inet_ntop)


def __getattr__(name: str) -> int:
    """A constant, as pysock_raw has it."""
    return getattr(pysock_raw, name)  # type: ignore[no-any-return]
