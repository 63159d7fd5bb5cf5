"""A short formula for what activations have learned:  python scripts/freeze.py <run> …

Learn, freeze, retrain: train with activation=pwlu, apl or rational, freeze what it has learned, and
compare the formula, which learns nothing any more, with what it was learned by.
"""

import argparse
import shlex
from pathlib import Path
from typing import Any

from activation_search.activations import ActivationChoice
from activation_search.console import ArgumentParser
from activation_search.errors import UserError


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
    from activation_search.activations import Activation
    from activation_search.activations.formula.writing import to_latex, to_text, to_torch
    from activation_search.config.overrides import as_override, to_overrides
    from activation_search.discovery.learned import freeze
    from activation_search.training.result import FINISHED, read_or_skip

    runs = []
    for folder in given.runs:
        result = read_or_skip(folder)
        if result is None or result.status != FINISHED:
            raise UserError(f"{folder} is no directory of a finished run.")
        runs.append(result)
    choices = [result.parsed_config().activation for result in runs]
    if len(set(choices)) > 1:
        raise UserError("The runs have different activations; freeze those of one at a time.")
    found = freeze(runs, given.tries)
    text = to_text(found.expression)
    formula = {"name": "formula", "expr": text}
    [learner, *_] = choices
    frozen: Any = formula
    if learner.layers:
        places = dict.fromkeys(runs[0].learned, Activation.parse(formula))
        frozen = learner.with_layers(places).as_dict()
    kept = to_overrides(runs[0].parsed_config())
    kept = [o for o in kept if not o.startswith(("activation", "seed="))]
    candidates = ["relu", learner.as_dict() if learner.layers else _short(learner), frozen]
    print(f"formula:    {text}")
    print(f"            leaves {found.error:.2g} of the variance of the learned curve")
    print(f"LaTeX:      {to_latex(found.expression)}")
    print(f"torch:      {to_torch(found.expression)}")
    command = ["python", "scripts/compare.py", *kept, f"candidates={as_override(candidates)}"]
    print(f"compare it: {shlex.join([*command, 'seeds=10'])}")


def _short(choice: ActivationChoice) -> Any:
    """An activation for the whole model as a candidate is written."""
    parameters = dict(choice.parameters)
    return {"name": choice.name, **parameters} if parameters else choice.name
