"""Results in a notebook: a run's summary, a study's leaderboard, a comparison with its forest plot,
the best formula of a search.

Importing this module registers them with :func:`activation_search.notebook.as_html`.
"""

import base64
import io
from collections.abc import Sequence

from matplotlib.figure import Figure

from activation_search.discovery.found import Discovery
from activation_search.errors import UserError
from activation_search.evidence.results import Evidence
from activation_search.notebook import as_html
from activation_search.reports.comparison_content import comparison_tables
from activation_search.reports.comparison_figures import draw_forest
from activation_search.reports.comparison_table import caution, verdict_sentence
from activation_search.reports.content import TableData
from activation_search.reports.discovery_content import best_table, finalists_table, gain_sentences
from activation_search.reports.discovery_figures import draw_function, draw_progress
from activation_search.reports.learning_curves import draw_learning_curves
from activation_search.reports.pictures import DOTS_PER_INCH
from activation_search.reports.report import collect, environment
from activation_search.reports.summary import summary, title
from activation_search.search.sweep import Sweep
from activation_search.training.result import RunResult


@as_html.register
def _(result: RunResult) -> str:
    rows = [list(row) for row in summary(result)]
    curves = draw_learning_curves({title(result): [result.directory]}, result.metric, [])
    pictures = [_inline(curves)] if any(axes.lines for axes in curves.axes) else []
    return _render([], [TableData(f"{result.status}: {title(result)}", [], rows)], pictures)


@as_html.register
def _(sweep: Sweep) -> str:
    try:
        content = collect(sweep.folder)
    except UserError:  # moved away, or no trial has finished
        return str(sweep.table.to_html())
    return _render(
        content.verdicts, content.tables, [picture.base64 for picture in content.pictures[:1]]
    )


@as_html.register
def _(evidence: Evidence) -> str:
    sentences = [text for b in evidence.blocks for text in (verdict_sentence(b), caution(b))]
    pictures = [_inline(draw_forest(block)) for block in evidence.blocks if block.comparisons]
    return _render(sentences, [comparison_tables(block)[0] for block in evidence.blocks], pictures)


@as_html.register
def _(found: Discovery) -> str:
    plain = found.as_dict()
    if found.best is None:
        note = f"{len(found.formulas)} formulas were trained, {found.left} are left."
        return _render([note], [], [_inline(draw_progress(found))] if found.finished else [])
    blocks = found.evidence.blocks if found.evidence else []
    verdicts = [verdict_sentence(block) for block in blocks]
    return _render(
        [*verdicts, *gain_sentences(plain)],
        [best_table(plain), finalists_table(plain)],
        [_inline(draw_function(found.best))],
    )


def _render(sentences: Sequence[str], tables: Sequence[TableData], pictures: Sequence[str]) -> str:
    template = environment().get_template("notebook.html.j2")
    return template.render(sentences=filter(None, sentences), tables=tables, pictures=pictures)


def _inline(figure: Figure) -> str:
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=DOTS_PER_INCH)
    return base64.b64encode(written.getvalue()).decode()
