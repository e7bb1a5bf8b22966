"""The tables of a run: the same for the screen, the page and the documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.nodes.chains import title
from benchmarks.report.claims import claims
from benchmarks.report.found import Found, measured
from benchmarks.report.layout import ReportTable, span
from benchmarks.report.peers import peers


def tables(found: Found) -> list[ReportTable]:
    """All tables that can be made of what was found; the ratios come last."""
    made = (
        machine(found),
        models(found),
        sizes(found),
        rates(found),
        knees(found),
        *kinds(found),
        *peers(found),
        ratios(found),
    )
    return [table for table in made if table.rows]


def machine(found: Found) -> ReportTable:
    """What all absolute figures are of."""
    facts = found["machine"]
    rows = [
        ("processor", f"{facts['processor']}, {facts['cores']} cores"),
        ("memory", f"{facts['memory_gib']} GiB"),
        ("kernel", facts["kernel"]),
        ("load before the run", " ".join(f"{load:.2f}" for load in facts["load_before"])),
        ("Python, Node.js, Go", f"{facts['python']}, {facts['node'] or 'none'}, {_go(facts['go'])}"),
        ("profile", f"{found['profile']}, {found['seconds']:,.0f} s"),
    ]
    for part in ("models", "rates"):
        for name, one in measured(found, part).items():
            if (title(name), one["version"]) not in rows:
                rows.append((title(name), one["version"]))
    return ReportTable("machine", "The machine", ("", "of this run"), tuple(rows))


def models(found: Found) -> ReportTable:
    """Whole lives of models on each chain."""
    rows = []
    for name, one in measured(found, "models").items():
        best, usage = one["best"], one["best"]["usage"]
        rows.append(
            (
                title(name),
                span(best["models_per_second"], 1),
                f"{best['wave_size']}",
                span(best["delay_blocks"], 0),
                f"{best['delay_seconds']['median']:.1f}",
                f"{best['transactions_per_model']}",
                f"{best['gas_per_model']['median']:,.0f}",
                f"{best['megagas_a_second']:,.0f}",
                f"{usage['node_cores']:.2f} / {usage['client_cores']:.2f}",
                f"{usage['node_memory_mib']:,} / {usage['client_memory_mib']:,}",
            )
        )
    columns = (
        "chain",
        "models/s",
        "lives a block",
        "delay, blocks",
        "delay, s",
        "transactions a model",
        "gas a model",
        "Mgas/s",
        "cores: nodes / client",
        "MiB: nodes / client",
    )
    return ReportTable("models", "Models per second", columns, tuple(rows), wide=7)


def sizes(found: Found) -> ReportTable:
    """All wave sizes that were tried."""
    rows = [
        (
            title(name),
            f"{tried['wave_size']}",
            span(tried["models_per_second"], 1),
            span(tried["delay_blocks"], 0),
            f"{tried['block_seconds']:.2f}",
        )
        for name, one in measured(found, "models").items()
        for tried in one["tried"]
        if len(one["tried"]) > 1
    ]
    columns = ("chain", "lives a block", "models/s", "delay, blocks", "s a block")
    return ReportTable(
        "sizes", "Models per second by how many lives begin with each block", columns, tuple(rows)
    )


def rates(found: Found) -> ReportTable:
    """All kinds of transactions together, by send rate."""
    rows = []
    for name, one in measured(found, "rates").items():
        for rate, at in one["rates"].items():
            latency, usage = at["latency"], at["usage"]
            rows.append(
                (
                    title(name),
                    f"{int(rate):,}",
                    f"{at['sent']:,}",
                    f"{at['sent'] - at['succeeded']:,}",
                    f"{at['throughput']:,.0f}",
                    *(f"{latency[share]:.2f}" for share in ("p50", "p95", "p99")),
                    f"{usage['node_cores']:.2f} / {usage['client_cores']:.2f}",
                    f"{usage['node_memory_mib']:,}",
                )
            )
    columns = (
        "chain",
        "sent/s",
        "sent",
        "failed",
        "throughput/s",
        "p50, s",
        "p95, s",
        "p99, s",
        "cores: nodes / client",
        "MiB: nodes",
    )
    return ReportTable(
        "rates", "Throughput and latency by send rate, mean of fifteen kinds", columns, tuple(rows)
    )


def knees(found: Found) -> ReportTable:
    """The highest send rates that chains keep up with."""
    rows = [
        (title(name), _knee(one["knee"]), f"{len(one['knee']['tried'])}")
        for name, one in measured(found, "rates").items()
        if "knee" in one
    ]
    heading = "The highest send rate, of those tried, that a chain keeps up with (createMod)"
    return ReportTable("knees", heading, ("chain", "transactions/s", "rates tried"), tuple(rows))


def kinds(found: Found) -> Iterator[ReportTable]:
    """Each kind of transaction on each chain, by send rate."""
    for name, one in measured(found, "rates").items():
        at = one["rates"]
        if not at:
            continue
        names = list(next(iter(at.values()))["kinds"])
        rows = tuple(
            (
                kind,
                f"{next(iter(at.values()))['kinds'][kind].get('gas', 0):,}",
                *(f"{at[rate]['kinds'][kind]['throughput']:,.0f}" for rate in at),
                *(_p95(at[rate]["kinds"][kind]) for rate in at),
            )
            for kind in names
        )
        columns = (
            "transaction",
            "gas",
            *(f"throughput at {int(rate):,}/s" for rate in at),
            *(f"p95 at {int(rate):,}/s" for rate in at),
        )
        yield ReportTable(f"kinds-{name}", f"Each kind of transaction on {title(name)}", columns, rows)


def ratios(found: Found) -> ReportTable:
    """What is claimed."""
    rows = tuple(
        (
            claim.text,
            f"{claim.spread.median:.3g}",
            f"{claim.spread.least:.3g}",
            f"{claim.spread.greatest:.3g}",
        )
        for claim in claims(found)
    )
    return ReportTable(
        "ratios", "Ratios, each of one run", ("what over what", "ratio", "least", "most"), rows
    )


def _knee(knee: Mapping[str, Any]) -> str:
    highest = knee["transactions_a_second"]
    return f"{highest:,.0f} or more" if highest == knee["at_most"] else f"{highest:,.0f}"


def _p95(kind: Mapping[str, Any]) -> str:
    return f"{kind['latency']['p95']:.2f}" if "latency" in kind else ""


def _go(told: str | None) -> str:
    return told.removeprefix("go version go").partition(" ")[0] if told else "none"


def skipped(found: Found, names: Sequence[str]) -> list[str]:
    """Why parts, or chains of a part, were not measured: one line each."""
    lines = []
    for name in names:
        part = found.get(name, {})
        lines += [f"{name}: {part[why]}" for why in ("skipped", "failed") if why in part]
        for chain, one in part.items():
            if isinstance(one, dict):
                lines += [
                    f"{name} on {title(chain)}: {one[why]}" for why in ("skipped", "failed") if why in one
                ]
    return lines
