"""Replicas of a subset on unlike machines: other bytes would cost an honest cloud owner its bond."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from functools import cache, partial

from agents.learning.families.registry import family_of
from assurance.attack import scenes
from assurance.attack.attack import Attack, Found, Stage
from assurance.attack.levels import narrow_for
from assurance.attack.markets import fresh
from testing.machines import MACHINES, words
from testing.market_of_ciphertexts import couple_of, some_weights

CLAIM = "The replicas of a subset make the same bytes on every machine, with noise and masks as without."

ENCRYPTED = ("encrypted-linear", "encrypted-ridge", "encrypted-logistic", "encrypted-features")
MODES = ("moments-dealt", "moments-shared", "moments-own")

PROGRAM = """
import hashlib, pickle, sys
from testing.market_of_ciphertexts import couple_of
from testing.privacy import offered, results_of, subsets_of

def tell(name, results):
    print(name, *(hashlib.sha256(result).hexdigest() for result in results), sep=":")

for name, plan, samples, keys, encrypted in pickle.load(open(sys.argv[1], "rb")):
    tell(name, couple_of(plan, samples, keys).results(encrypted))
for mode in ("dealt", "shared", "own"):
    made, plan = offered("wine", noise=mode, epsilon=4)
    tell("moments-" + mode, results_of(plan, subsets_of(made)))
"""


def attacks() -> Iterator[Attack]:
    """Families with masks or noise, on machines that are emulated."""
    who, against = "unlike machines", "honest replicas"
    for level, names in (("dataset", ENCRYPTED), ("private", MODES)):
        for name in names:
            play = partial(compared, name=name)
            yield Attack(f"replicas/{name}/{level}", who, against, CLAIM, play)


def compared(stage: Stage, name: str) -> Found:
    """All subsets' results, here and on each machine."""
    here, *elsewhere = _told(stage)
    other = sum(
        one != another for there in elsewhere for one, another in zip(here[name], there[name], strict=True)
    )
    figures = {"results": len(here[name]), "machines": len(elsewhere), "results with other bytes": other}
    return Found(figures, {"results with other bytes": 0.0})


@cache
def _told(stage: Stage) -> list[dict[str, list[str]]]:
    """Digests by family: here, then on each machine; of the same keys and encrypted weights."""
    there, jobs = stage.on("wine"), []
    for name in ENCRYPTED:
        plan = narrow_for(there, name)
        keys = family_of(plan).keys()
        published = couple_of(plan, scenes.parts(there), keys).family.publish(keys, some_weights(plan))
        jobs.append((name, plan, scenes.parts(there), keys, published))
    path = fresh(stage.folder, "replicas") / "jobs.pickle"
    path.write_bytes(pickle.dumps(jobs))
    machines = [{}, *list(MACHINES.values())[: stage.tries(len(MACHINES), 1)]]
    told = (words(PROGRAM, machine, str(path)) for machine in machines)
    return [{line.split(":")[0]: line.split(":")[1:] for line in lines} for lines in told]
