"""``model=function``: a user's own torch module as a network with sites.

python train.py model=function model.function=my_models.build activation=gelu
"""

import inspect
import json
from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from activation_search.activations.factory import build
from activation_search.activations.names import MODEL_DEFAULT
from activation_search.config.models import FunctionModelConfig
from activation_search.data.sample import Sample, Target
from activation_search.errors import UserError
from activation_search.models.network import Network
from activation_search.models.own.discover import Discovery, discover, without_fast_paths
from activation_search.models.own.functions import Call
from activation_search.models.own.install import install
from activation_search.models.own.sites import FoundSite, flat_name
from activation_search.models.own.survey import output_of
from activation_search.models.sites import Assignment, Site
from activation_search.user_code import own_callable

BATCHES = (2, 3)
SHARES = ("softmax", "log_softmax", "sigmoid")
SEED = 0  # of the inputs that a model is looked at with


def build_own(config: FunctionModelConfig, sample: Sample, outputs: int) -> nn.Module:
    """The user's model, its weights drawn from torch's global generator.

    Raises:
        UserError: the function fails, or gives no module.
    """
    if not config.function:
        raise UserError("model=function needs model.function=my_module.my_function.")
    function = own_callable("model.function", config.function)
    arguments = dict(config.args)
    for name, value in {"outputs": outputs, "num_classes": outputs, "shape": sample.shape}.items():
        if name in _parameters(function):
            arguments.setdefault(name, value)
    try:
        model = function(**arguments)
    except (Exception, SystemExit) as error:  # whatever the user's code raises
        reason = " ".join(str(error).split())
        raise UserError(
            f"model.function={config.function} failed: {type(error).__name__}: {reason}."
        ) from error
    if not isinstance(model, nn.Module):
        raise UserError(
            f"model.function={config.function} must return a torch.nn.Module, not "
            f"{type(model).__name__}."
        )
    return model


def _parameters(function: Any) -> set[str]:
    try:
        return set(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # a callable of C has none to look at
        return set()


def example_batches(sample: Sample, outputs: int) -> list[Tensor]:
    """Inputs in the shape of the data's samples."""
    generator = torch.Generator().manual_seed(SEED)
    if sample.kind == "tokens":
        shapes = [(n, *sample.shape) for n in BATCHES]
        return [torch.randint(outputs, shape, generator=generator) for shape in shapes]
    return [torch.randn(n, *sample.shape, generator=generator) for n in BATCHES]


def discover_own(
    model: nn.Module, config: FunctionModelConfig, sample: Sample, outputs: int
) -> Discovery:
    """The sites of a user's model on such samples.

    Raises:
        UserError: it has none, or gives something else than the task needs.
    """
    batches = example_batches(sample, outputs)
    found = discover(model, batches, config.sites)
    result = found.output
    wanted = (
        [BATCHES[0], *sample.shape, outputs] if sample.kind == "tokens" else [BATCHES[0], outputs]
    )
    for given, when in ((result, ""), (found.output_in_training, " in training mode")):
        shape = list(given.shape) if isinstance(given, Tensor) else type(given).__name__
        if shape != wanted:
            raise UserError(f"The model gives {shape}{when} where this task needs {wanted}.")
    if found.survey.ends_in in SHARES and _is_share(result):
        raise UserError(
            f"The model ends in {found.survey.ends_in}, which the task puts itself: return what "
            "goes into it."
        )
    return found


def check_end(ends_in: str, target: Target) -> None:
    """Whether what a model ends in is not what this target's task puts there.

    Raises:
        UserError: it is.
    """
    if target.kind == "itself" and ends_in == "tanh":
        raise UserError(
            "The model ends in tanh, which the task puts itself where samples are to be given "
            "back: return what goes into it."
        )


def _is_share(result: Tensor) -> bool:
    """Probabilities, or their logarithms."""
    return bool(((result >= 0) & (result <= 1)).all() or (result <= 0).all())


class OwnNetwork(Network):
    """A user's module with activations at its sites.

    ``model`` is the user's, and its ``state_dict`` has the user's keys.
    """

    input_kinds = ("vector", "series", "image", "tokens")
    baseline = MODEL_DEFAULT

    def __init__(
        self, config: FunctionModelConfig, sample: Sample, outputs: int, assignment: Assignment
    ):
        super().__init__(assignment)
        # The first to draw, so that all assignments at one seed share every weight.
        self.model = build_own(config, sample, outputs)
        found = discover_own(self.model, config, sample, outputs)
        modules = dict(self.model.named_modules())
        without_fast_paths(self.model)
        for each in found.sites:
            self.activations[each.name] = activation_at(each, assignment[each.name])
            self.layouts[each.name] = _layout(each, self.activations[each.name])
        self.by_code = install(
            self.model, found.sites, dict(self.activations.items()), found.others
        )
        # By hand, since they are the user's already.
        del self.layers
        self.layers = {  # type: ignore[assignment]
            flat_name(path): modules[path] for path in found.layers
        }

    @staticmethod
    def sites(config: FunctionModelConfig, sample: Sample, outputs: int) -> Sequence[Site]:
        return _seen(config, sample, outputs)[0]

    @classmethod
    def check_target(cls, config: FunctionModelConfig, sample: Sample, target: Target) -> None:
        check_end(_seen(config, sample, target.size)[1], target)

    def forward(self, x: Tensor) -> Tensor:
        if not x.is_floating_point():
            x = x.long()  # tokens, which are kept as bytes
        if self.by_code:
            return self._eager(x)
        return output_of(self.model(x))

    @torch.compiler.disable
    def _eager(self, x: Tensor) -> Tensor:
        """Compiled, a mode is looked at once and for all, which would be wrong."""
        return output_of(self.model(x))


def _layout(found: FoundSite, activation: nn.Module) -> tuple[int, int]:
    """Number and dimension of the channels at a site, as what stands there takes them."""
    learned = _weight_of_prelu(activation)
    if learned is not None and learned.numel() > 1:
        return learned.numel(), 1  # torch's has its channels there, behind a linear layer too
    return found.channels or 1, found.channel_dim


def _weight_of_prelu(activation: nn.Module) -> Tensor | None:
    if isinstance(activation, nn.PReLU):
        return activation.weight
    if isinstance(activation, Call) and activation.name == "prelu":
        return next(activation.buffers(), None)
    return None


def _seen(
    config: FunctionModelConfig, sample: Sample, outputs: int
) -> tuple[tuple[Site, ...], str]:
    """The sites of a user's model, and what it ends in."""
    plain = json.dumps([config.function, config.args, list(config.sites)], sort_keys=True)
    # With the function itself: a notebook may define another one of its name.
    own = config.function and own_callable("model.function", config.function)
    return _seen_once(own, plain, sample, outputs)


@cache
def _seen_once(_: Any, plain: str, sample: Sample, outputs: int) -> tuple[tuple[Site, ...], str]:
    function, args, patterns = json.loads(plain)
    config = FunctionModelConfig(function=function, args=args, sites=patterns)
    with torch.random.fork_rng(devices=[]):
        model = build_own(config, sample, outputs)
        found = discover_own(model, config, sample, outputs)
    return tuple(each.site for each in found.sites), found.survey.ends_in


def activation_at(found: FoundSite, chosen: Any) -> nn.Module:
    """What stands at a site: a module of the catalogue, or the model's own function.

    Raises:
        UserError: one that learns per channel where the number of channels varies.
    """
    if chosen == found.site.default:
        return found.own
    module = build(chosen, channels=found.channels or 1, channel_dim=found.channel_dim)
    learns = any(True for _ in module.parameters())
    if not found.channels and learns and getattr(module, "sharing", "layer") == "channel":
        raise UserError(
            f"{chosen.name} learns per channel, and {found.name} has another number of channels "
            f"from call to call: give it sharing=layer, or leave it out there."
        )
    return module
