"""The activation sites of a model:  python scripts/sites.py model=function model.function=my.build

python scripts/sites.py model=cnn
python scripts/sites.py model=function model.function=my.build data=digits --picture sites.png
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.markup import escape
from rich.table import Table

from activation_search.config.compose import compose
from activation_search.config.models import FunctionModelConfig
from activation_search.config.run import TrainConfig, check_run
from activation_search.console import ArgumentParser, open_console, print_line, print_table
from activation_search.data.registry import load_source
from activation_search.models.factory import check_reads, sites_on
from activation_search.reports.model_path import Step, draw_path
from activation_search.reports.pictures import check_picture, write_asked


def run() -> None:
    """Prints the table of sites, and draws them if asked to."""
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="as of train.py")
    parser.add_argument(
        "--picture", type=Path, metavar="FILE", help="draws the sites along the model's path"
    )
    given = parser.parse_intermixed_args()
    if given.picture:
        check_picture(given.picture, "--picture")
    config: TrainConfig = compose(given.overrides)
    check_run(config)
    console = open_console()
    steps = path_of(config)
    table = sites_table(steps, config.model.label)
    print_table(console, table, ("after", "channels", "own function"))
    if isinstance(config.model, FunctionModelConfig):
        print("Not found are formulas written by hand, such as x * torch.sigmoid(x), clamp(min=0),")
        print("maximum or torch.sin, GLU, and activations inside fused kernels (nn.LSTM, nn.GRU,")
        print("nn.RNN).")
    if given.picture:
        write_asked(draw_path(steps), given.picture)
        print_line(console, f"picture:  {given.picture}")


def path_of(config: TrainConfig) -> list[Step]:
    """The sites of a configuration's model, in the order in which a sample passes them.

    Raises:
        UserError: the data or the model cannot be used.
    """
    if not isinstance(config.model, FunctionModelConfig):
        sites = sites_on(config.model, config.data)
        return [Step(site.name, str(site.default), filled=site.fills) for site in sites]
    # Imported here, since only such a model needs it.
    from activation_search.models.own.network import build_own, check_end, discover_own

    source = load_source(config.data)
    check_reads(config.model.name, source.sample)
    outputs = source.target.size
    model = build_own(config.model, source.sample, outputs)
    discovery = discover_own(model, config.model, source.sample, outputs)
    check_end(discovery.survey.ends_in, source.target)
    return [
        Step(
            found.name,
            str(found.site.default),
            str(found.channels or "varying"),
            found.site.fills,
            found.after,
            str(found.place),
            found.owner.split(".")[0],
        )
        for found in discovery.sites
    ]


def sites_table(steps: Sequence[Step], label: str) -> Table:
    """Name, own function, channels, whether ``activation=`` fills it, layer before it, place;
    without columns that say nothing.

    Args:
        steps: a row each.
        label: of the model.
    """
    table = Table(title=f"sites of {escape(label)}", title_justify="left", box=box.SIMPLE_HEAD)
    columns = {
        "site": [step.site for step in steps],
        "own function": [step.function for step in steps],
        "channels": [step.channels for step in steps],
        "filled": ["yes" if step.filled else "by name" for step in steps],
        "after": [step.after for step in steps],
        "where": [step.place for step in steps],
    }
    said = {heading: cells for heading, cells in columns.items() if any(cells)}
    for heading in said:
        table.add_column(heading, justify="right" if heading == "channels" else "left")
    for row in zip(*said.values(), strict=True):
        table.add_row(*map(escape, row))
    return table
