"""The report as one JSON document. Amounts are in wei, times in seconds, hashes in hexadecimal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from agents.core.jsonable import Json, jsonable
from agents.core.mined import Mined
from agents.demo.outcome import DemoOutcome, Names
from agents.demo.report.cheats import PlantedCheat, honest_mismatches, honest_slashed, planted_cheats
from agents.demo.report.members import members_of
from agents.learning.judgement import Judgement
from agents.readmodel.faults import ProvenFault
from agents.readmodel.gas import gas_by, label
from agents.readmodel.jobs import replicas_of
from agents.report.reasons import accusation
from agents.report.words import role_name

Section = dict[str, Json]


def summary(outcome: DemoOutcome) -> Section:
    """All that the report tells, ready for `json.dumps`."""
    told = outcome.projections
    faults = told.faults.proven()
    rounds = told.rounds.of(outcome.tc)
    return {
        "dataset": outcome.dataset_name,
        "model": outcome.model,
        "network": outcome.network,
        "settings": dict(outcome.settings),
        "notes": list(outcome.notes),
        "started_at": outcome.started_at,
        "seconds": outcome.seconds,
        "market": _market(outcome),
        "subsets": _subsets(outcome),
        "rounds": sum(one.closed for one in rounds),
        "accuracy": _accuracy(outcome),
        "training": jsonable(outcome.work),
        "promise": jsonable(outcome.promised),
        "cheats": _cheats(outcome, faults),
        "honest_slashed": honest_slashed(outcome),
        "faults": [_fault(outcome, found) for found in faults],
        "audit": _audit(outcome),
        "replicas": {
            "asked": sum(one.jobs for one in rounds),
            "hash_mismatches_among_honest": honest_mismatches(outcome),
            "verdicts": jsonable(replicas_of(outcome.market, outcome.ds, outcome.tc)),
        },
        "by_round": jsonable(rounds),
        "members": jsonable(members_of(outcome, faults)),
        "ledger": jsonable(told.balance_sheet(outcome.contract_balance)),
        "gas": _gas(outcome),
        "transactions": len(outcome.transactions),
        "transactions_reverted": sum(not mined.succeeded for mined in outcome.transactions),
    }


def _market(outcome: DemoOutcome) -> Section:
    couple = outcome.market.couples.get(outcome.tc)
    dataset = outcome.market.datasets.get(outcome.ds)
    return {
        "chain_id": outcome.chain_id,
        "contract": outcome.contract,
        "receipt_domain": jsonable(outcome.receipt_domain),
        "ds": hex(outcome.ds),
        "tc": hex(outcome.tc),
        "phase": couple.phase.name.lower() if couple else "none",
        "final_model_hash": jsonable(couple.final_model_hash) if couple else "0x",
        "final_model_salt": jsonable(outcome.final_salt),
        "final_weights": jsonable(outcome.final_weights),
        "terms": jsonable(dataset.terms) if dataset else None,
        "events": len(outcome.history),
    }


def _subsets(outcome: DemoOutcome) -> Section:
    totals = [sum(column) for column in zip(*outcome.strata, strict=True)]
    shares = [
        count / total for held in outcome.strata for count, total in zip(held, totals, strict=True) if total
    ]
    return {
        "rows": list(outcome.subset_rows),
        "largest_share_of_a_class": max(shares, default=None),
        "holding_every_class": sum(all(held) for held in outcome.strata),
        "strata": jsonable(outcome.strata),
        "strata_names": list(outcome.strata_names),
    }


def _accuracy(outcome: DemoOutcome) -> Section:
    scores = outcome.scores
    name, value = scores.outside
    return {
        "metric": scores.metric,
        "market": jsonable(scores.market[-1] if scores.market else scores.initial),
        "initial": jsonable(scores.initial),
        "by_round": jsonable(scores.market),
        "updates": list(scores.moved),
        "centralised": jsonable(scores.centralised),
        "best_single_subset": jsonable(scores.best_single_subset),
        "outside": {"name": name, "value": jsonable(value)},
        "settled": scores.settled,
        "judged": [_judged(outcome, one) for one in scores.judged],
        "one_class_to_everybody": _said_to_all(outcome, scores.judged[0]) if scores.judged else None,
        "reliability": jsonable(scores.reliability),
        "better_family": jsonable(scores.better),
    }


def _judged(outcome: DemoOutcome, one: Judgement) -> Section:
    return {
        "name": one.label,
        "measures": jsonable(one.measures),
        "says_only": _said_to_all(outcome, one),
    }


def _said_to_all(outcome: DemoOutcome, one: Judgement) -> str | None:
    """The class that a model says to everybody, by its name."""
    if one.says_only is None:
        return None
    names = outcome.strata_names
    return names[one.says_only] if one.says_only < len(names) else str(one.says_only)


def _cheats(outcome: DemoOutcome, faults: Sequence[ProvenFault]) -> Section:
    planted = planted_cheats(outcome, faults)
    return {
        "planted": len(planted),
        "caught": sum(bool(cheat.evidence) for cheat in planted),
        "detail": [_cheat(outcome, cheat) for cheat in planted],
    }


def _cheat(outcome: DemoOutcome, cheat: PlantedCheat) -> Section:
    return {
        "name": cheat.party.name,
        "address": cheat.party.address,
        "cheat": str(cheat.party.cheat),
        "caught": bool(cheat.evidence),
        "jobs": cheat.jobs,
        "coins_lost": cheat.coins_lost,
        "evidence": [_fault(outcome, found) for found in cheat.evidence],
    }


def _fault(outcome: DemoOutcome, found: ProvenFault) -> Section:
    """A fault, told in words between what happened and what proves it."""
    names, facts = Names(outcome.parties), cast("Section", jsonable(found))
    before = ("member", "fault", "event", "transaction", "block", "lost")
    words = accusation(found, lambda address: names[address].name)
    return {**{name: facts[name] for name in before}, "told": words, **facts}


def _audit(outcome: DemoOutcome) -> Section:
    names = [type(logged.event).__name__ for logged in outcome.history]
    counted: dict[str, Any] = {name: names.count(name) for name in sorted(set(names))}
    return {
        "ok": outcome.audit.ok and not outcome.differences,
        "findings": list(outcome.audit.findings),
        "differences": list(outcome.differences),
        "events": counted,
    }


def _gas(outcome: DemoOutcome) -> Section:
    def role(mined: Mined) -> str:
        return role_name(outcome.market.role_of(mined.sender))

    return {
        "total": sum(mined.gas_used for mined in outcome.transactions),
        "by_transaction": jsonable(gas_by(label, outcome.transactions)),
        "by_role": jsonable(gas_by(role, outcome.transactions)),
    }
