"""What a competent user would write: an Optuna study over a Lightning module, in one file.

The reference that ``python benchmarks/trials.py`` measures us against: one process,
DataLoader, torchmetrics, Lightning's TensorBoard logger, torch's default threads. The network is
ours with torch's own activations in it, so that both train the same thing; an LSTM of other
functions than tanh is a loop over steps, as one writes it, without the gradient that ours writes
out.
"""

import json
import logging
import sys
import time
import warnings

import lightning.pytorch as pl
import optuna
import torch
import torch.nn.functional as F
from lightning.pytorch.loggers import TensorBoardLogger
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics.classification import MulticlassAccuracy

from activation_search.config.data import DataConfig
from activation_search.config.models import MODEL_CONFIGS
from activation_search.data.registry import load_splits
from activation_search.models.factory import build_network

ACTIVATIONS = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "mish": nn.Mish,
    "tanh": nn.Tanh,
    "prelu": nn.PReLU,
}


class Module(pl.LightningModule):
    def __init__(self, network: torch.nn.Module, classes: int, lr: float):
        super().__init__()
        self.network = network
        self.lr = lr
        self.accuracy = MulticlassAccuracy(classes, average="micro")

    def training_step(self, batch, index):
        x, y = batch
        loss = F.cross_entropy(self.network(x), y)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, index):
        x, y = batch
        logits = self.network(x)
        self.accuracy(logits, y)
        self.log("val_loss", F.cross_entropy(logits, y))
        self.log("val_accuracy", self.accuracy)

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.lr)


def main() -> None:
    """Reads its settings as JSON from the command line, prints seconds and mean accuracy."""
    settings = json.loads(sys.argv[1])
    if settings["threads"]:
        torch.set_num_threads(settings["threads"])
    warnings.simplefilter("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    model = MODEL_CONFIGS[settings["model"]["name"]](**settings["model"])
    splits = load_splits(DataConfig(**settings["data"]), seed=0)
    assert splits.validation is not None
    validation = TensorDataset(*splits.validation.batch(slice(None)))
    size = settings["batch_size"]

    def objective(trial: optuna.Trial) -> float:
        name = trial.suggest_categorical("activation", list(ACTIVATIONS))
        network = build_network(model, {"name": name}, splits.sample, splits.target.size)
        for site, activation in network.assignment.items():
            if activation.name == name:
                network.activations[site] = ACTIVATIONS[name]()
        module = Module(network, splits.target.size, settings["lr"])
        trainer = pl.Trainer(
            max_epochs=settings["epochs"],
            accelerator="auto",
            devices=1,
            logger=TensorBoardLogger(settings["folder"], name="plain"),
            log_every_n_steps=10,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        train = TensorDataset(*splits.train.batch(slice(None)))
        trainer.fit(
            module,
            DataLoader(train, batch_size=size, shuffle=True),
            DataLoader(validation, batch_size=size),
        )
        return trainer.callback_metrics["val_accuracy"].item()

    study = optuna.create_study(direction="maximize")
    for name in settings["queue"]:
        study.enqueue_trial({"activation": name})
    # The first one pays for imports and caches, as ours does before its clock starts.
    study.optimize(objective, n_trials=1)
    began = time.perf_counter()
    study.optimize(objective, n_trials=len(settings["queue"]) - 1)
    seconds = time.perf_counter() - began
    values = [trial.value for trial in study.trials]
    print(json.dumps({"seconds": seconds, "trials": len(values) - 1, "values": values}))


if __name__ == "__main__":
    main()
