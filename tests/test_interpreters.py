"""Interpreters that end while calls are made, and interpreters that are not the only one of their process."""

from __future__ import annotations

import sys
import sysconfig
from typing import Any

import pytest
from test_selection import python

THREADS = """
import atexit, threading
import pysock_raw as c

ends = (c.c_int * 2)()
c.socketpair(c.AF_UNIX, c.SOCK_STREAM, 0, ends)
listener = c.socket(c.AF_INET, c.SOCK_STREAM, 0)
c.listen(listener, 1)
message = c.msghdr(msg_iov=c.iovec(bytearray(4), 4), msg_iovlen=1)
for call in (
    lambda: c.accept(listener, None, None),
    lambda: c.poll(c.pollfd(listener, c.POLLIN), 1, -1),
    lambda: c.recv(ends[0], bytearray(4), 4, 0),
    lambda: c.recvmsg(ends[0], message, 0),
    lambda: [c.close(-1) for _ in iter(int, 1)],
):
    threading.Thread(target=call, daemon=True).start()
atexit.register(lambda: print("at exit", c.close(-1), c.get_errno()))
"""

LATE = """
import pysock_raw as c

class Late:
    def __init__(self, c):
        self.c, self.ends, self.room = c, (c.c_int * 2)(), bytearray(4)
        c.socketpair(c.AF_UNIX, c.SOCK_STREAM, 0, self.ends)
        self.itself = self

    def __del__(self):
        c, (near, far) = self.c, self.ends
        print(c.send(far, b"late", 4, 0), c.recv(near, self.room, 4, 0), self.room, c.close(-1), c.get_errno())

late = Late(c)
"""


def test_the_interpreter_ends_while_threads_are_in_calls(api: Any) -> None:
    """Daemon threads that wait, and one that makes call after call, are left where they are."""
    for _ in range(5):
        ran = python(THREADS, api.name)
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "at exit -1 9\n", "")


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="here what is left at the end is not finalized")
def test_calls_from_what_the_interpreter_finalizes_last(api: Any) -> None:
    ran = python(LATE, api.name)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "4 4 bytearray(b'late') -1 9\n", "")


ANOTHER = """
import sys
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
{first}
code = '''
try:
    import pysock_raw as c
    print(c.backend_reason, c.close(-1), c.get_errno(), sep="; ", flush=True)
except ImportError as error:
    print(error, flush=True)
'''
for kind in ("legacy", "isolated"):
    if sys.version_info >= (3, 13):
        made = interpreters.create(kind)
    else:
        made = interpreters.create(isolated=kind == "isolated")
    interpreters.run_string(made, code)
    interpreters.destroy(made)
import pysock_raw as c
print(c.backend_reason, c.close(-1), c.get_errno(), sep="; ", flush=True)
"""
COMPILED = "the compiled C backend is the default; -1; 9"
STANDS_IN = "the Python fallback stands in: {}; -1; 9".format
TAKEN = STANDS_IN("the C backend serves one interpreter of a process, and another one has it")
"""cffi makes the names of an extension once, for the interpreter that loads it first."""
OWN_GIL = (
    TAKEN
    if sys.version_info < (3, 12)  # where no interpreter has one
    else "module _ctypes does not support loading in subinterpreters"
    if sys.version_info < (3, 13)
    else STANDS_IN("module pysock_raw.backends._c does not support loading in subinterpreters")
)
SHARED_GIL = OWN_GIL if sysconfig.get_config_var("Py_GIL_DISABLED") else TAKEN
"""Free-threaded CPython loads no such extension into any subinterpreter (_PyInterpreterConfig_LEGACY_INIT)."""


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="CPython alone has subinterpreters")
def test_several_interpreters(with_c: None) -> None:
    """One has the C backend. The others work with the fallback, or refuse with a sentence where even ctypes does."""
    ran = python(ANOTHER.format(first="import pysock_raw"))
    assert (ran.returncode, ran.stdout.splitlines(), ran.stderr) == (0, [SHARED_GIL, OWN_GIL, COMPILED], "")
    ran = python(ANOTHER.format(first="# whoever comes first, which Pythons arrange differently"))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert len(ran.stdout.splitlines()) == 3
    assert COMPILED in ran.stdout.splitlines()
    assert set(ran.stdout.splitlines()) <= {TAKEN, OWN_GIL, OWN_GIL.replace("pysock_raw.backends.", ""), COMPILED}
