"""Header + constant names -> the cffi module pysock_raw.backends._c (setup.py names `builder` to cffi)."""

import os
import re
import runpy
import sys
from pathlib import Path

from cffi import FFI

ROOT = Path(__file__).resolve().parent.parent
HEADER = ROOT / "csrc" / "pysock_raw.h"
NAMES = runpy.run_path(str(ROOT / "pysock_raw" / "constants.py"))["NAMES"]
DIGEST = runpy.run_path(str(ROOT / "pysock_raw" / "backends" / "sources.py"))["digest"](ROOT)

# What the system's headers define and cffi has to be told; the compiler fills in the sizes.
CDEF = """
typedef int... socklen_t;
typedef int... nfds_t;
struct pysock_raw_constant { const char *name; long long value; };
extern const struct pysock_raw_constant pysock_raw_constants[];
extern const char pysock_raw_digest[];
extern const char pysock_raw_compiler[];
"""

INCLUDES = """
#define _GNU_SOURCE 1 /* as Python.h has it */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>
#include "pysock_raw.h"
"""

IDENTITY = f"""
static const char pysock_raw_digest[] = "{DIGEST}";
#ifdef __clang__
static const char pysock_raw_compiler[] = __VERSION__;
#else
static const char pysock_raw_compiler[] = "gcc " __VERSION__;
#endif
"""


def constants_table() -> str:
    """C source of the table of the names that this system's headers define, with their values."""
    rows = (f'#ifdef {name}\n    {{"{name}", (long long){name}}},\n#endif\n' for name in NAMES)
    return (
        "struct pysock_raw_constant { const char *name; long long value; };\n"
        f"static const struct pysock_raw_constant pysock_raw_constants[] = {{\n{''.join(rows)}    {{0, 0}}\n}};\n"
    )


def prototypes() -> str:
    """The header without the preprocessor's lines, which cffi does not read."""
    return "".join(line for line in HEADER.read_text().splitlines(True) if not line.startswith("#"))


# Functions that c.py also calls with the addresses of structures.
BY_ADDRESS = ("setsockopt", "bind", "accept", "connect", "accept4", "getsockname", "getpeername", "recvfrom")


def by_address() -> list[tuple[str, str]]:
    """Prototype and body of `NAME_at` for each of BY_ADDRESS: pysock_raw_NAME with integers for its pointers, except
    for buf. The integer that ctypes.addressof gives costs a fifth of the pointer that ffi.from_buffer makes."""
    found = []
    for name in BY_ADDRESS:
        result, parameters = re.search(rf"^(\w+) pysock_raw_{name}\(([^)]*)\);", prototypes(), re.MULTILINE).groups()
        integers = re.sub(r"(const )?\w[\w ]*\*(?!buf\b)", "uintptr_t ", parameters)
        casts = {name: f"(void *){name}" for name in re.findall(r"uintptr_t (\w+)", integers)}
        arguments = ", ".join(casts.get(name, name) for name in re.findall(r"(\w+)(?:,|$)", integers))
        found.append((f"{result} {name}_at({integers})", f"{{ return pysock_raw_{name}({arguments}); }}"))
    return found


builder = FFI()
builder.cdef(CDEF + prototypes() + "".join(f"{prototype};\n" for prototype, _ in by_address()))
builder.set_source(
    "pysock_raw.backends._c",
    INCLUDES
    + constants_table()
    + IDENTITY
    + "".join(f"static {prototype}\n{body}\n" for prototype, body in by_address()),
    sources=["csrc/pysock_raw.c"],
    include_dirs=["csrc"],
    # PYSOCK_RAW_CFLAGS adds flags after distutils' own: warnings as errors in CI, sanitizers.
    extra_compile_args=["-std=c11", *os.environ.get("PYSOCK_RAW_CFLAGS", "").split()],
    extra_link_args=os.environ.get("PYSOCK_RAW_CFLAGS", "").split(),
)

if __name__ == "__main__":
    sys.stdout.write(constants_table())
