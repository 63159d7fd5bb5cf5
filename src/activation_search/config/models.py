"""The settings of each model with their defaults. Torch is not imported.

A model is a class of settings here and one :class:`~activation_search.models.network.Network`,
which the settings name by its import path.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from activation_search.config.limits import setting

# Beyond these nothing works; whether a model fits into memory is found when its size is known.
MAX_WIDTH = 1_000_000
MAX_KERNEL = 10_001
MAX_DEPTH = 1000
MAX_DROPOUT = 0.95


@dataclass
class ModelConfig:
    """The settings of a model; a subclass for each."""

    network: ClassVar[str]  # import path of the Network

    name: str

    @property
    def label(self) -> str:
        """Short name of what is trained, fit for a folder."""
        return self.name


@dataclass
class SizedConfig(ModelConfig):
    """Settings that every built-in model has."""

    depth: int = setting(2, low=1, high=MAX_DEPTH, help="hidden layers or blocks")
    width: int = setting(64, low=1, high=MAX_WIDTH, help="channels that leave each activation")
    dropout: float = setting(
        0.0, low=0, high=MAX_DROPOUT, help="share of units zeroed while training"
    )


@dataclass
class MLPConfig(SizedConfig):
    """A multi-layer perceptron."""

    network = "activation_search.models.mlp.MLP"

    name: str = "mlp"
    width: int = setting(128, low=1, high=MAX_WIDTH, help="hidden units per layer")
    norm: str = setting(
        "none", choices=("none", "batch", "layer"), help="between weights and activation"
    )
    residual: bool = setting(False, help="add each layer's input to its output")
    code: int | None = setting(
        None,
        low=1,
        high=MAX_WIDTH,
        help="width of a narrow linear layer in the middle, as autoencoders have it",
    )


@dataclass
class CNNConfig(SizedConfig):
    """Convolutions over time or image, then fully connected layers."""

    network = "activation_search.models.cnn.CNN"

    name: str = "cnn"
    depth: int = setting(3, low=1, high=MAX_DEPTH, help="convolutions")
    first_kernel: int = setting(5, low=1, high=MAX_KERNEL, help="size of the first one, odd")
    kernel: int = setting(3, low=1, high=MAX_KERNEL, help="size of every further one, odd")
    stride: int = setting(2, low=1, high=MAX_KERNEL, help="of every convolution")
    fc_depth: int = setting(1, low=0, high=MAX_DEPTH, help="hidden fully connected layers")
    fc_width: int = setting(64, low=1, high=MAX_WIDTH, help="units of each of these")
    norm: str = setting(
        "batch", choices=("none", "batch"), help="between convolution and activation"
    )
    residual: bool = setting(
        False, help="add the (subsampled) input of each convolution but the first to its output"
    )
    pool: str = setting(
        "flatten",
        choices=("flatten", "mean", "max"),
        help="how the last feature map becomes a vector",
    )


@dataclass
class LSTMConfig(SizedConfig):
    """Long short-term memory."""

    network = "activation_search.models.lstm.LSTM"

    name: str = "lstm"
    depth: int = setting(1, low=1, high=MAX_DEPTH, help="layers")
    norm: str = setting("none", choices=("none", "layer"), help="of each layer's output")
    pool: str = setting(
        "mean", choices=("mean", "last"), help="how the outputs over time become a vector"
    )


@dataclass
class TransformerConfig(SizedConfig):
    """A pre-norm encoder over patches, or over text."""

    network = "activation_search.models.transformer.Transformer"

    name: str = "transformer"
    heads: int = setting(4, low=1, high=MAX_WIDTH, help="attention heads; they divide the width")
    mlp_ratio: float = setting(
        4.0, above=0, high=1000, help="width of the MLP's activation over the model's width"
    )
    match_parameters: bool = setting(
        True, help="narrow a gated MLP (times 2/3) to the parameters of an ungated one"
    )
    patch: int = setting(5, low=1, high=MAX_KERNEL, help="size of the convolution of tokens")
    stride: int = setting(2, low=1, high=MAX_KERNEL, help="step of that convolution")
    norm: str = setting(
        "layer", choices=("layer", "rms"), help="before attention and MLP, and before the output"
    )


@dataclass
class FunctionModelConfig(ModelConfig):
    """Any torch module of the user's: a function that returns it, or its class."""

    network = "activation_search.models.own.network.OwnNetwork"

    name: str = "function"
    function: str | None = setting(None, help="import path, such as my_models.build")
    args: dict[str, Any] = setting(
        factory=dict, help="its arguments; outputs, num_classes and shape are filled in"
    )
    sites: list[str] = setting(
        factory=list,
        help="patterns of the sites that activation= fills; defaults to those of functions that "
        "are used in hidden layers",
    )
    sha256: str | None = setting(
        None, help="first digits of the hash of its source file, which a run fills in"
    )

    @property
    def label(self) -> str:
        return (self.function or self.name).rpartition(".")[2]


MODEL_CONFIGS: dict[str, type[ModelConfig]] = {
    "mlp": MLPConfig,
    "cnn": CNNConfig,
    "lstm": LSTMConfig,
    "transformer": TransformerConfig,
    "function": FunctionModelConfig,
}
BUILT_IN = tuple(name for name, config in MODEL_CONFIGS.items() if issubclass(config, SizedConfig))
