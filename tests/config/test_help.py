"""What ``--help`` prints."""

from dataclasses import fields, is_dataclass
from typing import Any, get_type_hints

import pytest

from activation_search.commands.main import COMMANDS
from activation_search.config.compose import CONF
from activation_search.config.data import DATA_OPTIONS
from activation_search.config.help import help_text
from activation_search.config.models import MODEL_CONFIGS
from activation_search.config.run import TrainConfig

DATA = {type(data) for data in DATA_OPTIONS.values()}
CONFIGS = [command.config for command in COMMANDS.values() if command.config]


def unexplained(config: Any) -> list[str]:
    """Settings without an explanation, of the configuration and of its parts."""
    hints = get_type_hints(config)
    found = []
    for item in fields(config):
        kind = hints[item.name]
        if item.name in ("name", "activation"):
            continue  # chosen by option; the activation's keys are explained as one
        if is_dataclass(kind):
            found += [f"{item.name}.{name}" for name in unexplained(kind)]
        elif not item.metadata.get("help"):
            found.append(item.name)
    return found


@pytest.mark.parametrize(
    "config", [*CONFIGS, *MODEL_CONFIGS.values(), *map(type, DATA_OPTIONS.values())]
)
def test_every_setting_is_explained(config: Any) -> None:
    assert unexplained(config) == []


def test_defaults_limits_and_explanations_stand_together() -> None:
    text = help_text("Trains.", ["python train.py"], TrainConfig, CONF)
    assert "    optim.lr = 0.005              learning rate, the peak of a schedule\n" in text
    assert (
        "    model.norm = batch            between convolution and activation (none, batch)" in text
    )
    assert (
        "    optim.clip = null             largest total gradient norm; null does not clip" in text
    )
    assert "schema" not in text


@pytest.mark.parametrize(("window", "longest"), [("80", 80), ("40", 60), ("300", 100)])
def test_lines_fit_the_window(monkeypatch: pytest.MonkeyPatch, window: str, longest: int) -> None:
    monkeypatch.setenv("COLUMNS", window)
    for config in CONFIGS:
        lines = help_text("Trains.", ["python train.py"], config, CONF).splitlines()
        assert [line for line in lines if len(line) > longest and not fixed(line)] == []


def fixed(line: str) -> bool:
    """The name and default of a setting, which stand on a line together, and what a group is."""
    return " = " in line or (line.startswith("  ") and line[2] != " ")


def test_the_settings_of_the_chosen_model_and_data_are_shown() -> None:
    text = help_text("", [], TrainConfig, CONF, ["model=transformer", "data=csv", "seed=1"])
    assert "model.heads = 4" in text
    assert "data.target = null" in text
    assert "model.pool" not in text
    assert "activation.<parameter>" in text
    assert "model.depth = 3" in help_text("", [], TrainConfig, CONF, ["model=nosuch"])


def test_the_parameters_of_the_chosen_activation_are_shown() -> None:
    text = help_text("", [], TrainConfig, CONF, ["activation=elu"])
    assert "    activation.alpha = 1.0        searched from 0.1 to 3\n" in text
    text = help_text("", [], TrainConfig, CONF, ["activation=prelu"])
    assert "    activation.init = 0.25 " in text
    assert "(channel, layer)" in text
    assert "activation.<parameter>" not in text
    assert "activation.alpha = 1.0" in help_text("", [], TrainConfig, CONF, ["activation=ELU"])
    assert "    relu has no settings\n" in help_text("", [], TrainConfig, CONF, ["activation=ReLU"])
    assert "activation.<parameter>" in help_text("", [], TrainConfig, CONF, ["activation=formula"])
