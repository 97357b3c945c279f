"""The backend that importing pysock_raw takes, recorded if PYSOCK_RAW_TRACE asks for it."""

from __future__ import annotations

import os

from pysock_raw.backends import select

api, backend_reason = select()

if os.environ.get("PYSOCK_RAW_TRACE"):
    from pysock_raw.trace import to_environment

    api = to_environment(api)
