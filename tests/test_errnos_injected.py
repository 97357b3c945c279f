"""An errno that cannot be provoked passes through the backends unchanged: strace makes the system call fail with it."""

import errno
import os
import shutil
import subprocess
import sys

import pytest

from pysock_raw.conformance.errnos import rows

# The system calls that one call of the API may become on any backend.
SYSTEM_CALLS = {"accept": "accept,accept4"}

PROGRAM = """
import sys
from pysock_raw.backends import load
c = load(sys.argv[1])
address = c.sockaddr_in(sin_family=c.AF_INET)
fd = 0 if sys.argv[2] == "socket" else c.socket(c.AF_INET, c.SOCK_STREAM, 0)
result = {
    "socket": lambda: c.socket(c.AF_INET, c.SOCK_STREAM, 0),
    "setsockopt": lambda: c.setsockopt(fd, c.SOL_SOCKET, c.SO_REUSEADDR, c.c_int(1), 4),
    "bind": lambda: c.bind(fd, address, 16),
    "listen": lambda: c.listen(fd, 5),
    "accept": lambda: c.accept(fd, None, None),
    "connect": lambda: c.connect(fd, address, 16),
}[sys.argv[2]]()
print(result, c.get_errno())
"""

INJECTED = sorted({(row.call, row.errno) for row in rows() if row.account == "injected"})


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize(("call", "name"), INJECTED)
def test_an_injected_errno_passes_through(call, name, api):
    traced = SYSTEM_CALLS.get(call, call)
    strace = ["strace", "-qq", "-o", os.devnull, "-e", f"trace={traced}", "-e", f"inject={traced}:error={name}"]
    ran = subprocess.run(
        [*strace, sys.executable, "-c", PROGRAM, api.name, call], capture_output=True, text=True, timeout=60, check=True
    )
    assert ran.stdout == f"-1 {getattr(errno, name)}\n"
