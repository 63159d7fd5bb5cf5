"""The tests, which mirror the packages of ``src/``."""

import os

# Read when torch is loaded: with more threads than cores, those that wait would be in the way.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
