from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from stride_vars.config_errors import describe


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Fixed(Strict):
    kind: Literal["fixed"] = "fixed"
    height: int


class Moving(Strict):
    kind: Literal["moving"] = "moving"
    speed: float


class Source(Strict):
    files: str
    factor: int = 1


class Train(Strict):
    budget: str = "10min"
    batch_size: int = Field(default=4, gt=0)

    @field_validator("budget")
    @classmethod
    def _known(cls, value: str) -> str:
        if value == "forever":
            raise ValueError("a budget must end.")
        return value


class Experiment(Strict):
    name: str
    train: Train = Train()
    sources: dict[str, Source] = {}
    boxes: list[Fixed] = []
    path: Annotated[Fixed | Moving, Field(discriminator="kind")] | None = None
    either: int | Fixed | None = None
    pair: tuple[int, Fixed] | None = None


def sentence(data: dict, model: type[BaseModel] = Experiment) -> str:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(data)
    text = describe(caught.value, model, "run.yaml")
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"name": "a", "nmae": 1}, "run.yaml: unknown key 'nmae'. Did you mean 'name'?"),
        (
            {"name": "a", "train": {"bugdet": "1min"}},
            "run.yaml: unknown key 'train.bugdet'. Did you mean 'train.budget'?",
        ),
        (
            {"name": "a", "sources": {"era5": {"files": "x", "facter": 2}}},
            "run.yaml: unknown key 'sources.era5.facter'. Did you mean 'sources.era5.factor'?",
        ),
        (
            {"name": "a", "boxes": [{"height": 1}, {"height": 1, "hieght": 2}]},
            "run.yaml: unknown key 'boxes[1].hieght'. Did you mean 'boxes[1].height'?",
        ),
        ({"name": "a", "batch_size": 2}, "run.yaml: unknown key 'batch_size'. Did you mean 'train.batch_size'?"),
        (
            {"name": "a", "train": {"zzz": 1}},
            "run.yaml: unknown key 'train.zzz'. Choose one of: batch_size, budget.",
        ),
        ({}, "run.yaml: key 'name' is missing; add it."),
        ({"name": "a", "sources": {"era5": {}}}, "run.yaml: key 'sources.era5.files' is missing; add it."),
        (
            {"name": "a", "train": {"batch_size": 0}},
            "run.yaml: train.batch_size = 0: Input should be greater than 0.",
        ),
        ({"name": "a", "train": {"budget": "forever"}}, "run.yaml: train.budget = 'forever': a budget must end."),
        (
            {"name": "a", "path": {"kind": "moving", "sped": 1.0}},
            "run.yaml: unknown key 'path.sped'. Did you mean 'path.speed'? (1 more problem there.)",
        ),
        (
            {"name": "a", "either": {"hight": 1}},
            "run.yaml: unknown key 'either.hight'. Did you mean 'either.height'? (2 more problems there.)",
        ),
        (
            {"name": "a", "pair": [1, {"height": "tall"}]},
            "run.yaml: pair[1].height = 'tall': Input should be a valid integer, unable to parse string as an integer.",
        ),
    ],
)
def test_sentences(data, expected):
    assert sentence(data) == expected


def test_a_mistyped_required_key_is_told_as_mistyped():
    text = sentence({"nam": "a"})
    assert text == "run.yaml: unknown key 'nam'. Did you mean 'name'? (1 more problem there.)"


def test_a_long_value_is_cut():
    assert "..." in sentence({"name": "a", "train": "x" * 500})


def test_not_a_mapping_at_all():
    with pytest.raises(ValidationError) as caught:
        Experiment.model_validate([1])
    assert describe(caught.value, Experiment, "run.yaml").startswith("run.yaml: Input should be a valid dictionary")
