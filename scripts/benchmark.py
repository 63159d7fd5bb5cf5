"""Speed as ratios, measured side by side in one process.

    python scripts/benchmark.py                     # steps of all models, about two minutes
    python scripts/benchmark.py --models mlp --rounds 9
    python scripts/benchmark.py --trials            # trials of a study, a quarter of an hour

Milliseconds per training step of three programs that train the same network on the same data with
Adam: ours (gradient norms and losses in TensorBoard at the default interval), a plain torch loop,
and a plain Lightning loop that logs its loss to TensorBoard. The last two are written as tutorials
write them: batches from a DataLoader, Adam as it comes, where ours indexes tensors and takes
torch's fused kernel. They take turns; a ratio is taken within a round, and the median over the
rounds is printed, since a machine's speed drifts.

With ``--trials``: trials per minute of a study, ours against ``benchmarks/plain_study.py`` in one
process with torch's default threads, and in one process per core with one thread each. Every
program tries the same activations; starting the processes and their first trial do not count. Our
workers keep freed memory (``activation_search.workers``), the others have the system's settings.

With ``--images``: seconds per epoch of the CNN on 60,000 images of the size of MNIST's, by the same
three programs; ours keeps them as bytes, the others as floats.

With ``--health``: what health readings at their default interval cost, as the ratio of the times
of whole runs with and without them.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import lightning.pytorch as pl
import numpy as np
import torch
import torch.nn.functional as F
from lightning.pytorch.loggers import TensorBoardLogger
from rich.console import Console
from rich.table import Table
from torch.utils.data import DataLoader, TensorDataset

from activation_search.compose import compose
from activation_search.data.sources import load_splits
from activation_search.data.splits import Splits
from activation_search.errors import exit_code, unknown
from activation_search.models.config import MODEL_CONFIGS
from activation_search.models.factory import build_network
from activation_search.search.config import SweepConfig
from activation_search.search.sweep import run_sweep
from activation_search.training.config import TrainConfig
from activation_search.training.quiet import quiet
from activation_search.training.run import train
from activation_search.workers import worker_count

REFERENCE = Path(__file__).parents[1] / "benchmarks" / "plain_study.py"
DATA = {"mlp": "digits"}  # the others on mnist1d


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=list(MODEL_CONFIGS), metavar="MODEL")
    parser.add_argument("--rounds", type=positive, default=5, help="turns that each program gets")
    parser.add_argument("--epochs", type=positive, default=5, help="epochs per turn")
    parser.add_argument("--threads", type=positive, default=torch.get_num_threads())
    parser.add_argument("--trials", action="store_true", help="measure studies instead of steps")
    parser.add_argument(
        "--images",
        type=positive,
        nargs="?",
        const=60_000,
        metavar="COUNT",
        help="measure epochs on many images",
    )
    parser.add_argument("--health", action="store_true", help="measure what readings cost")
    arguments = parser.parse_args()
    for model in arguments.models:
        if model not in MODEL_CONFIGS:
            raise unknown("model", model, MODEL_CONFIGS)
    if arguments.trials:
        compare_studies(arguments.models, Console())
        return
    torch.set_num_threads(arguments.threads)
    if arguments.health:
        compare_health(arguments.models, arguments.rounds, Console())
        return
    if arguments.images:
        compare_on_images(arguments.images, arguments.rounds, Console())
        return
    table = comparison_table(f"ms per step, {arguments.threads} threads")
    for model in arguments.models:
        data = DATA.get(model, "mnist1d")
        rounds = measure(model, [f"data={data}"], arguments.rounds, arguments.epochs)
        add_comparison(table, model, data, rounds, unit=1e-3)
    Console().print(table)


def comparison_table(title: str) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in (
        "model",
        "data",
        "ours",
        "torch",
        "Lightning",
        "torch : ours",
        "Lightning : ours",
    ):
        table.add_column(heading, justify="right")
    return table


def add_comparison(
    table: Table, model: str, data: str, rounds: list[tuple[float, float, float]], unit: float
) -> None:
    """A row of medians over the rounds, in units of so many seconds, and of their ratios."""
    medians = (statistics.median(column) for column in zip(*rounds, strict=True))
    against_torch = statistics.median(r[1] / r[0] for r in rounds)
    against_lightning = statistics.median(r[2] / r[0] for r in rounds)
    times = (f"{seconds / unit:.2f}" for seconds in medians)
    table.add_row(model, data, *times, f"{against_torch:.2f}", f"{against_lightning:.2f}")


def compare_on_images(count: int, rounds: int, console: Console) -> None:
    """Prints seconds per epoch on images that are too many to be kept as floats lightly."""
    generator = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.npz"
        arrays = {}
        for part, n in {"train": count, "test": count // 6}.items():
            arrays[f"y_{part}"] = np.arange(n) % 10
            arrays[f"x_{part}"] = generator.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        np.savez(path, **arrays)  # type: ignore[arg-type]
        data = ["data=arrays", f"data.path={path}", "data.batch_size=128"]
        steps = -(-round(0.8 * count) // 128)  # a fifth is kept for validation
        table = comparison_table(f"seconds per epoch of {round(0.8 * count):,} images")
        rows = measure("cnn", data, rounds, epochs=1)
        epochs = [(steps * ours, steps * plain, steps * other) for ours, plain, other in rows]
        add_comparison(table, "cnn", "28x28 bytes", epochs, unit=1.0)
        console.print(table)


def positive(text: str) -> int:
    """A whole number above zero, for argparse."""
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {text}")
    return int(text)


def measure(
    model: str, data: list[str], rounds: int, epochs: int
) -> list[tuple[float, float, float]]:
    """Seconds per step of ours, torch, Lightning in each round, after one that is not counted."""
    with tempfile.TemporaryDirectory() as folder:
        config: TrainConfig = compose(
            [
                f"model={model}",
                *data,
                "optim.schedule=constant",
                "tensorboard.histograms_every_n_epochs=0",
                "trainer.checkpoints=false",
                "trainer.progress=false",
                f"trainer.max_epochs={epochs}",
                "test=false",
                f"logs={folder}",
            ]
        )
        splits = load_splits(config.data, config.seed)
        times = []
        for _ in range(rounds + 1):
            result = train(config)
            times.append(
                (
                    result.training_seconds / result.steps,
                    torch_loop(config, splits),
                    lightning_loop(config, splits, Path(folder)),
                )
            )
    return times[1:]


def loader(config: TrainConfig, splits: Splits) -> DataLoader:
    dataset = TensorDataset(*splits.train.batch(slice(None)))
    return DataLoader(dataset, batch_size=config.data.batch_size, shuffle=True)


def network(config: TrainConfig, splits: Splits) -> torch.nn.Module:
    return build_network(config.model, config.activation, splits.sample, splits.target.size)


def torch_loop(config: TrainConfig, splits: Splits) -> float:
    """Seconds per step of the loop that a tutorial shows."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = network(config, splits).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=config.optim.lr)
    batches = loader(config, splits)
    began = time.perf_counter()
    for _ in range(config.trainer.max_epochs):
        for x, y in batches:
            loss = F.cross_entropy(model(x.to(device)), y.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - began) / (config.trainer.max_epochs * len(batches))


class PlainModule(pl.LightningModule):
    """The module that Lightning's documentation shows, timing its own epochs."""

    def __init__(self, model: torch.nn.Module, lr: float):
        super().__init__()
        self.model = model
        self.lr = lr
        self.seconds = 0.0

    def training_step(self, batch, index):
        x, y = batch
        loss = F.cross_entropy(self.model(x), y)
        self.log("train_loss", loss)
        return loss

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.lr)

    def on_train_epoch_start(self) -> None:
        self.began = time.perf_counter()

    def on_train_epoch_end(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        self.seconds += time.perf_counter() - self.began


def lightning_loop(config: TrainConfig, splits: Splits, folder: Path) -> float:
    """Seconds per step of a plain Lightning program."""
    module = PlainModule(network(config, splits), config.optim.lr)
    batches = loader(config, splits)
    with quiet():
        trainer = pl.Trainer(
            max_epochs=config.trainer.max_epochs,
            logger=TensorBoardLogger(folder, name="plain"),
            log_every_n_steps=config.tensorboard.every_n_steps,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(module, batches)
    return module.seconds / trainer.global_step


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
    trials = run_sweep(config, Console(quiet=True)).study.trials
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
