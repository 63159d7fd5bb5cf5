"""The catalogue: one row per activation. Adding a member is adding its row.

    python scripts/catalogue.py gelu silu mish

Importing this module imports no torch, so that shell completion and ``--help`` stay quick; a row
names its implementation by import path. In formulas s is the sigmoid, sp softplus, Phi the normal
distribution function, and "l; r" gives the branches x > 0; x <= 0.
"""

import math
import re

from activation_search.activations.entry import LAYER_SHARING, SHARING, Entry, Parameter
from activation_search.errors import unknown

INF = math.inf
ANY = (-INF, INF)
_TORCH = "torch.nn.functional."
_FIXED = "activation_search.activations.fixed."
_LEARN = "activation_search.activations.learnable."
_NOISE = "activation_search.activations.stochastic."
_GATED = "activation_search.activations.gated."
_FORMULA = "activation_search.activations.formula.module."


def _number(
    default: float,
    low: float = -INF,
    high: float = INF,
    search: tuple[float, float] | None = None,
) -> Parameter:
    return Parameter(float(default), low, high, search=search)


# fmt: off
FIXED = (
    Entry("identity", "x", _FIXED + "identity", "control", ANY, True,
          aliases=("linear",)),
    Entry("relu", "max(x, 0)", _TORCH + "relu", "Nair & Hinton 2010", (0, INF), True),
    Entry("relu6", "min(max(x, 0), 6)", _TORCH + "relu6", "Howard et al. 2017, arXiv:1704.04861",
          (0, 6), True, note="saturates on both sides"),
    Entry("leaky_relu", "x; a x", _TORCH + "leaky_relu", "Maas et al. 2013", ANY, True,
          {"negative_slope": _number(0.01, search=(0.001, 0.5))},
          aliases=("lrelu",)),
    Entry("elu", "x; a (e^x - 1)", _TORCH + "elu", "arXiv:1511.07289", (-1, INF), True,
          {"alpha": _number(1, 0, search=(0.1, 3))}),
    Entry("celu", "x; a (e^(x/a) - 1)", _TORCH + "celu", "arXiv:1704.07483", (-1, INF), True,
          {"alpha": _number(1, 1e-3, search=(0.1, 3))},
          note="elu at a = 1, continuously differentiable for all a"),
    Entry("selu", "1.0507 (x; 1.67326 (e^x - 1))", _TORCH + "selu", "arXiv:1706.02515",
          (-1.758100, INF), True, note="made for gain 1 without normalisation layers"),
    Entry("gelu", "x Phi(x)", _TORCH + "gelu", "arXiv:1606.08415", (-0.169971, INF)),
    Entry("gelu_tanh", "x (1 + tanh(.7979 (x + .044715 x^3))) / 2", _FIXED + "gelu_tanh",
          "arXiv:1606.08415", (-0.170041, INF),
          aliases=("gelu_new", "gelu_pytorch_tanh")),
    Entry("quick_gelu", "x s(1.702 x)", _FIXED + "quick_gelu", "arXiv:1606.08415",
          (-0.163610, INF)),
    Entry("silu", "x s(x)", _TORCH + "silu", "arXiv:1702.03118, arXiv:1710.05941",
          (-0.278465, INF), aliases=("swish",)),
    Entry("e_swish", "beta x s(x)", _FIXED + "e_swish", "arXiv:1801.07145", (-0.487313, INF),
          parameters={"beta": _number(1.75, search=(0.5, 2))},
          note="silu at a larger scale: a control for scale"),
    Entry("hardswish", "x min(max(x + 3, 0), 6) / 6", _FIXED + "hardswish", "arXiv:1905.02244",
          (-0.375, INF),
          aliases=("hswish",)),
    Entry("mish", "x tanh(sp(x))", _FIXED + "mish", "arXiv:1908.08681", (-0.308843, INF)),
    Entry("telu", "x tanh(e^x)", _FIXED + "telu", "arXiv:2003.09855, arXiv:2402.02790",
          (-0.353286, INF), aliases=("tanhexp",)),
    Entry("serf", "x erf(sp(x))", _FIXED + "serf", "arXiv:2108.09598", (-0.348437, INF)),
    Entry("logish", "x log(1 + s(x))", _FIXED + "logish", "Zhu et al. 2021", (-0.252769, INF)),
    Entry("smish", "x tanh(log(1 + s(x)))", _FIXED + "smish", "Wang et al. 2022",
          (-0.249994, INF)),
    Entry("elish", "x s(x); (e^x - 1) s(x)", _FIXED + "elish", "arXiv:1808.00783",
          (-0.171573, INF)),
    Entry("lisht", "x tanh(x)", _FIXED + "lisht", "arXiv:1901.05894", (0, INF),
          note="even and never negative: mean 0.61 on a standard normal"),
    Entry("gelu_sine", "x Phi(x) + a sin(x)", _FIXED + "gelu_sine", "arXiv:2602.05688",
          (-0.244045, INF), parameters={"amplitude": _number(0.1, search=(0.02, 0.5))}),
    Entry("gelu_sinc", "x Phi(x) (1 + a sinc(x))", _FIXED + "gelu_sinc", "arXiv:2602.05688",
          (-0.206267, INF), parameters={"amplitude": _number(0.5, search=(0.1, 1))}),
    Entry("softplus", "log(1 + e^x)", _TORCH + "softplus", "Dugas et al. 2001", (0, INF), True,
          note="mean 0.81 on a standard normal, which its forward gain hides"),
    Entry("shifted_softplus", "log(1 + e^x) - log 2", _FIXED + "shifted_softplus",
          "arXiv:1706.08566", (-math.log(2), INF), True),
    Entry("squareplus", "(x + sqrt(x^2 + b)) / 2", _FIXED + "squareplus", "arXiv:2112.11687",
          (0, INF), True, {"b": _number(4, 1e-6, search=(0.1, 10))}),
    Entry("logsigmoid", "-sp(-x)", _TORCH + "logsigmoid", "-", (-INF, 0), True),
    Entry("sigmoid", "1 / (1 + e^-x)", _FIXED + "sigmoid", "-", (0, 1), True,
          note="the reference for vanishing gradients",
          aliases=("logistic",)),
    Entry("hard_sigmoid", "min(max(x/6 + 1/2, 0), 1)", _TORCH + "hardsigmoid",
          "arXiv:1511.00363", (0, 1), True,
          aliases=("hsigmoid",)),
    Entry("tanh", "tanh(x)", _FIXED + "tanh", "-", (-1, 1), True),
    Entry("hardtanh", "min(max(x, -1), 1)", _TORCH + "hardtanh", "-", (-1, 1), True),
    Entry("lecun_tanh", "1.7159 tanh(2x/3)", _FIXED + "lecun_tanh", "LeCun et al. 1998",
          (-1.7159, 1.7159), True),
    Entry("penalized_tanh", "tanh(x); a tanh(x)", _FIXED + "penalized_tanh", "arXiv:1602.05980",
          (-0.25, 1), True, {"negative_slope": _number(0.25, search=(0.05, 0.75))}),
    Entry("softsign", "x / (1 + |x|)", _FIXED + "softsign", "Bergstra et al. 2009", (-1, 1), True),
    Entry("arctan", "atan(x)", _FIXED + "arctan", "-", (-math.pi / 2, math.pi / 2), True,
          aliases=("atan",)),
    Entry("asinh", "asinh(x)", _FIXED + "asinh", "-", ANY, True,
          note="unbounded, grows like a logarithm"),
    Entry("isru", "x / sqrt(1 + a x^2)", _FIXED + "isru", "arXiv:1710.09967", (-1, 1), True,
          {"alpha": _number(1, 1e-6, search=(0.1, 10))}),
    Entry("isrlu", "x; x / sqrt(1 + a x^2)", _FIXED + "isrlu", "arXiv:1710.09967", (-1, INF),
          True, {"alpha": _number(1, 1e-6, search=(0.1, 10))}),
    Entry("bent_identity", "(sqrt(x^2 + 1) - 1) / 2 + x", _FIXED + "bent_identity", "-", ANY,
          True),
    Entry("sin", "sin(w0 x)", _FIXED + "sine", "arXiv:2006.09661", (-1, 1),
          parameters={"w0": _number(1, search=(0.3, 30))}, aliases=("siren", "sine"),
          note="SIREN uses w0 = 30 with its own initialisation"),
    Entry("gcu", "x cos(x)", _FIXED + "gcu", "arXiv:2108.12943", ANY),
    Entry("gaussian", "e^(-x^2)", _FIXED + "gaussian", "-", (0, 1)),
    Entry("relu2", "max(x, 0)^2", _FIXED + "relu2", "arXiv:2109.08668", (0, INF), True,
          aliases=("squared_relu", "relu_squared"), note="overflows float16 beyond x = 255"),
    Entry("softshrink", "x - sign(x) min(|x|, lambda)", _TORCH + "softshrink", "-", ANY, True,
          {"lambd": _number(0.5, 0, search=(0.05, 1))}),
    Entry("hardshrink", "x where |x| > lambda, else 0", _TORCH + "hardshrink", "-", ANY, True,
          {"lambd": _number(0.5, 0, search=(0.05, 1))}),
    Entry("tanhshrink", "x - tanh(x)", _FIXED + "tanhshrink", "-", ANY, True),
    Entry("threshold_relu", "x where x > threshold, else 0", _FIXED + "threshold_relu",
          "arXiv:1402.3337", (0, INF), True, {"threshold": _number(1, 0, search=(0.05, 1))},
          aliases=("threshold",)),
)

LEARNABLE = (
    Entry("prelu", "x; a x", _LEARN + "PReLU", "arXiv:1502.01852", ANY, True,
          {"init": _number(0.25, search=(0.01, 0.5)), "sharing": SHARING}, {"weight": "init"}),
    Entry("swish_beta", "x s(beta x)", _LEARN + "SwishBeta", "arXiv:1710.05941", (-0.278465, INF),
          parameters={"beta": _number(1, search=(0.3, 3)), "sharing": SHARING},
          learns={"beta": "beta"}),
    Entry("pelu", "a/b x; a (e^(x/b) - 1)", _LEARN + "PELU", "arXiv:1605.09332", (-1, INF), True,
          {"a": _number(1, 0.1), "b": _number(1, 0.1), "sharing": SHARING},
          {"a": "a", "b": "b"}, note="a and b act as at least 0.1"),
    Entry("srelu", "tr + ar (x - tr) for x >= tr; x; tl + al (x - tl) for x <= tl",
          _LEARN + "SReLU", "arXiv:1512.07030", ANY, True,
          {"tr": _number(1), "ar": _number(1), "tl": _number(0), "al": _number(0.2),
           "sharing": SHARING}, {"tr": "tr", "ar": "ar", "tl": "tl", "al": "al"}),
    Entry("apl", "max(x, 0) + sum_i a_i max(0, b_i - x)", _LEARN + "APL", "arXiv:1412.6830",
          (0, INF), True, {"hinges": Parameter(3, 1, 16, search=(1, 5)), "sharing": SHARING},
          {"slopes": "0", "hinges": "quantiles of N(0, 0.25)"}),
    Entry("pwlu", "linear between learned heights", _LEARN + "PWLU", "arXiv:2104.03693",
          (0, INF), True,
          {"bins": Parameter(16, 2, 256), "bound": _number(3, 0.1), "sharing": LAYER_SHARING},
          {"heights": "relu", "left_slope": "0", "right_slope": "1"}),
    Entry("rational", "P5(x) / (1 + sum_k |b_k x^k|)", _LEARN + "Rational", "arXiv:1907.06732",
          ANY, parameters={"sharing": LAYER_SHARING},
          learns={"numerator": "fit of leaky_relu", "denominator": "fit of leaky_relu"},
          aliases=("pau",)),
    Entry("acon_c", "(p1 - p2) x s(beta (p1 - p2) x) + p2 x", _LEARN + "AconC",
          "arXiv:2009.04759", (-0.278465, INF),
          parameters={"p1": _number(1), "p2": _number(0), "beta": _number(1), "sharing": SHARING},
          learns={"p1": "p1", "p2": "p2", "beta": "beta"}),
    Entry("smu", "((1 + a) x + (1 - a) x erf(mu (1 - a) x)) / 2", _LEARN + "SMU",
          "arXiv:2111.04682", ANY, True,
          {"alpha": _number(0.25), "mu": _number(2.5, 0), "sharing": LAYER_SHARING},
          {"mu": "mu"}, note="smooth leaky relu; a huge mu never learns"),
    Entry("aglu", "x (lambda e^(-kappa x) + 1)^(-1/lambda)", _LEARN + "AGLU", "arXiv:2407.08567",
          (-0.278465, INF),
          parameters={"lambda_": _number(1, 0.1), "kappa": _number(1), "sharing": LAYER_SHARING},
          learns={"lambda_": "lambda_", "kappa": "kappa"}, note="lambda acts as at least 0.1"),
    Entry("blend", "w1 tanh + w2 elu + w3 relu + w4 silu + w5 x", _LEARN + "Blend",
          "arXiv:1806.10064", ANY, True, {"sharing": LAYER_SHARING}, {"weights": "1/5"},
          aliases=("abu",)),
    Entry("snake", "x + sin^2(a x) / a", _LEARN + "Snake", "arXiv:2006.08195", ANY, True,
          {"a": _number(1, search=(0.1, 3)), "sharing": SHARING}, {"a": "a"},
          note="0.2 suits data without a period better"),
    Entry("star_relu", "s max(x, 0)^2 + b", _LEARN + "StarReLU", "arXiv:2210.13452",
          (-0.4472, INF), True,
          {"s": _number(0.8944), "b": _number(-0.4472), "sharing": LAYER_SHARING},
          {"s": "s", "b": "b"}, note="zero mean and unit variance at the start"),
    Entry("xielu", "p x^2 + x/2; n (e^x - 1 - x) + x/2", _LEARN + "XIELU", "arXiv:2411.13010",
          (-0.205751, INF),
          parameters={"alpha_p": _number(0.8, 1e-3), "alpha_n": _number(0.8, 1e-3),
                      "sharing": LAYER_SHARING},
          learns={"raw_p": "softplus gives alpha_p", "raw_n": "softplus gives alpha_n"}),
)

STOCHASTIC = (
    Entry("rrelu", "x; a x with a ~ U(lower, upper), their mean in evaluation",
          _NOISE + "RReLU", "arXiv:1505.00853", ANY, True,
          {"lower": _number(1 / 8, 0, 0.25), "upper": _number(1 / 3, 0.25, 1)}, stochastic=True),
    Entry("probact", "max(x, 0) + sigma noise, without noise in evaluation", _NOISE + "ProbAct",
          "arXiv:1905.10761", (0, INF), True,
          {"sigma": _number(0.05, 0, search=(0.01, 0.5)), "sharing": LAYER_SHARING},
          {"sigma": "sigma"}, stochastic=True),
)

GATED = (
    Entry("glu", "a s(b)", _GATED + "GLU", "arXiv:1612.08083", ANY, inputs=2),
    Entry("reglu", "a relu(b)", _GATED + "ReGLU", "arXiv:2002.05202", ANY, inputs=2),
    Entry("geglu", "a gelu(b)", _GATED + "GeGLU", "arXiv:2002.05202", ANY, inputs=2),
    Entry("swiglu", "a silu(b)", _GATED + "SwiGLU", "arXiv:2002.05202", ANY, inputs=2),
    Entry("bilinear", "a b", _GATED + "Bilinear", "arXiv:2002.05202", ANY, inputs=2),
    Entry("crelu", "[relu(x), relu(-x)]", _GATED + "CReLU", "arXiv:1603.05201", (0, INF),
          outputs=2),
    Entry("maxmin", "[max(a, b), min(a, b)]", _GATED + "MaxMin", "arXiv:1811.05381", ANY,
          inputs=2, outputs=2, aliases=("groupsort2",), note="preserves the gradient's norm"),
)

CUSTOM = Entry("custom", "your own function, by import path", "", "yours", ANY,
               parameters={"target": Parameter("")}, open_parameters=True)
FORMULA = Entry("formula", "your own formula, as text", _FORMULA + "Formula", "yours", ANY,
                parameters={"expr": Parameter(""), "sharing": SHARING}, open_parameters=True,
                note="names in it other than x are constants that are learned")
# fmt: on

ENTRIES: dict[str, Entry] = {
    entry.name: entry for entry in (*FIXED, *LEARNABLE, *STOCHASTIC, *GATED, CUSTOM, FORMULA)
}
ALIASES: dict[str, str] = {
    alias: entry.name for entry in ENTRIES.values() for alias in entry.aliases
}


def key(name: str) -> str:
    """What is left of a name: its letters and digits, for case and separators do not matter."""
    return re.sub(r"[\s_-]", "", name).lower()


_BY_KEY = {key(name): entry for entry in ENTRIES.values() for name in (entry.name, *entry.aliases)}


def lookup(name: object) -> Entry | None:
    """The entry of that name or alias, however it is spelled: ``LeakyReLU``, ``leaky-relu``."""
    return _BY_KEY.get(key(name)) if isinstance(name, str) else None


def find(name: object) -> Entry:
    """As :func:`lookup`.

    Raises:
        UserError: no activation has that name; the message lists all and guesses.
    """
    entry = lookup(name)
    if entry is None:
        # In small letters, since the guess compares letter by letter.
        raise unknown("activation", name.lower() if isinstance(name, str) else name, ENTRIES)
    return entry
