"""Keeps ``torch.compile`` away from models whose activations are chosen while they run.

Compiled, a mode or a hook is looked at once and for all, and a model would silently compute with
its old functions.
"""

import inspect
from typing import Any

import torch
from torch import nn

from activation_search.models.own.install import Enter, Leave, calls_sites


class Eager:
    """The forward of a module as its own attribute, which is never compiled.

    It holds the module, not a bound function, so that copies and pickles have their own. It also
    does what the module's hooks do, for those who call ``forward`` directly.
    """

    def __init__(self, module: nn.Module):
        self.module = module
        self.inner = vars(module).get("forward")  # such as another library's
        self.enters = [h for h in module._forward_pre_hooks.values() if isinstance(h, Enter)]

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self.inner or type(self.module).forward.__get__(self.module))

    @torch.compiler.disable
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        forward = self.inner or type(self.module).forward.__get__(self.module)
        for enter in self.enters:
            enter(self.module, args)
        try:
            return forward(*args, **kwargs)
        finally:
            for _ in self.enters:
                Leave()(self.module, args, None)


def run_eagerly(model: nn.Module) -> None:
    """The forward of a model, and of each of its modules that calls activations, stays as it is
    under ``torch.compile``."""
    for module in model.modules():
        if module is model or calls_sites(module):
            module.forward = Eager(module)
