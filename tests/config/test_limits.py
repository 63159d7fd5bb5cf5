"""Settings held to their limits."""

from dataclasses import dataclass, field

import pytest

from activation_search.config.limits import check, setting
from activation_search.errors import UserError


@dataclass
class Inner:
    lr: float = setting(0.1, above=0)
    share: float = setting(0.5, low=0, high=1)
    kind: str = setting("adam", choices=("adam", "sgd"))
    limit: float | None = setting(None, above=0)
    free: str = "anything"


@dataclass
class Outer:
    optim: Inner = field(default_factory=Inner)
    seed: int = setting(0, low=0)


def test_valid_settings_pass() -> None:
    check(Outer(Inner(lr=1e-9, share=1.0, limit=3.0)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Outer(Inner(lr=0.0)), r"optim.lr must be above 0, not 0\."),
        (Outer(Inner(lr=float("nan"))), r"optim.lr must be above 0, not nan\."),
        (Outer(Inner(share=1.5)), r"optim.share must be at least 0 and at most 1, not 1.5\."),
        (Outer(Inner(limit=-1.0)), r"optim.limit must be above 0, not -1\."),
        (Outer(seed=-1), r"seed must be at least 0, not -1\."),
        (
            Outer(Inner(kind="adma")),
            r"Unknown optim.kind 'adma', did you mean 'adam'\? allowed: adam, sgd\.",
        ),
    ],
)
def test_limits(settings: Outer, message: str) -> None:
    with pytest.raises(UserError, match=message):
        check(settings)
