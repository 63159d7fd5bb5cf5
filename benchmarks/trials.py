"""Trials per minute of a study against a plain program:  python benchmarks/trials.py

Ours against ``benchmarks/plain_study.py`` in one process with torch's default threads, and in one
process per core with one thread each; a quarter of an hour. Every program tries the same
activations; starting the processes and their first trial do not count. Our workers keep freed
memory (``engine/workers.py``), the others have the system's settings.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from loops import DATA, parse, parser
from rich.console import Console
from rich.table import Table

from activation_search.config.compose import compose
from activation_search.config.search import SweepConfig
from activation_search.engine.runner import open_runner
from activation_search.engine.workers import worker_count
from activation_search.errors import exit_code
from activation_search.search.sweep import run_sweep

REFERENCE = Path(__file__).with_name("plain_study.py")


def main() -> None:
    compare_studies(parse(parser((__doc__ or "").splitlines()[0])).models, Console())


# Trials that each program runs, so that each takes some seconds.
TRIALS = {"mlp": 96, "cnn": 48, "lstm": 24, "transformer": 24}
CANDIDATES = ["relu", "leaky_relu", "elu", "gelu", "silu", "mish", "tanh", "prelu"]


def compare_studies(models: list[str], console: Console) -> None:
    """Prints trials per minute of the three ways to run a study, and their ratios."""
    cores = os.cpu_count() or 1
    table = Table(title=f"trials per minute, {cores} cores", title_justify="left")
    for heading in ("model", "ours", "plain", "per core"):
        table.add_column(heading, justify="right")
    table.add_column("ours : plain", justify="right")
    table.add_column("ours : per core", justify="right")
    table.add_column("accuracy", justify="right")
    for model in models:
        with tempfile.TemporaryDirectory() as folder:
            config: SweepConfig = compose(study_overrides(model, folder), SweepConfig)
            ours, accuracy = our_study(config)
            plain, plain_accuracy = plain_study(config, folder, processes=1)
            several, _ = plain_study(config, folder, processes=cores)
        table.add_row(
            model,
            *(f"{speed:.1f}" for speed in (ours, plain, several)),
            f"{ours / plain:.2f}",
            f"{ours / several:.2f}",
            f"{accuracy:.3f}, {plain_accuracy:.3f}",
        )
    console.print(table)


# About as many weights as 64-128-64-10, in equal layers; the published CNN of MNIST-1D, since
# a wider one would only measure torch.
SIZES = {
    "mlp": ["model.width=100"],
    "cnn": ["model.width=25", "model.norm=none", "model.fc_depth=0"],
}


def study_overrides(model: str, folder: str) -> list[str]:
    return [
        f"model={model}",
        *SIZES.get(model, []),
        f"data={DATA.get(model, 'mnist1d')}",
        "data.batch_size=128",
        "optim.lr=1e-3",
        "optim.schedule=constant",
        "trainer.max_epochs=10",
        f"search.candidates=[{','.join(CANDIDATES)}]",
        f"trials={TRIALS[model]}",
        f"logs={folder}",
    ]


def our_study(config: SweepConfig) -> tuple[float, float]:
    """Trials per minute until the last one ends, and mean validation accuracy.

    As for the reference, the clock starts when every worker has done its first trial.
    """
    with open_runner(config, Console(quiet=True)) as runner:
        trials = run_sweep(config, runner).study.trials
    ends = sorted(trial.datetime_complete for trial in trials if trial.datetime_complete)
    workers = worker_count(config.workers, config)
    seconds = (ends[-1] - ends[workers - 1]).total_seconds()
    values = [trial.value for trial in trials if trial.value is not None]
    return 60 * (len(ends) - workers) / seconds, statistics.fmean(values)


def plain_study(config: SweepConfig, folder: str, processes: int) -> tuple[float, float]:
    """The same of the reference, in one process or in several that share the trials."""
    queue = [CANDIDATES[i % len(CANDIDATES)] for i in range(config.trials)]
    running = []
    for number in range(processes):
        settings = {
            "model": config.as_dict()["model"],
            "data": asdict(config.data),
            "batch_size": config.data.batch_size,
            "lr": config.optim.lr,
            "epochs": config.trainer.max_epochs,
            "queue": queue[number::processes],
            "threads": 1 if processes > 1 else None,
            "folder": folder,
        }
        command = [sys.executable, str(REFERENCE), json.dumps(settings)]
        running.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
    results = [json.loads(process.communicate()[0]) for process in running]
    trials = sum(result["trials"] for result in results)
    speed = 60 * trials / max(result["seconds"] for result in results)
    return speed, statistics.fmean(v for result in results for v in result["values"])


if __name__ == "__main__":
    sys.exit(exit_code(main))
