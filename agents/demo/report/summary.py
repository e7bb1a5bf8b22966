"""The report as one JSON document. Amounts are in wei, times in seconds, hashes in hexadecimal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum, StrEnum
from typing import Any

from agents.core.ids import Address
from agents.demo.outcome import DemoOutcome, Participant
from agents.readmodel.evidence import Finding, proofs
from agents.readmodel.faults import findings
from agents.readmodel.gas import gas_by, label
from agents.readmodel.members import is_slashed, members_of, role_of
from agents.readmodel.money import accounts_of, ledger_of
from agents.readmodel.replicas import honest_mismatches, replicas_of
from agents.readmodel.rounds import Standing, rounds_of
from agents.roles.results import Json

Section = dict[str, Json]


def summary(outcome: DemoOutcome) -> Section:
    """All that the report tells, ready for `json.dumps`."""
    found = findings(outcome)
    accounts = accounts_of(outcome)
    rounds = rounds_of(outcome)
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
        "rounds": sum(facts.closed for facts in rounds),
        "accuracy": _accuracy(outcome),
        "training": jsonable(outcome.work),
        "cheats": _cheats(outcome, found),
        "honest_slashed": honest_slashed(outcome),
        "faults": jsonable(found),
        "audit": _audit(outcome),
        "replicas": {
            "asked": sum(facts.jobs for facts in rounds),
            "hash_mismatches_among_honest": honest_mismatches(outcome),
            "verdicts": jsonable(replicas_of(outcome)),
        },
        "by_round": jsonable(rounds),
        "members": jsonable(members_of(outcome, accounts, found)),
        "ledger": jsonable(ledger_of(outcome, accounts)),
        "gas": _gas(outcome),
        "transactions": len(outcome.transactions),
        "transactions_reverted": sum(not mined.succeeded for mined in outcome.transactions),
    }


def honest_slashed(outcome: DemoOutcome) -> int:
    """How many honest parties were judged Faulty or Missed, rejected, or lost a bond."""
    statements = outcome.audit.statements
    honest = (party.address for party in outcome.parties if not party.cheat)
    return sum(address in statements and is_slashed(statements[address]) for address in honest)


def jsonable(value: object) -> Json:
    """Dataclasses as objects, bytes in hexadecimal, enums by name; a float that is no number as null."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _field(f.name, getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [jsonable(item) for item in value]
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    raise TypeError(f"no JSON for {value!r}")


_IDS = ("tc", "ci", "ds")


def _field(name: str, value: object) -> Json:
    """Ids have 256 bits: they are told in hexadecimal, as the command line takes them."""
    return hex(value) if name in _IDS and isinstance(value, int) else jsonable(value)


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
    }


def _cheats(outcome: DemoOutcome, found: tuple[Finding, ...]) -> Section:
    planted = [(party, proofs(party, found)) for party in outcome.parties if party.cheat]
    return {
        "planted": len(planted),
        "caught": sum(bool(shown) for _, shown in planted),
        "detail": [_cheat(outcome, party, shown) for party, shown in planted],
    }


def _cheat(outcome: DemoOutcome, party: Participant, shown: tuple[Finding, ...]) -> Section:
    statement = outcome.audit.statements.get(party.address)
    drawn = sum(
        cell.standing not in (Standing.NOT_DRAWN, Standing.NOT_IN_POOL)
        for replica in replicas_of(outcome)
        if replica.member == party.address
        for cell in replica.cells
    )
    return {
        "name": party.name,
        "address": party.address,
        "cheat": str(party.cheat),
        "caught": bool(shown),
        "jobs": drawn,
        "coins_lost": statement.forfeited if statement else 0,
        "evidence": jsonable(shown),
    }


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
    members = outcome.market.members

    def role(sender: Address) -> str:
        return role_of(members.get(sender))

    return {
        "total": sum(mined.gas_used for mined in outcome.transactions),
        "by_transaction": jsonable(gas_by(label, outcome.transactions)),
        "by_role": jsonable(gas_by(lambda mined: role(mined.sender), outcome.transactions)),
    }
