"""The catalogue's functions again, in numbers of 160 digits; plain formulas without any care.

Each takes ``x`` and the settings of ``test_precision.py`` by name, all of them
``mpf``. With so many digits no stable form is needed, and a derivative is a difference quotient.
"""

from collections.abc import Callable

import mpmath
from mpmath import cos, erf, erfc, exp, log, mpf, pi, sin, sqrt, tanh

DIGITS = 160
ONE = mpf(1)
Function = Callable[..., mpf]


def sigmoid(x: mpf) -> mpf:
    return 1 / (1 + exp(-x))


def softplus(x: mpf) -> mpf:
    return mpmath.log1p(exp(x))


def relu(x: mpf) -> mpf:
    return max(x, mpf(0))


def clip(x: mpf, low: int, high: int) -> mpf:
    return min(max(x, mpf(low)), mpf(high))


def gelu(x: mpf) -> mpf:
    return x * erfc(-x / sqrt(mpf(2))) / 2


def elu(x: mpf, alpha: mpf = ONE) -> mpf:
    return x if x > 0 else alpha * mpmath.expm1(x)


def selu(x: mpf) -> mpf:
    return mpf("1.0507009873554804934193349852946") * elu(
        x, mpf("1.6732632423543772848170429916717")
    )


def gelu_tanh(x: mpf) -> mpf:
    return x / 2 * (1 + tanh(sqrt(2 / pi) * (x + mpf("0.044715") * x**3)))


def silu(x: mpf, beta: mpf = ONE) -> mpf:
    return x * sigmoid(beta * x)


def sinc(x: mpf) -> mpf:
    return mpf(1) if x == 0 else sin(pi * x) / (pi * x)


def acon_c(x: mpf, p1: mpf, p2: mpf, beta: mpf) -> mpf:
    return (p1 - p2) * x * sigmoid(beta * (p1 - p2) * x) + p2 * x


def smu(x: mpf, alpha: mpf, mu: mpf) -> mpf:
    return ((1 + alpha) * x + (1 - alpha) * x * erf(mu * (1 - alpha) * x)) / 2


def srelu(x: mpf, tr: mpf, ar: mpf, tl: mpf, al: mpf) -> mpf:
    if x >= tr:
        return tr + ar * (x - tr)
    return tl + al * (x - tl) if x <= tl else x


def pwlu(x: mpf, bound: mpf, heights: list[mpf], left_slope: mpf, right_slope: mpf) -> mpf:
    if x < -bound:
        return heights[0] + left_slope * (x + bound)
    if x > bound:
        return heights[-1] + right_slope * (x - bound)
    position = (x + bound) / (2 * bound) * (len(heights) - 1)
    left = min(int(position), len(heights) - 2)
    return heights[left] + (position - left) * (heights[left + 1] - heights[left])


def rational(x: mpf, numerator: list[mpf], denominator: list[mpf]) -> mpf:
    top = sum(a * x**k for k, a in enumerate(numerator))
    return top / (1 + sum(abs(b * x ** (k + 1)) for k, b in enumerate(denominator)))


def apl(x: mpf, slopes: list[mpf], hinges: list[mpf]) -> mpf:
    return relu(x) + sum(a * relu(b - x) for a, b in zip(slopes, hinges, strict=True))


def blend(x: mpf, weights: list[mpf]) -> mpf:
    parts = (tanh(x), elu(x), relu(x), silu(x), x)
    return sum(w * part for w, part in zip(weights, parts, strict=True))


def xielu(x: mpf, raw_p: mpf, raw_n: mpf) -> mpf:
    curved = softplus(raw_p) * x**2 if x > 0 else softplus(raw_n) * (mpmath.expm1(x) - x)
    return curved + x / 2


ELEMENTWISE: dict[str, Function] = {
    "identity": lambda x: x,
    "relu": relu,
    "relu6": lambda x: clip(x, 0, 6),
    "leaky_relu": lambda x, negative_slope: x if x > 0 else negative_slope * x,
    "elu": elu,
    "celu": lambda x, alpha: x if x > 0 else alpha * mpmath.expm1(x / alpha),
    "selu": selu,
    "gelu": gelu,
    "gelu_tanh": gelu_tanh,
    "quick_gelu": lambda x: silu(x, mpf("1.702")),
    "silu": silu,
    "e_swish": lambda x, beta: beta * silu(x),
    "hardswish": lambda x: x * clip(x + 3, 0, 6) / 6,
    "mish": lambda x: x * tanh(softplus(x)),
    # tanh(e^10) is 1 in the first 19,000 digits; e^(1e38) would not fit the memory.
    "telu": lambda x: x * tanh(exp(min(x, mpf(10)))),
    "serf": lambda x: x * erf(softplus(x)),
    "logish": lambda x: x * mpmath.log1p(sigmoid(x)),
    "smish": lambda x: x * tanh(mpmath.log1p(sigmoid(x))),
    "elish": lambda x: (x if x > 0 else mpmath.expm1(x)) * sigmoid(x),
    "lisht": lambda x: x * tanh(x),
    "gelu_sine": lambda x, amplitude: gelu(x) + amplitude * sin(x),
    "gelu_sinc": lambda x, amplitude: gelu(x) * (1 + amplitude * sinc(x)),
    "softplus": softplus,
    "shifted_softplus": lambda x: softplus(x) - log(2),
    "squareplus": lambda x, b: (x + sqrt(x**2 + b)) / 2,
    "logsigmoid": lambda x: -softplus(-x),
    "sigmoid": sigmoid,
    "hard_sigmoid": lambda x: clip(x + 3, 0, 6) / 6,
    "tanh": tanh,
    "hardtanh": lambda x: clip(x, -1, 1),
    "lecun_tanh": lambda x: mpf("1.7159") * tanh(2 * x / 3),
    "penalized_tanh": lambda x, negative_slope: tanh(x) * (1 if x > 0 else negative_slope),
    "softsign": lambda x: x / (1 + abs(x)),
    "arctan": mpmath.atan,
    "asinh": mpmath.asinh,
    "isru": lambda x, alpha: x / sqrt(1 + alpha * x**2),
    "isrlu": lambda x, alpha: x if x > 0 else x / sqrt(1 + alpha * x**2),
    "bent_identity": lambda x: (sqrt(x**2 + 1) - 1) / 2 + x,
    "sin": lambda x, w0: sin(w0 * x),
    "gcu": lambda x: x * cos(x),
    "gaussian": lambda x: exp(-(x**2)),
    "relu2": lambda x: relu(x) ** 2,
    "softshrink": lambda x, lambd: mpmath.sign(x) * relu(abs(x) - lambd),
    "hardshrink": lambda x, lambd: x if abs(x) > lambd else mpf(0),
    "tanhshrink": lambda x: x - tanh(x),
    "threshold_relu": lambda x, threshold: x if x > threshold else mpf(0),
    "prelu": lambda x, weight: x if x > 0 else weight * x,
    "swish_beta": silu,
    "pelu": lambda x, a, b: a / b * x if x > 0 else a * mpmath.expm1(x / b),
    "srelu": srelu,
    "apl": apl,
    "pwlu": pwlu,
    "rational": rational,
    "acon_c": acon_c,
    "smu": smu,
    "aglu": lambda x, lambda_, kappa: x * (lambda_ * exp(-kappa * x) + 1) ** (-1 / lambda_),
    "blend": blend,
    "snake": lambda x, a: x + (sin(a * x) ** 2 / a if a else 0),
    "star_relu": lambda x, s, b: s * relu(x) ** 2 + b,
    "xielu": xielu,
    "rrelu": lambda x, lower, upper: x if x > 0 else (lower + upper) / 2 * x,
    "probact": lambda x, sigma: relu(x),
}

# Functions of a value and a gate.
GATED: dict[str, Function] = {
    "glu": lambda a, b: a * sigmoid(b),
    "reglu": lambda a, b: a * relu(b),
    "geglu": lambda a, b: a * gelu(b),
    "swiglu": lambda a, b: a * silu(b),
    "bilinear": lambda a, b: a * b,
}
