"""A home's status as lines of text: the first says whether all is well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agents.core.amounts import ETHER
from agents.readmodel.status import AssetLine, MemberStatus, Unanswered
from agents.status.report import HomeStatus

_HEADER = ("", "name", "state", "waits for", "since", "left", "locked", "earned")


def status_lines(status: HomeStatus) -> Iterator[str]:
    """All of it, the most urgent first."""
    yield f"{status.state}  {status.reason}"
    view, standing = status.view, status.standing
    if view is not None and standing is not None:
        pulse = view.pulse
        role = pulse.role if pulse else "agent"
        yield f"{role} {view.member}, {'running' if view.running else 'not running'}"
        age = max(0.0, status.now - view.upto.timestamp)
        gap = f", {pulse.gap} blocks cannot be had whole" if pulse and pulse.gap else ""
        yield f"block {view.upto.number}, {spell(age)} old{gap}"
        yield _money(standing, pulse.wallet if pulse else None)
        yield from _fines(standing)
        yield from _table([_HEADER, *(_cells(line, standing.now) for line in standing.assets)])
        yield from (_silence(one, standing) for one in standing.unanswered)
        if pulse is not None:
            yield from (f"left undone: {words}" for words in pulse.left_undone)
            yield from (f"under way: {key}" for key in pulse.running if view.running)
            yield from (f"to be sent: {key} ({state})" for key, state in (pulse.intents or {}).items())
    for model in status.models:
        yield f"{model.name} is over; its weights: {model.weights}"
        yield from (f"    {line}" for line in model.lines)
    yield from status.promise


def spell(seconds: float) -> str:
    """A time as ``3 d 4 h``: the two largest units."""
    left, parts = int(seconds), list[str]()
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count or (unit == "s" and not parts):
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def _money(standing: MemberStatus, wallet: int | None) -> str:
    held, income = standing.holdings, standing.income
    parts = [
        f"{_ether(standing.free)} free in the market",
        f"{_ether(held.bonds)} in bonds",
        f"{_ether(held.escrows)} in escrow",
        f"{_ether(held.couple_bonds)} in couple bonds",
        f"{_ether(income.earned)} earned",
        f"{_ether(sum(income.fined.values()))} fined",
    ]
    if wallet is not None:
        parts.insert(0, f"{_ether(wallet)} in the wallet")
    return "ether: " + ", ".join(parts)


def _fines(standing: MemberStatus) -> Iterator[str]:
    last = standing.income.last_fine
    if last is not None:
        causes = ", ".join(f"{_ether(wei)} {cause}" for cause, wei in standing.income.fined.items() if wei)
        yield f"fined: {causes}; the last one {_ether(last.amount)} in round {last.round}, {last.cause}"


def _cells(line: AssetLine, now: int) -> tuple[str, ...]:
    left = "" if not line.deadline else spell(line.deadline - now) if line.deadline >= now else "over"
    since = spell(max(0, now - line.since)) if line.since else ""
    locked, earned = (_ether(wei) if wei else "" for wei in (line.locked, line.earned))
    return line.kind, line.name, line.state, line.awaits, since, left, locked, earned


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    if len(rows) == 1:
        return
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _silence(one: Unanswered, standing: MemberStatus) -> str:
    who = "this member" if one.who == standing.member else one.who
    since, left = spell(max(0, standing.now - one.since)), one.deadline - standing.now
    until = f"{spell(left)} left" if left >= 0 else f"late by {spell(-left)}"
    return f"no answer: {who} is to {one.what}, {one.name}, since {since}, {until}"


def _ether(wei: int) -> str:
    text = f"{wei // ETHER}.{wei % ETHER:018d}".rstrip("0")
    return text.rstrip(".")
