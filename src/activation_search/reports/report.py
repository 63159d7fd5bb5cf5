"""Reports: one HTML file with its pictures inside, and Markdown.

python scripts/report.py logs/compare/cnn-mnist1d
"""

import re
import sys
from collections.abc import Collection
from copy import deepcopy
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from activation_search.atomic import write_text
from activation_search.discovery.found import DISCOVERY_FILE, read_discovery
from activation_search.errors import UserError
from activation_search.evidence.results import COMPARISON_FILE, Evidence, read_evidence
from activation_search.reports.comparison_content import add_evidence, of_comparison
from activation_search.reports.content import Content
from activation_search.reports.discovery_content import add_discovery
from activation_search.reports.mean_curves import write_mean_curves
from activation_search.reports.study_content import of_multirun, of_study, read_study
from activation_search.search.leaderboard import LEADERBOARD_FILE

MULTIRUNS = "multirun"  # the folder of all of them


def write_report(folder: Path, named: Collection[str] = ()) -> list[Path]:
    """``report.html`` and ``report.md`` in the folder of a comparison, a study, a search for
    formulas or a multirun.

    Args:
        folder: of one of them.
        named: import paths of the user's own functions that may be followed to draw their curves.

    Raises:
        UserError: nothing of the kind is there.
    """
    if folder.parent.name == MULTIRUNS:
        content = of_multirun(folder)
    else:
        study, evidence = _found(folder)
        content = _content(folder, named, study, evidence)
        write_mean_curves(folder, study, evidence)
    paths = []
    for kind in ("html", "md"):
        path = folder / f"report.{kind}"
        write_text(path, environment().get_template(f"report.{kind}.j2").render(vars(content)))
        paths.append(path)
    return paths


def environment() -> Environment:
    """What renders the templates."""
    found = Environment(
        loader=PackageLoader("activation_search.reports"),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["plain"] = _plain
    found.filters["fenced"] = _fenced
    return found


def _plain(text: object) -> str:
    """Text on one line that Markdown shows as it is, in a table's cell too."""
    return re.sub(r"([\\|*_<>`\[\]&~$#])", r"\\\1", " ".join(str(text).split()))


def _fenced(text: str) -> str:
    """A block of code, fenced by more backticks than stand in it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}bash\n{text}\n{fence}"


def collect(folder: Path, named: Collection[str] = ()) -> Content:
    """What the report of a folder says; draws its pictures into ``<folder>/figures``.

    Args:
        folder, named: see :func:`write_report`.

    Raises:
        UserError: no comparison, finished study or multirun is there.
    """
    if folder.parent.name == MULTIRUNS:
        return of_multirun(folder)
    return _content(folder, named, *_found(folder))


def _content(
    folder: Path,
    named: Collection[str],
    study: dict[str, Any] | None,
    evidence: Evidence | None,
) -> Content:
    if study is not None:
        content = of_study(study, folder, confirmed=evidence is not None)
    else:
        assert evidence is not None
        content = of_comparison(evidence)
    if evidence is not None:
        add_evidence(content, evidence, folder, named)
    if study is None and (discovery := read_discovery(folder)):
        with_it = deepcopy(content)
        try:
            add_discovery(with_it, discovery, folder)
            return with_it
        except (ValueError, LookupError, TypeError, AttributeError):
            path = folder / DISCOVERY_FILE
            print(f"Note: {path} is no search of this program, or is damaged.", file=sys.stderr)
    return content


def _found(folder: Path) -> tuple[dict[str, Any] | None, Evidence | None]:
    """What a folder states of a study and of a comparison.

    Raises:
        UserError: it holds neither.
    """
    study, evidence = None, None
    if (folder / LEADERBOARD_FILE).exists():
        study, trials = read_study(folder / LEADERBOARD_FILE)
    if (folder / COMPARISON_FILE).exists():
        evidence = read_evidence(folder)
        if study is not None and evidence.trials != trials:
            evidence = None  # the study went on since then, and has other ranks
    if study is None and evidence is None:
        raise UserError(
            f"{folder} holds neither {COMPARISON_FILE} nor {LEADERBOARD_FILE}; give the folder of "
            "a comparison (logs/compare/…), of a search for formulas (logs/discover/…) or of a "
            "study (logs/sweeps/…) that has ended, or of a multirun (logs/multirun/…)."
        )
    return study, evidence
