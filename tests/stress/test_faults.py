"""What goes wrong around a call: a fork in the middle, no more descriptors, a peer that resets, interpreters that end or are not the only one."""

from __future__ import annotations

from conftest import FULL

FORKS = 500 if FULL else 50
CLIENTS = 2000 if FULL else 300
RESETS = 5000 if FULL else 300
