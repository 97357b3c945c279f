"""`python guided.py SIDE [OPTION ...]`: atheris chooses the calls of fuzzer.py by what they reach in the package. The
options are libFuzzer's."""

import sys

import atheris

with atheris.instrument_imports(include=["pysock_raw"]):
    from fuzzer import FromBytes, Fuzzer

    from pysock_raw.backends import load
    from pysock_raw.conformance import machine

API = load(sys.argv.pop(1))


def sequence(data: bytes) -> None:
    fuzzer = Fuzzer(API, FromBytes(data))
    try:
        for _ in range(20):
            fuzzer.call()
        fuzzer.check_descriptors()
    finally:
        fuzzer.close()


machine.network()
machine.unprivileged()
atheris.Setup(sys.argv, sequence)
atheris.Fuzz()
