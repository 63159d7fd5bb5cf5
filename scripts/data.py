"""The data sets: which model reads which, and what one of them holds.

python scripts/data.py                          # every data set and the models that read it
python scripts/data.py data=digits              # its samples, sizes, and what is easy to reach
python scripts/data.py data=csv data.path=my.csv data.target=price   # checks a file of yours
"""

import argparse
import sys
import time

from rich.markup import escape
from rich.table import Table

from activation_search.compose import compose
from activation_search.console import ArgumentParser, open_console
from activation_search.errors import exit_code
from activation_search.training.config import TrainConfig, check_run


def main() -> None:
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "overrides", nargs="*", metavar="KEY=VALUE", help="data=name and its settings"
    )
    overrides = parser.parse_args().overrides
    if not overrides:
        from activation_search.training.data_report import matrix

        print(matrix())
        return
    config: TrainConfig = compose(overrides)
    check_run(config)

    # Imported once the settings are known to be right: torch takes seconds.
    from activation_search.data.sources import load_source
    from activation_search.training.data_report import description

    began = time.perf_counter()
    source = load_source(config.data)
    seconds = time.perf_counter() - began
    table = Table(title=f"data={config.data.name}", title_justify="left", show_header=False)
    for name, text in description(source, config.data, config.seed, seconds):
        table.add_row(escape(name), escape(text))
    open_console().print(table)


if __name__ == "__main__":
    sys.exit(exit_code(main))
