"""The notebook runs from its first cell to its last, and is kept without outputs."""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from ..command import ROOT

NOTEBOOK = ROOT / "examples" / "quickstart.ipynb"


def outputs(notebook: Any, cell: str) -> list[Any]:
    [found] = [c for c in notebook.cells if c.id == cell]
    return list(found.outputs)


def test_it_is_kept_without_outputs() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:jupyter_client")
@pytest.mark.filterwarnings("ignore::DeprecationWarning:zmq")
def test_it_runs_and_shows_its_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    where = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=None, resources=where).execute()

    [run] = outputs(notebook, "train")
    assert "validation accuracy" in run.data["text/html"]
    assert "<img" in run.data["text/html"]
    assert outputs(notebook, "curve")[0].data["text/html"].count("<tr") == 1 + 4  # epochs
    *_, study = outputs(notebook, "sweep")
    assert "Leaderboard" in study.data["text/html"]
    *_, evidence = outputs(notebook, "compare")
    assert "Against relu, on 5 seeds" in evidence.data["text/html"]
    assert "<img" in evidence.data["text/html"]
    assert [
        o for c in notebook.cells for o in c.get("outputs", []) if o.get("name") == "stderr"
    ] == []
