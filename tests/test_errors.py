"""One sentence per mistake, and the exit codes."""

import pytest

from activation_search.errors import UserError, exit_code, reported, unknown


@pytest.mark.parametrize(
    ("given", "guess"),
    [("gleu", "gelu"), ("rleu", "relu"), ("softplu", "softplus"), ("TANH", None), (3, None)],
)
def test_nearest_guess(given: object, guess: str | None) -> None:
    names = ["relu", "glu", "gelu", "softplus", "tanh"]
    message = str(unknown("activation", given, names))
    assert message == (
        f"Unknown activation {str(given)!r}{f', did you mean {guess!r}?' if guess else ';'} "
        "allowed: relu, glu, gelu, softplus, tanh."
    )


def test_nothing_allowed() -> None:
    assert str(unknown("parameter", "x", [])) == "Unknown parameter 'x'; none is allowed here."


def test_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    def mistake() -> None:
        raise UserError("No such thing.")

    def interrupted() -> None:
        raise KeyboardInterrupt

    assert reported(lambda: None) == 0
    assert reported(lambda: 1) == 1
    assert exit_code(interrupted) == 130
    with pytest.raises(KeyboardInterrupt):  # a job among others must not swallow it
        reported(interrupted)
    assert exit_code(lambda: 1) == 1
    assert reported(mistake) == 2
    assert capsys.readouterr().err == "Interrupted.\nError: No such thing.\n"
