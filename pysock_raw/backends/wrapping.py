"""What the two sides made of the standard library share: failing as C does."""

from __future__ import annotations

import functools
import socket
import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from pysock_raw.backends.contract import Inexpressible as Inexpressible

P = ParamSpec("P")
R = TypeVar("R")


class Emulated(Exception):
    """The answer that the kernel would give, worked out by the fallback: its errno."""

    def __init__(self, errno: int) -> None:
        super().__init__(errno)
        self.errno = errno


class LastCall(threading.local):
    """What a side remembers of this thread's last calls: the errno of the last failed one, and whether the
    last one was emulated."""

    errno = 0
    emulated = False

    def call(self, function: Callable[P, R]) -> Callable[P, R]:
        """Make a function fail as in C: the kernel's error becomes -1 and errno. An exception that Python
        raised by itself (it has no errno, or the resolver's number) stays one."""

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            self.emulated = False
            try:
                return function(*args, **kwargs)
            except Emulated as error:
                self.errno, self.emulated = error.errno, True
            except OSError as error:
                if error.errno is None or isinstance(error, (socket.gaierror, socket.herror)):
                    raise
                self.errno = error.errno
            return -1  # type: ignore[return-value]

        return call
