"""python -m pysock_raw is pysock-raw."""

import sys

from pysock_raw.cli import main

sys.exit(main())
