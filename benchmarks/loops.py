"""The same training as three programs: ours, a plain torch loop, and a plain Lightning program.

The last two are written as tutorials write them: batches from a DataLoader, Adam as it comes, where
ours indexes tensors and takes torch's fused kernel. They take turns; a ratio is taken within a
round, and the median over the rounds is printed, since a machine's speed drifts.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import lightning.pytorch as pl
import torch
import torch.nn.functional as F
from lightning.pytorch.loggers import TensorBoardLogger
from rich.table import Table
from torch.utils.data import DataLoader, TensorDataset

from activation_search.config.compose import compose
from activation_search.config.models import BUILT_IN
from activation_search.config.run import TrainConfig
from activation_search.console import ArgumentParser
from activation_search.data.registry import load_splits
from activation_search.data.splits import Splits
from activation_search.errors import unknown
from activation_search.models.factory import build_network
from activation_search.training.lightning_warnings import quiet_lightning
from activation_search.training.run import train

DATA = {"mlp": "digits"}  # the others on mnist1d


def parser(description: str) -> ArgumentParser:
    """The options that every benchmark has."""
    options = ArgumentParser(description=description)
    options.add_argument("--models", nargs="+", default=list(BUILT_IN), metavar="MODEL")
    options.add_argument("--rounds", type=positive, default=5, help="turns that each program gets")
    options.add_argument("--threads", type=positive, default=torch.get_num_threads())
    return options


def parse(options: ArgumentParser) -> argparse.Namespace:
    """The arguments; sets torch's threads.

    Raises:
        UserError: a model that does not exist.
    """
    arguments = options.parse_args()
    for model in arguments.models:
        if model not in BUILT_IN:
            raise unknown("model", model, BUILT_IN)
    torch.set_num_threads(arguments.threads)
    return arguments


def positive(text: str) -> int:
    """A whole number above zero, for argparse."""
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {text}")
    return int(text)


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
    with quiet_lightning():
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
