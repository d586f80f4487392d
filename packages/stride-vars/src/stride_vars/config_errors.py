"""One sentence for what is wrong in a configuration that pydantic refused."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from stride_vars.errors import nearest

# A mistyped required key gives two errors, "missing" and "extra"; the extra one holds what the user wrote.
_FIRST = {"extra_forbidden": 0, "missing": 1}
_SHOWN_CHARACTERS = 60


def describe(exc: ValidationError, model: type[BaseModel], where: str) -> str:
    """Say in one sentence which key is wrong and what would be right.

    Args:
        exc: What pydantic raised while validating ``model``.
        model: The model at the top, from which the right keys are found.
        where: The file or section, named first in the sentence.

    Returns:
        One line, such as ``"run.yaml: unknown key 'train.bugdet'. Did you mean 'train.budget'?"``.
    """
    problems = exc.errors(include_url=False)
    problem = min(problems, key=lambda item: _FIRST.get(item["type"], 2))
    path, owners = _locate(model, problem["loc"])
    dotted = _dotted(path)
    if problem["type"] == "extra_forbidden":
        sentence = f"unknown key '{dotted}'.{_right_key(model, path, owners)}"
    elif problem["type"] == "missing":
        sentence = f"key '{dotted}' is missing; add it."
    else:
        message = problem["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ").rstrip(".")
        sentence = f"{dotted} = {_shown(problem['input'])}: {message}." if dotted else f"{message}."
    others = len(problems) - 1
    if others:
        sentence += f" ({others} more {'problem' if others == 1 else 'problems'} there.)"
    return " ".join(f"{where}: {sentence}".split())


def _right_key(top: type[BaseModel], path: list[str | int], owners: list[type[BaseModel]]) -> str:
    """Suggest the nearest key beside the wrong one, else the same key where it does exist, else list the keys."""
    word = str(path[-1])
    hint = nearest(word, sorted({name for owner in owners for name in _names(owner)}))
    if hint.startswith(" Did you mean"):
        return hint.replace("mean '", f"mean '{_dotted([*path[:-1], ''])}", 1)
    elsewhere = next(_paths_to(top, word), None)
    return f" Did you mean '{elsewhere}'?" if elsewhere else hint


def _locate(model: type[BaseModel], loc: Sequence[str | int]) -> tuple[list[str | int], list[type[BaseModel]]]:
    """Follow pydantic's location through the model.

    Pydantic puts the names of union branches among the keys; what no type on the way has as a key is such a name.

    Returns:
        The keys that the user wrote, and the models that own the last of them.
    """
    here: list[Any] = [model]
    path: list[str | int] = []
    owners = [model]
    for position, part in enumerate(loc):
        options = [option for annotation in here for option in _options(annotation)]
        models = [option for option in options if _is_model(option)]
        below = [child for option in options for child in _children(option, part)]
        if below:
            path.append(part)
            here, owners = below, models
        elif named := [option for option in models if option.__name__ == part]:
            here = named
        elif position == len(loc) - 1 and models and part != "[key]":
            path.append(part)
            owners = models
    return path, owners


def _options(annotation: Any) -> Iterator[Any]:
    """The plain types that an annotation allows."""
    if get_origin(annotation) is Annotated:
        yield from _options(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, types.UnionType):
        for option in get_args(annotation):
            yield from _options(option)
    else:
        yield annotation


def _children(option: Any, part: str | int) -> list[Any]:
    """Annotations found under ``part`` of a value of type ``option``; none when it has no such part."""
    if _is_model(option):
        return [field.annotation for name, field in option.model_fields.items() if part in (name, field.alias)]
    origin, arguments = get_origin(option), get_args(option)
    if not isinstance(origin, type) or part == "[key]":
        return []
    if issubclass(origin, Mapping):
        return [arguments[1]]
    if issubclass(origin, Sequence) and isinstance(part, int):
        return (
            [arguments[min(part, len(arguments) - 1)]] if origin is tuple and ... not in arguments else [arguments[0]]
        )
    return []


def _is_model(option: Any) -> bool:
    return isinstance(option, type) and issubclass(option, BaseModel)


def _names(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _paths_to(model: type[BaseModel], word: str, prefix: str = "", depth: int = 4) -> Iterator[str]:
    """Dotted paths of the keys below ``model`` that are called ``word``."""
    for name, field in model.model_fields.items():
        if name == word:
            yield f"{prefix}{name}"
        for option in _options(field.annotation):
            if depth and _is_model(option):
                yield from _paths_to(option, word, f"{prefix}{name}.", depth - 1)


def _dotted(path: Sequence[str | int]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def _shown(value: Any) -> str:
    # Of a whole section the keys tell enough, and its values may be secrets.
    text = f"{{{', '.join(map(str, value))}}}" if isinstance(value, Mapping) else repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
