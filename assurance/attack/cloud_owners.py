"""Cloud owners: what their copy of a model is worth to them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from agents.demo.work import score_of_ciphertext
from agents.learning.evaluate import score
from agents.learning.families.registry import family_of
from agents.learning.integers.update import Update
from agents.learning.integers.weights import Weights
from assurance.attack import scenes
from assurance.attack.attack import Attack, Found, Stage
from assurance.attack.levels import default_for

HIDDEN = "Cloud owners compute on ciphertexts: taken for the model, one is worth no more than a guess."
SHOWN = "In plans in plain text each cloud owner has the model."
ABOVE_A_GUESS = 0.1
"""The median of many readings scores below the most frequent class, or little above it."""

FAMILIES = ("encrypted-linear", "encrypted-ridge", "encrypted-logistic")


def attacks() -> Iterator[Attack]:
    """On ciphertexts, and in plain text."""
    who, against = "a cloud owner", "the model"
    for name in FAMILIES:
        play = partial(taken_for_weights, name=name)
        yield Attack(f"ciphertext-as-model/{name}/dataset", who, against, HIDDEN, play)
    yield Attack("weights-read/logistic/none", who, against, SHOWN, weights_read)


def taken_for_weights(stage: Stage, name: str) -> Found:
    """Reads the encrypted weights of a trained model as weights, in many ways."""
    owner = scenes.couple(stage, default_for(stage, name))
    family, made = owner.family, scenes.prepared(stage)
    trained = _trained(stage, name)
    published = family.publish(owner.keys, trained)
    held = score_of_ciphertext(family.plan, published, made.test)
    classes = max((made.test.target == label).mean() for label in range(made.test.classes))
    return Found(
        {
            "score of the model": round(score(family.plan, trained, made.test), 3),
            "score of the ciphertext": round(held, 3),
            "score of a guess": round(float(classes), 3),
            "score beyond a guess": round(held - float(classes), 3),
        },
        {"score beyond a guess": ABOVE_A_GUESS},
    )


def _trained(stage: Stage, name: str) -> Weights:
    family = family_of(default_for(stage, name))
    state = family.initial_state()
    for _ in range(3):
        parts = [family.local_update(state.asked, samples) for samples in scenes.parts(stage)]
        state = family.aggregate(state, Update.total(parts))
    return state.weights


def weights_read(stage: Stage) -> Found:
    """Opens what it was given."""
    family = family_of(default_for(stage, "logistic"))
    trained = _trained(stage, "logistic")
    published = family.publish(family.keys(), trained)
    read = Weights.from_bytes(published, family.plan)
    return Found({"weights": int(read == trained)}, {})
