"""Cases, the catalogue of differences, the runner and the verdicts: what `pysock-raw compare` does."""
