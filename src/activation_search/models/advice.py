"""The field's recommendations: which activation at which place, and why. Torch is not imported.

    python scripts/catalogue.py advise model=lstm

They are where to start, and what a search has to beat.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Advice:
    """place: sites, as patterns of their names, or an output. choose: the usual choice first."""

    place: str
    choose: tuple[str, ...]
    reason: str
    source: str


_DEEP = (
    "up to three layers nearly anything trains; from four on the ReLU family, since sigmoid and "
    "tanh shrink the gradient in every layer"
)

HIDDEN_ADVICE: dict[str, list[Advice]] = {
    "mlp": [
        Advice(
            "hidden*",
            ("relu", "leaky_relu", "elu"),
            f"{_DEEP}; a leaky one where units die",
            "Glorot et al. 2011; arXiv:1502.01852",
        )
    ],
    "cnn": [
        Advice(
            "conv*, fc*",
            ("relu", "leaky_relu", "silu"),
            f"cheap, and keeps the gradient; {_DEEP}; smooth ones gain a little in large networks",
            "Krizhevsky et al. 2012; arXiv:1505.00853; arXiv:1710.05941",
        )
    ],
    "lstm": [
        Advice(
            "*_gate",
            ("sigmoid", "hard_sigmoid"),
            "a gate is a share between 0 and 1",
            "Hochreiter and Schmidhuber 1997; arXiv:1503.04069",
        ),
        Advice(
            "*_candidate",
            ("tanh", "softsign"),
            "symmetric, so that the cell can be raised and lowered; bounded, so that it cannot run "
            "away over time",
            "Hochreiter and Schmidhuber 1997",
        ),
        Advice(
            "*_cell_output",
            ("tanh", "softsign"),
            "bounded, since it is fed back at the next step; among the parts that matter most",
            "arXiv:1503.04069",
        ),
    ],
    "transformer": [
        Advice(
            "block*_mlp",
            ("gelu", "swiglu", "geglu"),
            "smooth; gated ones win at equal parameters in language models",
            "arXiv:1606.08415; arXiv:2002.05202",
        )
    ],
}

OUTPUTS = [
    Advice("several classes", ("softmax",), "probabilities that sum to 1; the loss takes logits",
           "Bridle 1990"),
    Advice("two classes", ("sigmoid",), "one probability; the loss takes the logit",
           "Goodfellow et al. 2016, 6.2.2"),
    Advice("regression", ("identity",), "targets may be anything; squashing would cut them off",
           "Goodfellow et al. 2016, 6.2.2"),
    Advice("reconstruction", ("tanh",), "for inputs scaled to [-1, 1], nothing outside is right",
           "arXiv:1511.06434"),
    Advice("next token", ("softmax",), "probabilities over the vocabulary", "arXiv:1706.03762"),
]  # fmt: skip
