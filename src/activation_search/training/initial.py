"""The state of a model before its first step: signal, gradient, and the verdict."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from activation_search.data import load_splits
from activation_search.diagnostics.alarms import READINGS_IN_A_ROW, Alarm, Watch
from activation_search.diagnostics.gradients import GradientReading, read_gradients
from activation_search.diagnostics.probe import PROBE_SIZE, preactivations
from activation_search.diagnostics.sites import SiteHealth, read_sites
from activation_search.settings import check
from activation_search.training.config import TrainConfig
from activation_search.training.module import ActivationModule, to_hyperparameters


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


def inspect(config: TrainConfig) -> InitialState:
    """Builds the model of a run and looks at it; nothing is trained or written.

    Gradients are read on as many batches as an alarm asks for in a row.

    Raises:
        UserError: a setting, site or activation that is not valid.
    """
    check(config)
    splits = load_splits(config.data.name, config.data.validation, config.seed)
    module = ActivationModule(**to_hyperparameters(config, splits.sample, splits.classes))
    network = module.network
    x, y = splits.train.x.to(module.mean), splits.train.y
    watch = Watch()
    probe = x[:PROBE_SIZE]
    state = InitialState(read_sites(network, probe), preactivations(network, probe), None)  # type: ignore[arg-type]
    watch.see_sites(0, state.sites, network.signal_path)
    size = config.data.batch_size
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(config.seed)
        for number in range(READINGS_IN_A_ROW):
            batch = slice(number * size, (number + 1) * size)
            network.zero_grad()
            loss = module.task.loss(network(x[batch]), y[batch])
            loss.backward()
            reading = read_gradients(network)
            state.gradients = state.gradients or reading
            watch.see_loss(0, loss.item())
            watch.see_gradients(0, reading)
    state.alarms = watch.found
    return state
