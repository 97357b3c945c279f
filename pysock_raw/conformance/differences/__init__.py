"""The catalogue of differences between C and the stdlib's socket: a module for each theme."""

from pysock_raw.backends.contract import CALLS
from pysock_raw.conformance.differences import (
    addresses,
    commands,
    connecting,
    constants,
    descriptors,
    fast_open,
    lengths,
    messages,
    options,
    order,
    pointers,
    polling,
    pypy,
    receiving,
    returned_addresses,
    signals,
    sockets,
    texts,
    timeout_answers,
    timeouts,
    waiting,
)
from pysock_raw.conformance.differences.difference import Difference as Difference

_THEMES = (
    sockets,
    descriptors,
    addresses,
    returned_addresses,
    texts,
    constants,
    pointers,
    lengths,
    options,
    order,
    receiving,
    messages,
    polling,
    signals,
    timeouts,
    timeout_answers,
    waiting,
    connecting,
    fast_open,
    commands,
    pypy,
)

CATALOGUE: tuple[Difference, ...] = tuple(
    sorted((entry for theme in _THEMES for entry in theme.ENTRIES), key=lambda entry: CALLS.index(entry.call))
)
"""By call, in the contract's order."""
