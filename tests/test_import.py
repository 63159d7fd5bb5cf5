"""Importing the package takes no time: what is heavy is imported at its first use."""

import subprocess
import sys

HEAVY = ("torch", "lightning", "pandas", "numpy", "matplotlib", "optuna", "hydra")


def test_importing_the_package_imports_nothing_heavy() -> None:
    script = (
        "import sys, activation_search\n"
        "print(*(set(module.split('.')[0] for module in sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) & set(HEAVY) == set()
