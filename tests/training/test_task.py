"""Each task's loss, output function and metrics against closed forms, and whole runs of each."""

import json
import math
from collections.abc import Callable
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from rich.console import Console
from sklearn.decomposition import PCA
from sklearn.metrics import r2_score, roc_auc_score
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import activation_search
from activation_search.commands.train import print_summary
from activation_search.config.compose import compose
from activation_search.config.data import DataConfig
from activation_search.config.run import TrainConfig
from activation_search.data.registry import load_source, load_splits
from activation_search.data.sample import Target
from activation_search.errors import UserError
from activation_search.evidence.statistics import compare
from activation_search.training.run import train
from activation_search.training.task import TASKS, build_task, criterion_of

from ..files import write_arrays

Small = Callable[..., TrainConfig]


def test_several_classes() -> None:
    task = build_task(Target("classes", 3))
    assert task.outputs == 3
    outputs, y = torch.tensor([[1.0, 2.0, 0.0], [0.0, 0.0, 0.0]]), torch.tensor([1, 2])
    p = math.exp(2) / (math.e + math.exp(2) + 1)
    assert task.loss(outputs, y).item() == pytest.approx(-(math.log(p) + math.log(1 / 3)) / 2)
    assert task.predict(outputs)[0, 1].item() == pytest.approx(p)


@pytest.mark.parametrize("kind", ["classes", "binary", "numbers", "itself", "next"])
def test_losses_of_halves_are_those_of_their_numbers(kind: str) -> None:
    size = 1 if kind == "binary" else 4
    task = build_task(Target(kind, size), *([torch.zeros(4), torch.ones(4)] * (kind == "numbers")))
    outputs = torch.linspace(-2, 3, 5 * 3 * size, dtype=torch.bfloat16).view(5, 3, size)
    outputs = outputs if kind == "next" else outputs.flatten(0, 1)
    y = outputs.flip(0).float()
    y = y if kind in ("numbers", "itself") else (y > 0).long()[..., 0]
    assert torch.equal(task.loss(outputs, y), task.loss(outputs.float(), y))
    assert task.loss(outputs, y).dtype is torch.float32


def test_yes_or_no() -> None:
    task = build_task(Target("binary", 1))
    assert task.outputs == 1
    outputs, y = torch.tensor([[2.0], [0.5], [-1.0], [0.2]]), torch.tensor([1, 0, 0, 1])
    p = [1 / (1 + math.exp(-z)) for z in (2.0, 0.5, -1.0, 0.2)]
    expected = -(math.log(p[0]) + math.log(1 - p[1]) + math.log(1 - p[2]) + math.log(p[3])) / 4
    assert task.loss(outputs, y).item() == pytest.approx(expected)
    assert task.predict(outputs).tolist() == pytest.approx(p)
    metrics = task.build_metrics()
    metrics.update(*task.metric_inputs(outputs, y))
    found = {name: value.item() for name, value in metrics.compute().items()}
    assert found == pytest.approx({"accuracy": 0.75, "auroc": roc_auc_score(y, p)})


def test_logits_that_look_like_probabilities_are_logits() -> None:
    task = build_task(Target("binary", 1))
    metrics = task.build_metrics()
    outputs, y = torch.tensor([[0.4], [0.3], [0.2]]), torch.tensor([1, 1, 0])
    metrics.update(*task.metric_inputs(outputs, y))
    # A logit above 0 says yes; as probabilities all three would say no.
    assert metrics.compute()["accuracy"].item() == pytest.approx(2 / 3)


def test_numbers_are_judged_in_their_unit() -> None:
    task = build_task(Target("numbers", 1), torch.tensor([100.0]), torch.tensor([50.0]))
    outputs, y = torch.tensor([[0.0], [1.0], [-1.0]]), torch.tensor([[0.2], [1.0], [-1.4]])
    assert task.loss(outputs, y).item() == pytest.approx((0.04 + 0.16) / 3)
    assert task.predict(outputs)[:, 0].tolist() == [100, 150, 50]
    task.metrics.update(*task.metric_inputs(outputs, y))
    found = task.measured()
    assert found["mae"].item() == pytest.approx((10 + 20) / 3)
    assert found["r2"].item() == pytest.approx(r2_score([110, 150, 30], [100, 150, 50]), abs=1e-5)


def test_macro_f1_weighs_classes_alike() -> None:
    outputs = F.one_hot(torch.tensor([0, 0, 0, 1, 2, 2]), 3).float()
    y = torch.tensor([0, 0, 1, 1, 2, 0])
    metrics = build_task(Target("classes", 3)).build_metrics()
    metrics.update(outputs, y)
    # Precision and recall of the three: 2/3 and 2/3, 1 and 1/2, 1/2 and 1.
    assert metrics.compute()["macro_f1"].item() == pytest.approx(2 / 3)


def test_samples_given_back() -> None:
    task = build_task(Target("itself", 2))
    outputs, y = torch.tensor([[0.0, 1.0]]), torch.tensor([[0.5, -0.25]])
    expected = (0.25 + (math.tanh(1) + 0.25) ** 2) / 2
    assert task.loss(outputs, y).item() == pytest.approx(expected)
    metrics = task.build_metrics()
    metrics.update(*task.metric_inputs(outputs, y))
    assert metrics.compute()["mse"].item() == pytest.approx(expected)


def test_the_next_token() -> None:
    task = build_task(Target("next", 4))
    # Probabilities 1/2, 1/4, 1/8, 1/8 at every place: 1 and 3 bits for tokens 0 and 2.
    outputs = torch.tensor([1 / 2, 1 / 4, 1 / 8, 1 / 8]).log().expand(2, 2, 4)
    y = torch.tensor([[0, 2], [0, 0]])
    assert task.loss(outputs, y).item() == pytest.approx(1.5 * math.log(2))
    metrics = task.build_metrics()
    for _ in range(2):  # as in two epochs
        metrics.update(*task.metric_inputs(outputs, y.to(torch.uint8)))
        found = {name: value.item() for name, value in metrics.compute().items()}
        assert found == pytest.approx({"bits_per_character": 1.5, "perplexity": 2**1.5})
        metrics.reset()
    assert task.predict(outputs)[0, 0].tolist() == pytest.approx([1 / 2, 1 / 4, 1 / 8, 1 / 8])


def test_metrics_and_directions() -> None:
    first = {
        "classes": ("accuracy", "max"),
        "binary": ("accuracy", "max"),
        "numbers": ("r2", "max"),
        "itself": ("mse", "min"),
        "next": ("bits_per_character", "min"),
    }
    assert {kind: astuple(task.criterion()) for kind, task in TASKS.items()} == first
    for task in TASKS.values():
        measured = set(task(2).metrics.keys())
        assert measured == set(task.modes)
        for metric in measured:
            # Errors and what grows with them are better when smaller.
            small = metric in ("mae", "mse", "bits_per_character", "perplexity")
            assert astuple(task.criterion(metric)) == (metric, "min" if small else "max")
        assert astuple(task.criterion("loss")) == ("loss", "min")


def test_the_metric_of_a_run() -> None:
    assert criterion_of(compose(["model=mlp", "data=digits"])).metric == "accuracy"
    chosen = compose(["model=mlp", "data=digits", "task.metric=macro_f1"])
    assert criterion_of(chosen).metric == "macro_f1"
    with pytest.raises(UserError, match=r"Unknown task\.metric 'macro_f1'.*allowed: r2, mae, loss"):
        criterion_of(compose(["model=mlp", "data=diabetes", "task.metric=macro_f1"]))


def test_weights_of_classes() -> None:
    weights = torch.tensor([1.0, 2.0, 4.0], dtype=torch.float64)
    task = build_task(Target("classes", 3), class_weights=weights)
    outputs, y = torch.tensor([[1.0, 2.0, 0.0], [0.0, 0.0, 0.0]]), torch.tensor([1, 2])
    p = math.exp(2) / (math.e + math.exp(2) + 1)
    expected = -(2 * math.log(p) + 4 * math.log(1 / 3)) / 2
    assert task.loss(outputs, y).item() == pytest.approx(expected)
    assert task.loss(outputs, y).dtype is torch.float32
    assert "class_weights" not in task.state_dict()


def test_weights_of_yes_and_no() -> None:
    task = build_task(Target("binary", 1), class_weights=torch.tensor([0.5, 3.0]))
    outputs, y = torch.tensor([[2.0], [0.5]]), torch.tensor([1, 0])
    p = [1 / (1 + math.exp(-z)) for z in (2.0, 0.5)]
    expected = -(3 * math.log(p[0]) + 0.5 * math.log(1 - p[1])) / 2
    assert task.loss(outputs, y).item() == pytest.approx(expected)


def test_a_regression_run_predicts_in_the_targets_unit(small: Small) -> None:
    result = train(small("data=friedman1", "trainer.max_epochs=10", "model.width=64"))
    assert result.metric == "r2"
    assert result.metrics["test_r2"] > 0.7
    assert {"test_loss", "test_mae", "test_r2", "val_r2"} <= set(result.metrics)
    model = activation_search.load(f"{result.directory}/last.ckpt")
    source = load_source(DataConfig("friedman1", 64, 0.2))
    predicted = model.predict(source.x_test)
    assert predicted.shape == source.y_test.shape
    error = np.abs(predicted.numpy() - source.y_test).mean()
    assert result.metrics["test_mae"] == pytest.approx(error, rel=1e-4)


def test_a_binary_run(small: Small) -> None:
    result = train(small("data=breast_cancer", "trainer.max_epochs=10"))
    assert result.metrics["test_accuracy"] > 0.92
    assert result.metrics["test_auroc"] > 0.97
    model = activation_search.load(f"{result.directory}/best.ckpt")
    probabilities = model.predict(load_source(DataConfig("breast_cancer", 64, 0.2)).x_test)
    assert probabilities.shape == (114,)
    assert ((probabilities >= 0) & (probabilities <= 1)).all()


def test_a_code_gives_digits_back_better_than_principal_components(small: Small) -> None:
    config = small(
        "data=digits_reconstruction", "model.code=8", "model.width=128", "trainer.max_epochs=30"
    )
    result = train(config)
    source = load_source(config.data)
    model = activation_search.load(f"{result.directory}/last.ckpt")
    scale = 2 / 16  # pixels go from 0 to 16, and are scaled to [-1, 1]
    error = ((model.predict(source.x_test).numpy() - source.x_test) * scale) ** 2
    assert error.mean() == pytest.approx(result.metrics["test_mse"], rel=1e-4)
    components = PCA(8).fit(source.x_train.reshape(-1, 64))
    flat = source.x_test.reshape(-1, 64)
    given_back = components.inverse_transform(components.transform(flat))
    assert result.metrics["test_mse"] < (((given_back - flat) * scale) ** 2).mean()


def test_a_text_run_beats_the_counts_of_pairs_and_writes(small: Small) -> None:
    config = small(
        "model=lstm", "data=text", "data.characters=60_000", "optim.lr=1e-2", "model.width=64"
    )
    result = train(replace(config, trainer=replace(config.trainer, max_epochs=3)))
    source = load_source(config.data)
    train_pairs = (source.x_train.ravel(), source.y_train.ravel())
    counts = np.full((source.target.size, source.target.size), 0.01)
    np.add.at(counts, train_pairs, 1)
    shares = counts / counts.sum(1, keepdims=True)
    bits = -np.log2(shares[source.x_test.ravel(), source.y_test.ravel()]).mean()
    assert result.metrics["test_bits_per_character"] < bits
    assert result.metrics["test_loss"] == pytest.approx(
        result.metrics["test_bits_per_character"] * math.log(2), rel=1e-5
    )
    model = activation_search.load(f"{result.directory}/last.ckpt")
    board = EventAccumulator(result.directory).Reload()
    [shown] = board.Tensors("generated/text_summary")
    assert len(shown.tensor_proto.string_val[0]) > 400
    written = model.generate("def ", 50)
    assert len(written) == 54
    assert written == model.generate("def ", 50)
    assert written != model.generate("def ", 50, seed=1)
    assert model.generate("import ", 20, temperature=0) == model.generate(
        "import ", 20, temperature=0, seed=1
    )
    with pytest.raises(UserError, match="cannot continue 'ß'; it knows"):
        model.generate("ß", 1)
    with pytest.raises(UserError, match="cannot continue an empty prompt"):
        model.generate("", 1)


def test_a_loss_is_the_mean_over_samples_however_they_are_batched(small: Small) -> None:
    # 1,280 samples are batched as 1,024 and the rest.
    config = small("data=friedman1", "data.validation=0.8", "trainer.max_epochs=1")
    result = train(config)
    model = activation_search.load(f"{result.directory}/last.ckpt")
    validation = load_splits(config.data, seed=0).validation
    assert validation is not None
    assert len(validation) == 1280
    x, y = validation.batch(slice(None))
    assert result.metrics["val_loss"] == pytest.approx(F.mse_loss(model(x), y).item(), rel=1e-5)


@pytest.mark.parametrize("data", ["xor", "two_spirals"])
def test_without_non_linearity_a_network_is_a_line(data: str, small: Small) -> None:
    found = {}
    for name in ("identity", "relu"):
        run = train(
            small(f"data={data}", f"activation={name}", "model.width=128", "trainer.max_epochs=30")
        )
        found[name] = run.metrics["test_accuracy"]
    assert found["identity"] <= 0.75
    assert found["relu"] >= 0.9


@pytest.mark.parametrize("model", ["cnn", "lstm", "transformer"])
def test_models_that_cannot_read_vectors_say_which_can(model: str, small: Small) -> None:
    with pytest.raises(UserError, match=f"model={model} cannot read .* vector; .* can: mlp"):
        train(compose([f"model={model}", "data=diabetes"]))


def test_verdicts_follow_the_direction_of_the_metric() -> None:
    better = compare([0.1, 0.2, 0.3], {"b": [0.4, 0.52, 0.61]}, "max")["b"]
    assert better.win_rate == 1


def test_an_undefined_metric_is_said_to_be_so(
    small: Small, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A class of one sample stays in training, so that the validation part has one class."""
    x, y = np.random.default_rng(0).normal(size=(60, 3)), np.zeros(60, int)
    y[7] = 1
    y_test = np.arange(60) % 2
    file = write_arrays(tmp_path / "rare.npz", x_train=x, y_train=y, x_test=x, y_test=y_test)
    result = train(small("data=arrays", f"data.path={file}"))
    assert result.status == "finished"
    assert math.isnan(result.metrics["val_auroc"])
    assert 0 <= result.metrics["test_auroc"] <= 1
    written = json.loads((Path(result.directory) / "result.json").read_text())
    assert written["metrics"]["val_auroc"] is None
    print_summary(result, Console(width=120))
    shown = capsys.readouterr()
    assert "undefined: all samples are of one class" in shown.out
    assert not shown.err
