"""`python guided.py SIDE [OPTION ...]`: atheris chooses the calls of fuzzer.py by what they reach in the package. The
options are libFuzzer's."""

import functools
import sys

import atheris

with atheris.instrument_imports(include=["pysock_raw"]):
    from fuzzer import FromBytes, Fuzzer

    from pysock_raw.backends import load
    from pysock_raw.conformance import machine

API = load(sys.argv.pop(1))


@functools.cache
def alone() -> None:
    """Not before the first sequence: atheris imports late what may be out of reach without privileges."""
    machine.network()
    machine.unprivileged()


def sequence(data: bytes) -> None:
    alone()
    fuzzer = Fuzzer(API, FromBytes(data))
    try:
        for _ in range(20):
            fuzzer.call()
        fuzzer.check_descriptors()
    finally:
        fuzzer.close()


atheris.Setup(sys.argv, sequence)
atheris.Fuzz()
