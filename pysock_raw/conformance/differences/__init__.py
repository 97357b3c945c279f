"""The catalogue of differences between C and the stdlib's socket: a module for each theme."""

from pysock_raw.conformance.differences import calls, companions, messages
from pysock_raw.conformance.differences.difference import Difference as Difference

CATALOGUE: tuple[Difference, ...] = (*calls.ENTRIES, *companions.ENTRIES, *messages.ENTRIES)
