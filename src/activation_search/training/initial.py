"""The state of a model before its first step: signal, gradient, and the verdict."""

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from activation_search.activations import Activation
from activation_search.config.run import InitialConfig, TrainConfig, check_run
from activation_search.data.registry import load_splits
from activation_search.diagnostics.alarm_rules import READINGS_IN_A_ROW, AlarmRules
from activation_search.diagnostics.alarms import Alarm
from activation_search.diagnostics.gradients import GradientReading, read_gradients
from activation_search.diagnostics.probe import PROBE_SIZE, preactivations
from activation_search.diagnostics.site_health import SiteHealth, measure_sites
from activation_search.errors import UserError
from activation_search.training.session import build_module


@dataclass
class InitialState:
    """Of one assignment.

    sites: site -> health. preactivations: site -> values on the probe batch.
    gradients: of the first batch. alarms: what is wrong already.
    """

    sites: dict[str, SiteHealth]
    preactivations: dict[str, Tensor]
    gradients: GradientReading
    alarms: list[Alarm] = field(default_factory=list)


def initial_runs(config: InitialConfig) -> dict[str, TrainConfig]:
    """Label -> run: one per activation asked for, or the run's own assignment.

    Raises:
        UserError: not a list of activations.
    """
    base = config.as_run()
    if config.activations is None:
        return {base.activation.label: base}
    if not isinstance(config.activations, list) or not config.activations:
        raise UserError(
            f"activations must be a list such as [relu,gelu], not {config.activations!r}."
        )
    runs = {}
    for given in config.activations:
        activation = Activation.parse(given)
        runs[str(activation)] = replace(base, activation=base.activation.with_whole(activation))
    return runs


def inspect_initial_state(config: TrainConfig) -> InitialState:
    """Builds the model of a run and looks at it, on the CPU; nothing is trained or written.

    Gradients are read on as many batches as an alarm asks for in a row.

    Raises:
        UserError: a setting, site or activation that is not valid.
    """
    check_run(config)
    splits = load_splits(config.data, config.seed)
    module = build_module(config, splits)
    network = module.network
    train = splits.train
    watch = AlarmRules(config.as_dict(), network.assignment_text)
    probe = module.inputs(train.batch(slice(0, PROBE_SIZE))[0])
    seen = preactivations(network, probe)
    sites = measure_sites(network, seen)
    watch.check_sites(0, sites, network.signal_path)
    readings = []
    count = READINGS_IN_A_ROW * config.data.batch_size
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(config.seed)
        # Small data gives some samples twice.
        for index in (torch.arange(count) % len(train)).split(config.data.batch_size):
            network.zero_grad()
            x, y = train.batch(index)
            loss = module.task.loss(network(module.inputs(x)), y)
            loss.backward()
            readings.append(read_gradients(network))
            watch.check_loss(0, loss.item())
            watch.check_gradients(0, readings[-1])
    return InitialState(sites, seen, readings[0], watch.found)
