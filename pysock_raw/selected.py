"""The backend that importing pysock_raw takes, recorded if PYSOCK_RAW_TRACE asks for it."""

from __future__ import annotations

import os

from pysock_raw.backends import SIDES, select

try:
    api, backend_reason = select()
except ImportError as error:
    from pysock_raw.command import ENVIRONMENT, USAGE, end_if_this_is_it

    asked = os.environ.get("PYSOCK_RAW_BACKEND")
    status = USAGE if asked and asked not in SIDES else ENVIRONMENT
    end_if_this_is_it(status, f"PYSOCK_RAW_BACKEND={asked}: {error}" if asked else str(error))
    raise

if os.environ.get("PYSOCK_RAW_TRACE"):
    from pysock_raw.trace import to_environment

    try:
        api = to_environment(api)
    except ImportError as error:
        from pysock_raw.command import ENVIRONMENT, end_if_this_is_it

        end_if_this_is_it(ENVIRONMENT, str(error))
        raise
