"""ctypes on libc: the calls as functions of one library, with their types declared.

Without argtypes ctypes is quicker and wrong: it would pass a size_t as an int.
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_int, c_size_t, c_ssize_t, c_uint, c_uint32, c_void_p

from pysock_raw.structures import mmsghdr, sockaddr_in, socklen_t, timespec

PROTOTYPES: dict[str, tuple[type, ...]] = {  # the result, then the arguments
    "socket": (c_int, c_int, c_int, c_int),
    "setsockopt": (c_int, c_int, c_int, c_int, POINTER(c_int), c_uint32),
    "bind": (c_int, c_int, POINTER(sockaddr_in), c_uint32),
    "listen": (c_int, c_int, c_int),
    "accept": (c_int, c_int, POINTER(sockaddr_in), POINTER(socklen_t)),
    "connect": (c_int, c_int, POINTER(sockaddr_in), c_uint32),
    "close": (c_int, c_int),
    "send": (c_ssize_t, c_int, c_void_p, c_size_t, c_int),
    "recv": (c_ssize_t, c_int, c_void_p, c_size_t, c_int),
    "sendmmsg": (c_int, c_int, POINTER(mmsghdr), c_uint, c_int),
    "recvmmsg": (c_int, c_int, POINTER(mmsghdr), c_uint, c_int, POINTER(timespec)),
}


def load() -> ctypes.CDLL:
    """libc, with errno kept as C programs need it. AttributeError where it lacks one of the calls."""
    library = ctypes.CDLL(None, use_errno=True)
    for name, (result, *arguments) in PROTOTYPES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    vars(library).update(get_errno=ctypes.get_errno, create_string_buffer=ctypes.create_string_buffer)
    return library
