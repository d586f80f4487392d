"""What a generation would do: cases, members, network calls, bytes, and whether the disk has room."""

from __future__ import annotations

from stride_train.generation.request import Request
from stride_train.generation.space import free_space, in_words
from stride_train.generation.work_folder import WorkFolder
from stride_train.generation.writer import finished_with


def dry_run(request: Request) -> list[str]:
    """Describes the work without doing any; nothing is written.

    Args:
        request: What is asked for.

    Returns:
        Lines of a table for people.
    """
    plan, config = request.plan(request.most_members), request.config.generate
    done = WorkFolder(request.path, request.fingerprint).done()
    finished = finished_with(request.path, request.fingerprint)
    left = [] if finished else [piece for piece in plan.pieces if piece.name not in done]
    members_left = sum(len(piece.members) for piece in left)
    size = request.size(plan.members)
    needed, free = 0 if finished else size.missing(plan, done), free_space(request.path)
    observed = f"{len(request.target_times)} with observed fields"
    lines = {
        request.name: f"{request.path}",
        "cases": f"{len(plan.times):,}, {plan.times[0]} to {plan.times[-1]}; {observed}",
        "members": f"{plan.members} a case, {min(plan.batch_size, plan.members)} at once",
    }
    if request.checkpoint is not None:
        targets = len(request.targets) if request.checkpoint.spec.use_film_vars else 1
        tiles = len(request.domain.boxes)
        calls = config.sampler.network_calls * targets * tiles
        factors = [f"{config.sampler.network_calls} sampler calls"]
        factors += [f"{tiles} tiles"] if tiles > 1 else []
        factors += [f"{targets} targets one at a time"] if targets > 1 else []
        lines["network"] = (
            f"{calls * members_left:,} calls, counting each member ({' x '.join(factors)} a member); beside them the "
            "conditioning, once a case"
        )
        if config.remove_drizzle and config.gate_probability is None:
            lines["network"] += ", and one member of each of up to 64 validation times, for the gate"
    if finished:
        lines["missing"] = "nothing: it is finished"
    elif done:
        lines["missing"] = f"{members_left:,} of {len(plan.times) * plan.members:,} members"
    lines["to write"] = f"at most {in_words(needed)} (uncompressed: what is written is smaller)"
    lines["disk"] = f"{in_words(free)} free: {'it has room' if needed <= free else 'it HAS NO ROOM for that much'}"
    return [f"{name:<17} {text}" for name, text in lines.items()]
