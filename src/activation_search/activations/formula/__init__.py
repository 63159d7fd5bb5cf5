"""Formulas as activations: ``activation=formula 'activation.expr="x * sigmoid(beta * x)"'``."""
