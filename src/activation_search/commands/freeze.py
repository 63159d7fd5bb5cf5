"""A short formula for what activations have learned:  python scripts/freeze.py <run> …

Learn, freeze, retrain: train with activation=pwlu, apl or rational, freeze what it has learned, and
compare the formula, which learns nothing any more, with what it was learned by.
"""

import argparse
import shlex
from pathlib import Path

from activation_search.console import ArgumentParser


def run() -> None:
    """Prints the formula, and the command that compares it with what learned it."""
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "runs", type=Path, nargs="+", metavar="RUN", help="logs/train/<name>/<time>"
    )
    parser.add_argument("--tries", type=int, default=1500, help="formulas to try; default 1500")
    given = parser.parse_args()

    # Imported once the arguments are known to be right: torch takes seconds.
    from activation_search.activations.formula.writing import to_latex, to_text, to_torch
    from activation_search.config.overrides import as_override, to_overrides
    from activation_search.discovery.learned import freeze
    from activation_search.training.result import read_result

    results = [read_result(folder) for folder in given.runs]
    found = freeze(results, given.tries)
    text = to_text(found.expression)
    learner = results[0].parsed_config()
    kept = [o for o in to_overrides(learner) if not o.startswith(("activation", "seed="))]
    names = dict.fromkeys(["relu", learner.activation.name])
    candidates = [*names, {"name": "formula", "expr": text}]
    print(f"formula:    {text}")
    print(f"            leaves {found.error:.2g} of the variance of the learned curve")
    print(f"LaTeX:      {to_latex(found.expression)}")
    print(f"torch:      {to_torch(found.expression)}")
    command = ["python", "scripts/compare.py", *kept, f"candidates={as_override(candidates)}"]
    print(f"compare it: {shlex.join([*command, 'seeds=10'])}")
