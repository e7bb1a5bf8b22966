"""The samples that a data owner exposes: what they give away beside the model (leak 4)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from sklearn.linear_model import LogisticRegression

from agents.learning.data.samples import FEATURE_BITS, Samples
from assurance.attack import scenes
from assurance.attack.attack import Attack, Found, Stage
from assurance.attack.levels import LEVELS, Level, agent_of

NONE = "At level `private` no rows are exposed."
SOME = (
    "At every other level a model owner has 15 % of the rows whole, and a model of these alone is nearly as"
    " good as one of all rows."
)
SHARE = 0.15
ROUNDING = 0.02


def attacks() -> Iterator[Attack]:
    """At each level."""
    for level in LEVELS:
        yield Attack(
            f"exposed-rows/{level}",
            "a model owner who pays nobody",
            "rows, and the model's worth",
            NONE if level == "private" else SOME,
            partial(play, level=level),
        )


def play(stage: Stage, level: Level) -> Found:
    """Counts the rows in the file, and trains on them alone."""
    agent, made = agent_of(stage, level), scenes.prepared(stage)
    exposed = agent.exposed
    share = len(exposed) / (len(made.train) + len(made.validation) + len(made.test))
    figures = {"rows": len(exposed), "share of the table": round(share, 3)}
    if level == "private":
        return Found(figures, {"rows": 0.0})
    scores = {
        "score of a model of these": round(_score(exposed, made.test), 3),
        "score of a model of all training rows": round(_score(made.train, made.test), 3),
    }
    return Found(figures | scores, {"share of the table": SHARE + ROUNDING})


def _score(train: Samples, test: Samples) -> float:
    model = LogisticRegression(max_iter=10_000)
    model.fit(train.features / 2.0**FEATURE_BITS, train.target)
    return float(model.score(test.features / 2.0**FEATURE_BITS, test.target))
