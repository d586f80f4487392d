"""The short table that the command line prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stride_eval.scores import OBSERVED
from stride_eval.summary import best_systems, number, of_part

if TYPE_CHECKING:
    from stride_eval.runner import EvaluationResult

SHOWN = ("crps", "crps_skill", "bias", "bias_percent", "rmse", "spread_skill")


def terminal_table(result: EvaluationResult) -> str:
    """Systems by scores as plain text, the best of each marked by an asterisk; with sample counts and reference."""
    lines = []
    whole = of_part(result.scores)
    for target in dict.fromkeys(score.target for score in whole):
        scores = [score for score in whole if score.target == target]
        columns = [name for name in SHOWN if any(score.name == name for score in scores)]
        if not columns:
            continue
        found = {(score.system, score.name): score for score in scores}
        best = best_systems(scores)
        heads = [
            next(f"{s.label}{'' if s.units in {'1', '%'} else f' [{s.units}]'}" for s in scores if s.name == name)
            for name in columns
        ]
        rows = [[f"{target}", *heads]]
        for system in dict.fromkeys(score.system for score in scores if score.system != OBSERVED):
            row = [system]
            for name in columns:
                score = found.get((system, name))
                mark = "*" if system in best.get((target, name), set()) else " "
                others = [other.value for other in scores if other.name == name]
                row.append("–" + " " if score is None else number(score.value, score.units, beside=others) + mark)
            rows.append(row)
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines += [
            "  ".join(
                cell.ljust(width) if index == 0 else cell.rjust(width)
                for index, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in rows
        ]
    count = len(result.dates)
    note = f"{count} common date{'s' if count != 1 else ''}" + ("; * best" if lines else "")
    if result.reference:
        note += f"; skill against {result.reference}"
    return "\n".join([*lines, note])
