"""The contract: what every backend offers, each call documented once.

The functions stand in the order of csrc/pysock_raw.h, of c.py, python.py and stdlib.py. Arguments are
positional, as in C. A call that fails returns -1 and sets errno (`get_errno`); errno names in a docstring are
the usual ones, and the manual page named there has them all. Before any call is made there is

- TypeError for an argument of a wrong type (C's compiler would reject it),
- OverflowError for a number that does not fit the C type,
- ValueError for a length beyond the end of its buffer (C would run past it).

The parameter types below are plain Python objects; their names say which C type they stand for, and the
recorder and the fallbacks read them from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from pysock_raw.structures import cmsghdr, msghdr, socklen_t, timespec

Int: TypeAlias = int
"""C int: -2**31 to 2**31 - 1."""
Fd: TypeAlias = int
"""A file descriptor, a C int owned by the caller; any int is passed on."""
Socklen: TypeAlias = int
"""socklen_t, unsigned 32 bits. The kernel reads it as an int, so a negative length is passed on too."""
Size: TypeAlias = int
"""size_t, in bytes; not negative."""
UInt: TypeAlias = int
"""C unsigned int: 0 to 2**32 - 1."""
UInt16: TypeAlias = int
"""uint16_t: 0 to 2**16 - 1."""
UInt32: TypeAlias = int
"""uint32_t: 0 to 2**32 - 1."""
Readable: TypeAlias = "Buffer | None"
"""const void *: any object with the buffer protocol, or None for NULL."""
Writable: TypeAlias = "Buffer | None"
"""void *: a writable, contiguous buffer (bytearray, array, a structure), or None for NULL."""
SocklenPointer: TypeAlias = "socklen_t | None"
"""socklen_t *: value-result length. In: the room in the buffer. Out: the length of the whole value."""
TimespecPointer: TypeAlias = "timespec | None"
"""struct timespec *: in: how long. Out: what is left of it."""
Text: TypeAlias = "str | bytes"
"""const char *: a str (sent as UTF-8) or bytes without NUL."""


class Inexpressible(NotImplementedError):
    """The standard library has no way to make this call; the text says why in one sentence."""


class Backend(Protocol):
    """The calls of one side. `backends.load(name)` returns one, with the constants (attributes that are
    ints) and the structures beside the calls."""

    name: str

    # --- the calls of the documents ---

    def socket(self, domain: Int, type: Int, protocol: Int, /) -> Fd:
        """int socket(int domain, int type, int protocol)

        Create an endpoint and return the lowest free descriptor. type is SOCK_*, with SOCK_NONBLOCK and
        SOCK_CLOEXEC or'ed in; protocol 0 is the usual one of the type. No close-on-exec unless asked for.
        Errors: EAFNOSUPPORT, EINVAL, EPROTONOSUPPORT, ESOCKTNOSUPPORT, EMFILE, ENFILE, EACCES.
        Source: POSIX.1 socket; socket(2).
        """
        ...

    def setsockopt(self, fd: Fd, level: Int, optname: Int, optval: Readable, optlen: Socklen, /) -> Int:
        """int setsockopt(int fd, int level, int optname, const void *optval, socklen_t optlen)

        Set an option from the first optlen bytes of optval; 0 on success.
        Errors: EBADF, ENOTSOCK, EFAULT, EINVAL, ENOPROTOOPT, EPERM. ValueError for the few options whose
        value holds an address, which the kernel would follow out of the buffer.
        Source: POSIX.1 setsockopt; setsockopt(2), socket(7), ip(7), ipv6(7), tcp(7).
        """
        ...

    def bind(self, fd: Fd, addr: Readable, addrlen: Socklen, /) -> Int:
        """int bind(int fd, const struct sockaddr *addr, socklen_t addrlen)

        Give the socket the address in the first addrlen bytes of addr; 0 on success.
        Errors: EBADF, ENOTSOCK, EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EINVAL, EACCES, EFAULT; for
        AF_UNIX also ENOENT, ENOTDIR, ELOOP, EROFS.
        Source: POSIX.1 bind; bind(2), ip(7), unix(7).
        """
        ...

    def listen(self, fd: Fd, backlog: Int, /) -> Int:
        """int listen(int fd, int backlog)

        Make the socket passive, with room for about backlog connections that wait for accept; 0 on
        success. The kernel caps backlog at net.core.somaxconn, and reads a negative one as the largest.
        Errors: EBADF, ENOTSOCK, EOPNOTSUPP, EADDRINUSE, EINVAL.
        Source: POSIX.1 listen; listen(2).
        """
        ...

    def accept(self, fd: Fd, addr: Writable, addrlen: SocklenPointer, /) -> Fd:
        """int accept(int fd, struct sockaddr *addr, socklen_t *addrlen)

        Take the first connection off the queue and return its descriptor (without O_NONBLOCK and
        FD_CLOEXEC, whatever the listener has). addr gets the peer's address, cut to addrlen.value;
        addrlen.value becomes its full length.
        Errors: EAGAIN, EBADF, ENOTSOCK, EINVAL, EOPNOTSUPP, EMFILE, ECONNABORTED, EINTR, EFAULT.
        Source: POSIX.1 accept; accept(2).
        """
        ...

    def connect(self, fd: Fd, addr: Readable, addrlen: Socklen, /) -> Int:
        """int connect(int fd, const struct sockaddr *addr, socklen_t addrlen)

        Connect to the address in the first addrlen bytes of addr; 0 on success. AF_UNSPEC dissolves.
        Errors: EBADF, ENOTSOCK, ECONNREFUSED, EINPROGRESS, EALREADY, EISCONN, EAFNOSUPPORT, EINVAL,
        ENETUNREACH, ETIMEDOUT, EADDRNOTAVAIL, EINTR, EFAULT; for AF_UNIX also ENOENT, EAGAIN, EPROTOTYPE.
        Source: POSIX.1 connect; connect(2), tcp(7), unix(7).
        """
        ...

    # --- their companions ---

    def accept4(self, fd: Fd, addr: Writable, addrlen: SocklenPointer, flags: Int, /) -> Fd:
        """int accept4(int fd, struct sockaddr *addr, socklen_t *addrlen, int flags)

        accept, with SOCK_NONBLOCK and SOCK_CLOEXEC for the new descriptor.
        Errors: those of accept; EINVAL for other flags; ENOSYS where the system has no such call.
        Source: accept4(2).
        """
        ...

    def socketpair(self, domain: Int, type: Int, protocol: Int, sv: Writable, /) -> Int:
        """int socketpair(int domain, int type, int protocol, int sv[2])

        Create two connected sockets and write their descriptors to sv, two C ints; 0 on success.
        Errors: EAFNOSUPPORT, EOPNOTSUPP, EPROTONOSUPPORT, EINVAL, EMFILE, EFAULT.
        Source: POSIX.1 socketpair; socketpair(2).
        """
        ...

    def getsockopt(self, fd: Fd, level: Int, optname: Int, optval: Writable, optlen: SocklenPointer, /) -> Int:
        """int getsockopt(int fd, int level, int optname, void *optval, socklen_t *optlen)

        Write the option to optval, at most optlen.value bytes; optlen.value becomes what was written.
        Errors: EBADF, ENOTSOCK, ENOPROTOOPT, EINVAL, EFAULT. ValueError for the few options that write by
        another measure than optlen, and for a negative optlen where the kernel would not refuse it.
        Source: POSIX.1 getsockopt; getsockopt(2), socket(7).
        """
        ...

    def getsockname(self, fd: Fd, addr: Writable, addrlen: SocklenPointer, /) -> Int:
        """int getsockname(int fd, struct sockaddr *addr, socklen_t *addrlen)

        Write the socket's own address to addr, cut to addrlen.value; addrlen.value becomes its full length.
        Errors: EBADF, ENOTSOCK, EINVAL, EFAULT.
        Source: POSIX.1 getsockname; getsockname(2).
        """
        ...

    def getpeername(self, fd: Fd, addr: Writable, addrlen: SocklenPointer, /) -> Int:
        """int getpeername(int fd, struct sockaddr *addr, socklen_t *addrlen)

        Write the peer's address to addr, as getsockname does with the socket's own.
        Errors: EBADF, ENOTSOCK, ENOTCONN, EINVAL, EFAULT.
        Source: POSIX.1 getpeername; getpeername(2).
        """
        ...

    def shutdown(self, fd: Fd, how: Int, /) -> Int:
        """int shutdown(int fd, int how)

        End receiving (SHUT_RD), sending (SHUT_WR) or both (SHUT_RDWR) on the connection; 0 on success.
        Errors: EBADF, ENOTSOCK, ENOTCONN, EINVAL.
        Source: POSIX.1 shutdown; shutdown(2).
        """
        ...

    def close(self, fd: Fd, /) -> Int:
        """int close(int fd)

        Give the descriptor back; 0 on success. Never retried: on Linux it is closed even after EINTR.
        Errors: EBADF, EINTR, EIO.
        Source: POSIX.1 close; close(2).
        """
        ...

    def read(self, fd: Fd, buf: Writable, count: Size, /) -> int:
        """ssize_t read(int fd, void *buf, size_t count)

        Read at most count bytes into buf; the number read, 0 at the end.
        Errors: EAGAIN, EBADF, EFAULT, EINTR, ENOTCONN, ECONNRESET.
        Source: POSIX.1 read; read(2).
        """
        ...

    def write(self, fd: Fd, buf: Readable, count: Size, /) -> int:
        """ssize_t write(int fd, const void *buf, size_t count)

        Write at most count bytes of buf; the number written.
        Errors: EAGAIN, EBADF, EFAULT, EINTR, EPIPE, EDESTADDRREQ, ENOTCONN, EMSGSIZE.
        Source: POSIX.1 write; write(2).
        """
        ...

    def send(self, fd: Fd, buf: Readable, len: Size, flags: Int, /) -> int:
        """ssize_t send(int fd, const void *buf, size_t len, int flags)

        Send at most len bytes of buf; the number sent. flags is MSG_*.
        Errors: EAGAIN, EBADF, ENOTSOCK, EPIPE, EDESTADDRREQ, ENOTCONN, EMSGSIZE, ECONNRESET, EFAULT.
        Source: POSIX.1 send; send(2).
        """
        ...

    def recv(self, fd: Fd, buf: Writable, len: Size, flags: Int, /) -> int:
        """ssize_t recv(int fd, void *buf, size_t len, int flags)

        Receive at most len bytes into buf; the number received (with MSG_TRUNC a datagram's real length,
        which may exceed len), 0 at the end of a stream.
        Errors: EAGAIN, EBADF, ENOTSOCK, ENOTCONN, ECONNREFUSED, ECONNRESET, EINTR, EFAULT.
        Source: POSIX.1 recv; recv(2).
        """
        ...

    def sendto(
        self,
        fd: Fd,
        buf: Readable,
        len: Size,
        flags: Int,
        addr: Readable,
        addrlen: Socklen,
        /,
    ) -> int:
        """ssize_t sendto(int fd, const void *buf, size_t len, int flags,
                          const struct sockaddr *addr, socklen_t addrlen)

        send, to the address in the first addrlen bytes of addr.
        Errors: those of send, and for the address those of connect.
        Source: POSIX.1 sendto; sendto(2).
        """
        ...

    def recvfrom(
        self,
        fd: Fd,
        buf: Writable,
        len: Size,
        flags: Int,
        addr: Writable,
        addrlen: SocklenPointer,
        /,
    ) -> int:
        """ssize_t recvfrom(int fd, void *buf, size_t len, int flags,
                            struct sockaddr *addr, socklen_t *addrlen)

        recv, and write the sender's address to addr as accept does (length 0 on a connected stream).
        Errors: those of recv; EINVAL, EFAULT for the address.
        Source: POSIX.1 recvfrom; recvfrom(2).
        """
        ...

    def sendmsg(self, fd: Fd, msg: Readable, flags: Int, /) -> int:
        """ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)

        Send what the buffers of msg_iov hold, one after the other, to msg_name, with the control messages of
        msg_control; the number of bytes sent. msg is a msghdr.
        Errors: those of sendto; EMSGSIZE for more than IOV_MAX buffers; EINVAL, ENOBUFS, EPERM, ETOOMANYREFS for
        control messages. ValueError for one of SOL_RDS, which holds an address.
        Source: POSIX.1 sendmsg; sendmsg(2), cmsg(3), unix(7), ip(7).
        """
        ...

    def recvmsg(self, fd: Fd, msg: Writable, flags: Int, /) -> int:
        """ssize_t recvmsg(int fd, struct msghdr *msg, int flags)

        Receive into the buffers of msg_iov, one after the other; the number of bytes. msg_name gets the sender's
        address and msg_control the control messages; msg_namelen and msg_controllen become their lengths, and
        msg_flags says what was cut (MSG_TRUNC, MSG_CTRUNC).
        Errors: those of recv; EMSGSIZE for more than IOV_MAX buffers; EINVAL, EFAULT for the structure.
        Source: POSIX.1 recvmsg; recvmsg(2), cmsg(3), unix(7), ip(7).
        """
        ...

    def sendmmsg(self, fd: Fd, msgvec: Writable, vlen: UInt, flags: Int, /) -> Int:
        """int sendmmsg(int fd, struct mmsghdr *msgvec, unsigned int vlen, int flags)

        sendmsg for each of vlen messages (1024 at most), until one fails; how many were sent, with the bytes of each
        in its msg_len. msgvec is an array of mmsghdr; `memoryview(msgvec)[n:]` is C's msgvec + n.
        Errors: those of sendmsg, if the first message fails; ENOSYS where the system has no such call.
        Source: sendmmsg(2).
        """
        ...

    def recvmmsg(self, fd: Fd, msgvec: Writable, vlen: UInt, flags: Int, timeout: TimespecPointer, /) -> Int:
        """int recvmmsg(int fd, struct mmsghdr *msgvec, unsigned int vlen, int flags, struct timespec *timeout)

        recvmsg for each of vlen messages; how many were received, with the bytes of each in its msg_len. With
        MSG_WAITFORONE it waits for the first alone. timeout is looked at only when a message has arrived: without
        one the call waits for ever.
        Errors: those of recvmsg, if there is no message; EINVAL for timeout; ENOSYS where the system has no such call.
        Source: recvmmsg(2).
        """
        ...

    def poll(self, fds: Writable, nfds: Size, timeout: Int, /) -> Int:
        """int poll(struct pollfd *fds, nfds_t nfds, int timeout)

        Wait until one of nfds descriptors is ready, for timeout milliseconds at most (negative: for ever);
        the number of entries whose revents is not 0. fds is an array of pollfd.
        Errors: EFAULT, EINTR, EINVAL.
        Source: POSIX.1 poll; poll(2).
        """
        ...

    def fcntl(self, fd: Fd, cmd: Int, arg: Int, /) -> Int:
        """int fcntl(int fd, int cmd, int arg)

        F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD and the other commands whose argument is an int. A
        command that takes a pointer is a ValueError unless arg is 0 (NULL).
        Errors: EBADF, EINVAL, EMFILE, EPERM, EFAULT.
        Source: POSIX.1 fcntl; fcntl(2).
        """
        ...

    # --- conversions ---

    def htons(self, hostshort: UInt16, /) -> UInt16:
        """uint16_t htons(uint16_t hostshort): 16 bits from host to network byte order.
        No errors. Source: POSIX.1 htons; byteorder(3)."""
        ...

    def htonl(self, hostlong: UInt32, /) -> UInt32:
        """uint32_t htonl(uint32_t hostlong): 32 bits from host to network byte order.
        No errors. Source: POSIX.1 htonl; byteorder(3)."""
        ...

    def ntohs(self, netshort: UInt16, /) -> UInt16:
        """uint16_t ntohs(uint16_t netshort): 16 bits from network to host byte order.
        No errors. Source: POSIX.1 ntohs; byteorder(3)."""
        ...

    def ntohl(self, netlong: UInt32, /) -> UInt32:
        """uint32_t ntohl(uint32_t netlong): 32 bits from network to host byte order.
        No errors. Source: POSIX.1 ntohl; byteorder(3)."""
        ...

    def inet_pton(self, af: Int, src: Text, dst: Writable, /) -> Int:
        """int inet_pton(int af, const char *src, void *dst)

        Write the address that the text src stands for to dst (4 bytes for AF_INET, 16 for AF_INET6), in
        network byte order; 1, or 0 when src is not an address.
        Errors: EAFNOSUPPORT. ValueError when dst is None or too small.
        Source: POSIX.1 inet_pton; inet_pton(3).
        """
        ...

    def inet_ntop(self, af: Int, src: Readable, dst: Writable, size: Socklen, /) -> Buffer | None:
        """const char *inet_ntop(int af, const void *src, char *dst, socklen_t size)

        Write the address in src as text and a NUL to dst, which has room for size bytes; dst itself, or
        None (NULL) with errno.
        Errors: EAFNOSUPPORT, ENOSPC. ValueError when src or dst is None or too small.
        Source: POSIX.1 inet_ntop; inet_ntop(3).
        """
        ...

    # --- control messages (cmsg(3)) ---

    def CMSG_FIRSTHDR(self, msgh: msghdr, /) -> cmsghdr | None:
        """struct cmsghdr *CMSG_FIRSTHDR(struct msghdr *msgh)

        The first header in msg_control, a cmsghdr that shares its memory; None where msg_controllen has no room for
        one. No errors. ValueError for a msg_controllen beyond the end of msg_control.
        Source: POSIX.1 sys/socket.h; cmsg(3).
        """
        ...

    def CMSG_NXTHDR(self, msgh: msghdr, cmsg: cmsghdr, /) -> cmsghdr | None:
        """struct cmsghdr *CMSG_NXTHDR(struct msghdr *msgh, struct cmsghdr *cmsg)

        The header after cmsg, or None where cmsg_len says that no other one fits, or is no length of a message.
        No errors. ValueError for a cmsg that is not in msg_control.
        Source: POSIX.1 sys/socket.h; cmsg(3).
        """
        ...

    def CMSG_DATA(self, cmsg: cmsghdr, /) -> memoryview:
        """unsigned char *CMSG_DATA(struct cmsghdr *cmsg)

        The memory after the header up to the end of msg_control, also beyond cmsg_len, which may not be set yet: a
        message's data are its first `cmsg.cmsg_len - CMSG_LEN(0)` bytes.
        No errors. ValueError for a cmsghdr that CMSG_FIRSTHDR or CMSG_NXTHDR did not return.
        Source: POSIX.1 sys/socket.h; cmsg(3).
        """
        ...

    def CMSG_LEN(self, length: Size, /) -> Size:
        """size_t CMSG_LEN(size_t length): what cmsg_len is for so many bytes of data.
        No errors. Source: RFC 3542; cmsg(3)."""
        ...

    def CMSG_SPACE(self, length: Size, /) -> Size:
        """size_t CMSG_SPACE(size_t length): the room that a control message with so many bytes of data takes.
        No errors. Source: RFC 3542; cmsg(3)."""
        ...

    # --- errors and sizes ---

    def get_errno(self) -> int:
        """errno: that of the last failed call of this backend in this thread; 0 before the first.
        Source: POSIX.1 errno; errno(3)."""
        ...

    def strerror(self, errnum: Int, /) -> str:
        """char *strerror(int errnum): the text for an errno, as str.
        No errors. Source: POSIX.1 strerror; strerror(3)."""
        ...

    def sizeof(self, x: Any, /) -> int:
        """sizeof(x): the size in bytes of a structure, an array or their type.
        TypeError for anything else. Source: the C standard, 6.5.3.4."""
        ...

    # --- beyond C ---

    def emulated(self) -> bool:
        """Whether this thread's last call was worked out by the backend instead of answered by the kernel.
        Always False on the C backend."""
        ...

    def __getattr__(self, name: str) -> Any:
        """A constant (int) or a structure. AttributeError, which says so, for a name that this side lacks."""
        ...


#: Every function of the contract, in its order.
FUNCTIONS = tuple(name for name, member in vars(Backend).items() if callable(member) and not name.startswith("_"))
#: Those that ask the kernel: what a trace records.
CALLS = FUNCTIONS[: FUNCTIONS.index("htons")]

F = TypeVar("F")


def documented(function: F) -> F:
    """Give a backend's function the docstring that the contract has for its name."""
    function.__doc__ = getattr(Backend, function.__name__).__doc__  # type: ignore[attr-defined]
    return function
