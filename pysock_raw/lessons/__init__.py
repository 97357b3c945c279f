"""Lessons: what happens in the kernel, step by step, for a classroom."""
