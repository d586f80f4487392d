"""The last lines that a person reads: what each system scored, and where the report is."""

from __future__ import annotations

from stride_app.stages import ChainResult

_NAMES = {
    "edm": "diffusion model",
    "interpolated": "interpolated LR",
    "quantile_mapping": "quantile mapping",
    "quantile_mapping_per_pixel": "quantile mapping, per pixel",
}
_WIDTH = 18


def closing_lines(result: ChainResult) -> list[str]:
    """One line a system and target with the CRPS, then the report's path.

    Args:
        result: What the chain made.
    """
    scores = result.scores["scores"]
    members = {name: facts["members"] for name, facts in result.scores["systems"].items()}
    dates = len(result.scores["dates"])
    targets = list(dict.fromkeys(target for by_target in scores.values() for target in by_target))
    seen = "that training never saw" if result.unseen else "OF THE TRAINING SPLIT, so no measure of skill"
    lines = []
    for target in targets:
        rows = [(name, scores[name][target]["crps"]) for name in members if target in scores.get(name, {})]
        best = min((crps["value"] for _, crps in rows if crps["value"] is not None), default=None)
        width = max(_WIDTH, *(len(_called(name)) for name, _ in rows))
        lines.append("")
        lines.append(f"CRPS of {target} [{rows[0][1]['units']}], {dates} times {seen}; lower is better")
        for name, crps in rows:
            interval = "" if crps["lower"] is None else f"  [{crps['lower']:.3f}, {crps['upper']:.3f}]"
            mark = "  best" if crps["value"] == best else ""
            size = "1 member" if members[name] == 1 else f"{members[name]} members"
            lines.append(f"  {_called(name):<{width}} {crps['value']:7.3f}{interval}  ({size}){mark}")
    return [*lines, "", f"report: {result.report.resolve()}"]


def _called(system: str) -> str:
    return _NAMES.get(system, system)
