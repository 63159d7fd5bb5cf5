"""The activation sites of a model:  python scripts/sites.py model=function model.function=my.build

python scripts/sites.py model=cnn
python scripts/sites.py model=function model.function=my_models.build data=digits
"""

import argparse

from rich import box
from rich.markup import escape
from rich.table import Table

from activation_search.config.compose import compose
from activation_search.config.models import FunctionModelConfig
from activation_search.config.run import TrainConfig, check_run
from activation_search.console import ArgumentParser, open_console, print_table
from activation_search.data.registry import load_source
from activation_search.models.factory import check_reads, sites_of


def run() -> None:
    """Prints the table of sites."""
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="as of train.py")
    config: TrainConfig = compose(parser.parse_args().overrides)
    check_run(config)
    console = open_console()
    print_table(console, sites_table(config), ("after", "channels", "own function"))
    if isinstance(config.model, FunctionModelConfig):
        print("Not found are formulas written by hand, such as x * torch.sigmoid(x), and")
        print("activations inside fused kernels (nn.LSTM, nn.GRU, nn.RNN).")


def sites_table(config: TrainConfig) -> Table:
    """Name, own function, channels, whether ``activation=`` fills it, layer before it, place.

    Raises:
        UserError: the data or the model cannot be used.
    """
    source = load_source(config.data)
    check_reads(config.model.name, source.sample)
    table = Table(title=f"sites of {escape(config.model.label)}", title_justify="left",
                  box=box.SIMPLE_HEAD)  # fmt: skip
    for heading in ("site", "own function"):
        table.add_column(heading)
    if not isinstance(config.model, FunctionModelConfig):
        table.add_column("filled")
        for site in sites_of(config.model, source.sample, source.target.size):
            table.add_row(site.name, str(site.default), _yes(site.fills))
        return table
    # Imported here, since only such a model needs it.
    from activation_search.models.own.network import build_own, discover_own

    for heading in ("channels", "filled", "after", "where"):
        table.add_column(heading, justify="right" if heading == "channels" else "left")
    outputs = source.target.size
    model = build_own(config.model, source.sample, outputs)
    for found in discover_own(model, config.model, source.sample, outputs).sites:
        channels = str(found.channels) if found.channels else "varies"
        cells = [str(found.site.default), channels, _yes(found.site.fills), found.after]
        table.add_row(found.name, *map(escape, cells), escape(str(found.place)))
    return table


def _yes(fills: bool) -> str:
    return "yes" if fills else "by name"
