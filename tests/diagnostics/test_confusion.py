"""The picture of what was confused."""

from pathlib import Path

import pytest

from activation_search.diagnostics.confusion import draw_confusion
from activation_search.reports.pictures import write_picture


@pytest.mark.paints
@pytest.mark.parametrize("names", [["$0_$50", "$50^$99"], ["$0-$50", "$50-$99"], ["$", "%"]])
def test_names_are_written_as_they_are(names: list[str], tmp_path: Path) -> None:
    figure = draw_confusion([[3, 1], [0, 2]], names, "t")
    assert write_picture(figure, tmp_path / "t.png").stat().st_size
    shown = [tick.get_text() for tick in figure.axes[0].get_xticklabels()]
    assert [text.replace("\\$", "$") for text in shown] == names
    assert shown != names
