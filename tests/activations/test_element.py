"""What every module does with its input before its formula acts."""

import pytest
import torch

from activation_search.activations import ENTRIES, build

by_name = pytest.mark.parametrize("name", [n for n, e in ENTRIES.items() if not e.open_parameters])
HALVES = (torch.float16, torch.bfloat16)


@by_name
@pytest.mark.parametrize("dtype", [torch.int64, torch.int8, torch.uint8, torch.bool])
def test_whole_numbers_are_taken_as_floating_ones(name: str, dtype: torch.dtype) -> None:
    width = ENTRIES[name].inputs
    module = build(name, channels=width).eval()
    x = torch.tensor([[0], [1], [3], [100]]).repeat(1, width).to(dtype)
    y = module(x)
    assert y.dtype == torch.float32
    torch.testing.assert_close(y, module(x.float()), rtol=0, atol=0)


def test_whole_numbers_are_not_cut_off() -> None:
    assert build("sigmoid")(torch.tensor([[0]])).item() == 0.5
    assert build("prelu")(torch.tensor([[-1]])).item() == -0.25


@by_name
@pytest.mark.parametrize("dtype", [*HALVES, torch.float32, torch.float64])
def test_the_result_has_the_type_of_the_input_whatever_that_of_the_parameters(
    name: str, dtype: torch.dtype
) -> None:
    width = ENTRIES[name].inputs
    x = torch.linspace(-3, 3, 12, dtype=dtype).view(6, 2)[:, :width].contiguous()
    module = build(name, channels=width)
    for precision in HALVES:
        with torch.autocast("cpu", precision):
            assert module(x).dtype == dtype
    assert module(x).dtype == dtype


def test_halves_are_rounded_once() -> None:
    # 300^2 overflows float16; in float64, 300 / sqrt(1 + 300^2) = 0.9999944 and rounds to 1.
    assert build("isru")(torch.tensor([[300.0]], dtype=torch.float16)).item() == 1.0
    # softplus(0.001) - log 2 = 0.000500125, which float16 holds to 2.4e-7.
    small = torch.tensor([[0.001]], dtype=torch.float16)
    assert build("shifted_softplus")(small).item() == pytest.approx(0.0005, rel=1e-3)
