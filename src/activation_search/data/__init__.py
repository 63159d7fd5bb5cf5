"""Data sets: one file per source, split and batched the same way for all."""
