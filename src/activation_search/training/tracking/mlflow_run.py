"""A run in MLflow: ``python train.py tracker=mlflow``, then
``mlflow ui --backend-store-uri sqlite:///logs/mlflow.db``."""

import logging
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock
from mlflow.entities import Experiment, Metric, Param
from mlflow.tracking import MlflowClient

from activation_search.config.run import TrainConfig
from activation_search.training.checkpoint import BEST, LAST
from activation_search.training.history import EpochRow
from activation_search.training.result import FINISHED, PRUNED, RESULT_FILE, STOPPED, RunResult
from activation_search.training.tracking.naming import group_of, run_name

STORE = "mlflow.db"
ARTIFACTS = "mlartifacts"
DIRECTORY = "directory"  # a tag, by which a resumed run is found
BATCH = 100  # parameters that MLflow takes at once


class MLflowRun:
    """Parameters, the curve, final metrics, and as artifacts the result, the configuration and the
    best weights.

    The store is ``MLFLOW_TRACKING_URI``, or a database in the folder of logs; the experiment is
    ``MLFLOW_EXPERIMENT_NAME``, or the study, comparison or multirun.

    Args:
        config: the run's.
        directory: of the run; a run that is resumed there is the same one in MLflow.

    Raises:
        mlflow.MlflowException: the store cannot be opened.
    """

    def __init__(self, config: TrainConfig, directory: Path):
        self.directory = directory
        logs = Path(config.logs).absolute()
        logs.mkdir(parents=True, exist_ok=True)
        logging.getLogger("mlflow").setLevel(logging.WARNING)  # tables made are no news
        server = os.environ.get("MLFLOW_TRACKING_URI")
        with FileLock(logs / f".{STORE}.lock"):  # the first of several workers makes the tables
            self.client = MlflowClient(server or f"sqlite:///{logs / STORE}")
            artifacts = None if server else (logs / ARTIFACTS).as_uri()
            name = os.environ.get("MLFLOW_EXPERIMENT_NAME", group_of(config))
            experiment = self._experiment(name, artifacts)
        where = str(directory.absolute())
        text = where.replace("'", "\\'")
        found = self.client.search_runs([experiment], f"tags.{DIRECTORY} = '{text}'")
        if found:
            self.id = found[0].info.run_id
            self.client.update_run(self.id, "RUNNING")
            return
        run = self.client.create_run(
            experiment, run_name=run_name(directory), tags={DIRECTORY: where}
        )
        self.id = run.info.run_id
        leaves = list(_leaves(config.as_dict()))
        for start in range(0, len(leaves), BATCH):
            self.client.log_batch(self.id, params=leaves[start : start + BATCH])

    def _experiment(self, name: str, artifacts: str | None) -> str:
        found: Experiment | None = self.client.get_experiment_by_name(name)
        if found is not None:
            return found.experiment_id
        return self.client.create_experiment(name, artifacts)

    def epoch(self, curve: list[EpochRow]) -> None:
        """By the step that ended it."""
        row = curve[-1]
        values = {name: value for name, value in row.items() if name not in ("epoch", "step")}
        self._log(values, int(row["step"]))

    def end(self, result: RunResult) -> None:
        """Adds final metrics and files, and ends the run."""
        final = {f"final/{name}": value for name, value in result.metrics.items()}
        self._log({**final, "parameters": result.parameters}, result.steps)
        weights = BEST if (self.directory / BEST).exists() else LAST
        for name in (RESULT_FILE, "config.yaml", weights):
            if (self.directory / name).exists():
                self.client.log_artifact(self.id, str(self.directory / name))
        ended = {FINISHED: "FINISHED", PRUNED: "KILLED", STOPPED: "KILLED"}
        self.client.set_terminated(self.id, ended.get(result.status, "FAILED"))

    def _log(self, values: Mapping[str, float], step: int) -> None:
        now = int(1000 * time.time())
        metrics = [Metric(name, float(value), now, step) for name, value in values.items()]
        self.client.log_batch(self.id, metrics=metrics)


def _leaves(plain: Mapping[str, Any], path: str = "") -> Iterator[Param]:
    for key, value in plain.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{path}{key}.")
        else:
            yield Param(f"{path}{key}", str(value))
