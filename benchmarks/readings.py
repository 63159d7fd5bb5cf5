"""What health readings cost, as the ratio of whole runs' times:  python benchmarks/readings.py"""

import statistics
import sys
import tempfile

from loops import DATA, parse, parser
from rich.console import Console
from rich.table import Table

from activation_search.config.compose import compose
from activation_search.config.run import TrainConfig
from activation_search.errors import exit_code
from activation_search.training.run import train


def main() -> None:
    arguments = parse(parser((__doc__ or "").splitlines()[0]))
    compare_health(arguments.models, arguments.rounds, Console())


def compare_health(models: list[str], rounds: int, console: Console) -> None:
    """Prints the time of a run with readings over that without, the two in turn."""
    table = Table(title="time of a run with health readings : without", title_justify="left")
    for heading in ("model", "ms per step without", "ratio, median", "lowest", "highest"):
        table.add_column(heading, justify="right")
    for model in models:
        with tempfile.TemporaryDirectory() as folder:
            overrides = [
                f"model={model}",
                f"data={DATA.get(model, 'mnist1d')}",
                "optim.schedule=constant",
                "tensorboard.histograms_every_n_epochs=0",
                "trainer.checkpoints=false",
                "trainer.progress=false",
                "test=false",
                f"logs={folder}",
            ]
            configs: list[TrainConfig] = [
                compose([*overrides, f"health.enabled={enabled}"]) for enabled in ("true", "false")
            ]
            times = []
            for _ in range(rounds + 1):
                results = [train(config) for config in configs]
                times.append([result.seconds / result.steps for result in results])
        ratios = [watched / alone for watched, alone in times[1:]]
        alone = statistics.median(pair[1] for pair in times[1:])
        figures = (statistics.median(ratios), min(ratios), max(ratios))
        table.add_row(model, f"{1000 * alone:.2f}", *(f"{figure:.3f}" for figure in figures))
    console.print(table)


if __name__ == "__main__":
    sys.exit(exit_code(main))
