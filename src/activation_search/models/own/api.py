"""The activation sites of any torch module, for a training loop of one's own.

from activation_search import replace, sites
for site in sites(my_resnet, sample=x[:2]):
    print(site)
model = replace(my_resnet, {"layer1_*": "gelu", "*": "prelu"}, sample=x[:2])
"""

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from activation_search.activations.activation import Activation
from activation_search.activations.names import MODEL_DEFAULT
from activation_search.errors import UserError
from activation_search.models.own.check import copied
from activation_search.models.own.discover import Discovery, discover, without_fast_paths
from activation_search.models.own.eager import run_eagerly
from activation_search.models.own.install import Slot, calls_sites, install, set_child
from activation_search.models.own.network import activation_at
from activation_search.models.own.sites import FoundSite
from activation_search.models.sites import assign

ACTIVATIONS = "activation_sites"  # the child of a model that holds what stands at its sites


def sites(model: nn.Module, sample: Tensor) -> list[FoundSite]:
    """The sites of a model, in the order in which a sample passes them.

    Args:
        model: any torch module; left as it is.
        sample: a batch of two or more inputs, as the model takes them.

    Raises:
        UserError: the model cannot be used, with the reason.
    """
    return _discover(model, sample).sites


def replace(model: nn.Module, activations: str | Mapping[str, object], sample: Tensor) -> nn.Module:
    """A copy of a model with other activations at its sites, ready for any training loop.

    The copy has the model's class and all keys of its ``state_dict``; what new functions learn
    stands below ``activation_sites``, of a bare ``nn.Sequential`` inside its first site.

    Args:
        model: any torch module; left as it is.
        activations: one for all hidden sites, or site or pattern -> activation, where ``"*"`` is
            the one for all hidden sites that nothing else names.
        sample: a batch of two or more inputs, as the model takes them.

    Raises:
        UserError: the model, a site or an activation cannot be used.

    Example:
        >>> net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
        >>> replace(net, "gelu", sample=torch.zeros(2, 4))[1]
        Slot(1 sites)
    """
    found = _discover(model, sample)
    for given in activations.values() if isinstance(activations, Mapping) else [activations]:
        if callable(given):
            raise UserError(
                "An activation is a name, not a function: give one of your own as "
                '{"name": "custom", "target": "my_file.my_function"}.'
            )
    layers = {"*": activations} if isinstance(activations, str) else dict(activations)
    general = Activation.parse(layers.pop("*")).as_dict() if "*" in layers else {}
    assignment = assign(
        [site.site for site in found.sites], {"name": MODEL_DEFAULT, **general, "layers": layers}
    )
    replaced = copied(model)
    without_fast_paths(replaced)
    chosen = {
        site.name: _alike(activation_at(site, assignment[site.name]), replaced, site)
        for site in found.sites
        if assignment[site.name] != site.site.default
    }
    if install(replaced, found.sites, chosen, found.others):
        run_eagerly(replaced)
    if chosen:
        held = nn.ModuleDict(chosen)
        held.training = replaced.training
        _holder(replaced).add_module(ACTIVATIONS, held)
    return replaced


def _alike(activation: nn.Module, model: nn.Module, site: FoundSite) -> nn.Module:
    """An activation in the mode of the module that it stands in, and where the weights before it
    are, as numbers of their kind."""
    parent = site.owner.rpartition(".")[0]
    replaces = getattr(model.get_submodule(parent), site.owner.rpartition(".")[2], None)
    acts_in = replaces if isinstance(replaces, nn.Module) else model.get_submodule(parent)
    if not site.owner:
        acts_in = model
    near = [model.get_submodule(site.after), model] if site.after else [model]
    values = (v for module in near for v in (*module.parameters(), *module.buffers()))
    value = next((v for v in values if v.is_floating_point()), None)
    if value is not None:
        activation.to(value.device, value.dtype)
    return activation.train(acts_in.training)


def _holder(model: nn.Module) -> nn.Module:
    """Where what stands at the sites is registered; a sequence would call one child more."""
    if not isinstance(model, nn.Sequential):
        return model
    return next(
        module for module in model.modules() if isinstance(module, Slot) or calls_sites(module)
    )


def restore(model: nn.Module) -> nn.Module:
    """A copy of what :func:`replace` gave, its activations written in as ordinary modules.

    Raises:
        UserError: a site is a call in the model's code, or one module acts at several sites.
    """
    plain = copy.deepcopy(model)
    for path, module in list(plain.named_modules()):
        if calls_sites(module):
            raise UserError(
                f"{path or 'The model'} calls activations in its code, which no module can stand "
                "for; write them as modules to restore the model."
            )
        if isinstance(module, Slot):
            if module.only is None:
                raise UserError(f"{path} acts at several sites, and can hold one activation only.")
            parent, _, name = path.rpartition(".")
            set_child(plain.get_submodule(parent), name, module.only[0])
    for module in list(plain.modules()):
        module._modules.pop(ACTIVATIONS, None)
    return plain


def _discover(model: nn.Module, sample: Tensor) -> Discovery:
    if not isinstance(model, nn.Module):
        kind = f"the class {model.__name__}" if isinstance(model, type) else type(model).__name__
        raise UserError(f"model must be a torch.nn.Module, such as Net(), not {kind}.")
    if not isinstance(sample, Tensor) or not sample.dim():
        kind = "a single number" if isinstance(sample, Tensor) else type(sample).__name__
        raise UserError(f"sample must be a tensor that holds a batch of inputs, not {kind}.")
    if len(sample) < 2:
        raise UserError(f"sample must hold two or more inputs, not {len(sample)}.")
    return discover(model, [sample[:2], torch.cat([sample[:2], sample[:1]])])
