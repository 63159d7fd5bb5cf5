"""Milliseconds per training step against plain programs:  python benchmarks/steps.py

    python benchmarks/steps.py --models mlp --rounds 9

Ours writes gradient norms and losses to TensorBoard at the default interval, the plain Lightning
program its loss; about two minutes for all models.
"""

import sys

from loops import DATA, add_comparison, comparison_table, measure, parse, parser, positive
from rich.console import Console

from activation_search.errors import exit_code


def main() -> None:
    options = parser((__doc__ or "").splitlines()[0])
    options.add_argument("--epochs", type=positive, default=5, help="epochs per turn")
    arguments = parse(options)
    table = comparison_table(f"ms per step, {arguments.threads} threads")
    for model in arguments.models:
        data = DATA.get(model, "mnist1d")
        rounds = measure(model, [f"data={data}"], arguments.rounds, arguments.epochs)
        add_comparison(table, model, data, rounds, unit=1e-3)
    Console().print(table)


if __name__ == "__main__":
    sys.exit(exit_code(main))
