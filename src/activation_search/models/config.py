"""The keys of each model. Their values stand in ``conf/model/*.yaml``; torch is not imported."""

from dataclasses import dataclass

from activation_search.settings import setting

# Beyond these nothing works; whether a model fits into memory is found when its size is known.
LARGEST_WIDTH = 1_000_000
LARGEST_KERNEL = 10_001


@dataclass
class ModelConfig:
    """Keys that every model has.

    name: the model's name, as in ``model=mlp``.
    depth: number of hidden layers or blocks.
    width: channels, features or hidden units that leave each activation.
    dropout: share of units zeroed while training.
    """

    name: str
    depth: int = setting(low=1, high=1000)
    width: int = setting(low=1, high=LARGEST_WIDTH)
    dropout: float = setting(low=0, high=0.95)


@dataclass
class MLPConfig(ModelConfig):
    """norm: between weights and activation. residual: adds each layer's input to its output.
    code: width of a narrow linear layer in the middle, as autoencoders have it; none for none."""

    norm: str = setting(choices=("none", "batch", "layer"))
    residual: bool = setting()
    code: int | None = setting(None, low=1, high=LARGEST_WIDTH)


@dataclass
class CNNConfig(ModelConfig):
    """Convolutions over time or image, then fully connected layers.

    first_kernel, kernel: sizes of the first and of every further convolution, odd.
    stride: of every convolution.
    fc_depth, fc_width: hidden fully connected layers; 0 leaves them out.
    norm: between convolution and activation.
    residual: adds the (subsampled) input of each convolution but the first to its output.
    pool: how the last feature map becomes a vector.
    """

    first_kernel: int = setting(low=1, high=LARGEST_KERNEL)
    kernel: int = setting(low=1, high=LARGEST_KERNEL)
    stride: int = setting(low=1, high=LARGEST_KERNEL)
    fc_depth: int = setting(low=0, high=1000)
    fc_width: int = setting(low=1, high=LARGEST_WIDTH)
    norm: str = setting(choices=("none", "batch"))
    residual: bool = setting()
    pool: str = setting(choices=("flatten", "mean", "max"))


@dataclass
class LSTMConfig(ModelConfig):
    """norm: of each layer's output. pool: how the outputs over time become a vector."""

    norm: str = setting(choices=("none", "layer"))
    pool: str = setting(choices=("mean", "last"))


@dataclass
class TransformerConfig(ModelConfig):
    """A pre-norm encoder over patches.

    heads: attention heads; they divide the width.
    mlp_ratio: width of the MLP's activation over the model's width.
    match_parameters: scales that width so that a gated MLP (times 2/3) has the parameters of an
        ungated one.
    patch, stride: size and step of the convolution that makes tokens.
    norm: before attention and MLP, and before the output.
    """

    heads: int = setting(low=1, high=LARGEST_WIDTH)
    mlp_ratio: float = setting(above=0, high=1000)
    match_parameters: bool = setting()
    patch: int = setting(low=1, high=LARGEST_KERNEL)
    stride: int = setting(low=1, high=LARGEST_KERNEL)
    norm: str = setting(choices=("layer", "rms"))


MODEL_CONFIGS: dict[str, type[ModelConfig]] = {
    "mlp": MLPConfig,
    "cnn": CNNConfig,
    "lstm": LSTMConfig,
    "transformer": TransformerConfig,
}
