"""The documents' programs in Python: csrc/examples/ line by line."""
