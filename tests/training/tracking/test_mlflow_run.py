"""MLflow with a store in the folder of logs."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from activation_search.config.run import TrainConfig
from activation_search.training.result import STOPPED
from activation_search.training.run import train

mlflow = pytest.importorskip("mlflow")

Small = Callable[..., TrainConfig]
# MLflow's tables name a loader that SQLAlchemy 2.1 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:.*noload:DeprecationWarning")


def test_parameters_curve_metrics_and_artifacts(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    result = train(small("tracker=mlflow", "group=sweeps/s/runs", "activation=gelu"))
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("sweeps/s")
    [run] = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.params["activation.name"] == "gelu"
    assert run.data.params["optim.lr"] == "0.005"
    curve = client.get_metric_history(run.info.run_id, "val_loss")
    expected = [(row["step"], row["val_loss"]) for row in result.curve]
    assert [(point.step, point.value) for point in curve] == expected
    assert run.data.metrics["final/test_accuracy"] == result.metrics["test_accuracy"]
    names = {item.path for item in client.list_artifacts(run.info.run_id)}
    assert names == {"result.json", "config.yaml", "best.ckpt"}
    # A run that is resumed is the same one.
    replace(result, status=STOPPED).write()
    train(small("tracker=mlflow", "activation=gelu", f"resume={result.directory}"))
    [same] = client.search_runs([experiment.experiment_id])
    assert same.info.run_id == run.info.run_id
