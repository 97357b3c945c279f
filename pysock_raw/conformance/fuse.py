"""A file system on which everything fails, served by FUSE: an instrument for the I/O errors of AF_UNIX paths.

The protocol is that of linux/fuse.h: a request is a header of 40 bytes and its body, an answer a header of 16
(its length, an errno as a negative number, the number of the request) and a body where there is no error.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import struct
from collections.abc import Iterator

from pysock_raw.conformance import machine

REQUEST = struct.Struct("=IIQQIIII")  # struct fuse_in_header
ANSWER = struct.Struct("=IiQ")  # struct fuse_out_header
VERSION = struct.Struct("=IIII8x")  # struct fuse_init_out as it was until protocol 7.22
FORGET, INIT, INTERRUPT, BATCH_FORGET = 2, 26, 36, 42  # enum fuse_opcode
UNANSWERED = (FORGET, INTERRUPT, BATCH_FORGET)
ROOM = 1 << 17  # the kernel wants to be able to write a whole request of the default size
MNT_DETACH = 2  # sys/mount.h

_libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def broken_file_system(directory: str, error: int = errno.EIO) -> Iterator[None]:
    """Mount a file system on `directory`, in a mount namespace of this process alone, whose every operation
    fails with `error` (an I/O error, as of a broken disk)."""
    machine.own_mounts()
    device = os.open("/dev/fuse", os.O_RDWR)
    try:
        # mount(8) would look for a helper program to start.
        options = f"fd={device},rootmode=40755,user_id={os.getuid()},group_id={os.getgid()}"
        _check(_libc.mount(b"fuse", os.fsencode(directory), b"fuse", ctypes.c_ulong(0), options.encode()))
        server = os.fork()
        if server == 0:
            try:
                _serve(device, error)
            finally:
                os._exit(0)
    finally:
        os.close(device)
    try:
        yield
    finally:
        _check(_libc.umount2(os.fsencode(directory), MNT_DETACH))
        os.waitpid(server, 0)


def _check(result: int) -> None:
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _serve(device: int, error: int) -> None:
    """Answer requests until the file system is unmounted: read then ends with ENODEV."""
    while True:
        try:
            request = os.read(device, ROOM)
        except OSError:
            return
        _, opcode, number, *_ = REQUEST.unpack_from(request)
        if opcode == INIT:
            body = VERSION.pack(7, 22, 0, 0)
            os.write(device, ANSWER.pack(ANSWER.size + len(body), 0, number) + body)
        elif opcode not in UNANSWERED:
            os.write(device, ANSWER.pack(ANSWER.size, -error, number))
