"""The raw C socket calls from Python: names, arguments and results are C's, a failure is -1 and errno.

    import pysock_raw as c

    fd = c.socket(c.AF_INET, c.SOCK_STREAM, 0)
    if c.listen(fd, 3) == -1:
        raise SystemExit(f"listen: {c.strerror(c.get_errno())}")

Each call is described in pysock_raw.backends.contract; pysock_raw.checked has the same calls with exceptions.
`backend` is the name of the backend in use ("c", "python" or "stdlib"), `backend_reason` says why in one
sentence. PYSOCK_RAW_BACKEND=c|python|stdlib forces one, PYSOCK_RAW_TRACE=-|FILE records every call.
"""

from __future__ import annotations

from pysock_raw.backends.contract import Inexpressible as Inexpressible
from pysock_raw.selected import api as _api, backend_reason as backend_reason
from pysock_raw.structures import (
    c_int as c_int,
    cmsghdr as cmsghdr,
    in6_addr as in6_addr,
    in_addr as in_addr,
    iovec as iovec,
    linger as linger,
    mmsghdr as mmsghdr,
    msghdr as msghdr,
    pollfd as pollfd,
    sockaddr as sockaddr,
    sockaddr_in as sockaddr_in,
    sockaddr_in6 as sockaddr_in6,
    sockaddr_storage as sockaddr_storage,
    sockaddr_un as sockaddr_un,
    socklen_t as socklen_t,
    timespec as timespec,
    timeval as timeval,
    ucred as ucred,
)

__version__ = "0.1"

backend = _api.name

# the calls of the documents
socket = _api.socket
setsockopt = _api.setsockopt
bind = _api.bind
listen = _api.listen
accept = _api.accept
connect = _api.connect
# their companions
accept4 = _api.accept4
socketpair = _api.socketpair
getsockopt = _api.getsockopt
getsockname = _api.getsockname
getpeername = _api.getpeername
shutdown = _api.shutdown
close = _api.close
read = _api.read
write = _api.write
send = _api.send
recv = _api.recv
sendto = _api.sendto
recvfrom = _api.recvfrom
sendmsg = _api.sendmsg
recvmsg = _api.recvmsg
sendmmsg = _api.sendmmsg
recvmmsg = _api.recvmmsg
poll = _api.poll
fcntl = _api.fcntl
# conversions
htons = _api.htons
htonl = _api.htonl
ntohs = _api.ntohs
ntohl = _api.ntohl
inet_pton = _api.inet_pton
inet_ntop = _api.inet_ntop
# control messages
CMSG_FIRSTHDR = _api.CMSG_FIRSTHDR
CMSG_NXTHDR = _api.CMSG_NXTHDR
CMSG_DATA = _api.CMSG_DATA
CMSG_LEN = _api.CMSG_LEN
CMSG_SPACE = _api.CMSG_SPACE
# errors and sizes
get_errno = _api.get_errno
strerror = _api.strerror
sizeof = _api.sizeof

globals().update(_api.CONSTANTS)


def __getattr__(name: str) -> int:
    """A constant. AttributeError, which says so, for one that the backend in use lacks."""
    return _api.__getattr__(name)  # type: ignore[no-any-return]
