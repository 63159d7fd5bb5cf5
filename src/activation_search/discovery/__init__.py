"""Finds new activation functions, as formulas."""
