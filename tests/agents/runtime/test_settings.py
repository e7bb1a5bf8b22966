"""Settings are checked once, at the start, and what is wrong with one is one line that names it.

Rules: A17, A99.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from eth_utils.address import to_checksum_address

from agents.core.amounts import ETHER
from agents.core.errors import BadInput
from agents.core.ids import Address
from agents.learning.privacy.policy import PrivacyPolicy, read_policy
from agents.portfolio.checking import checked
from agents.portfolio.entries import DatasetEntry, ModelEntry
from agents.portfolio.terms import Terms
from agents.roles.portfolio import DatasetRef
from agents.runtime.settings import (
    AgentSettings,
    CloudOwnerSettings,
    DataOwnerSettings,
    StatusSettings,
    WalletSettings,
)

COMMON: dict[str, Any] = {"home": "home", "deployment": "deployment.json", "store": "store"}
OWNERS = tuple(Address(to_checksum_address(f"0x{number:040x}")) for number in range(1, 65))
DATA: dict[str, Any] = {"table": "wine", "cloud_owners": OWNERS[:3]}
MODEL: dict[str, Any] = {"samples": "exposed.samples"}

LEAST_ZERO = "Input should be greater than or equal to 0"
LEAST_ONE = "Input should be greater than or equal to 1"


def at_most(limit: int) -> str:
    """How a number over its limit is refused."""
    return f"Input should be less than or equal to {limit}"


def refused(kind: type[Any], /, **values: object) -> str:
    """The one line with which settings are refused."""
    with pytest.raises(BadInput) as problem:
        checked(kind, **values)
    line = str(problem.value)
    assert line.isprintable()
    return line


# --- terms ---

AMOUNTS = ("round_price", "job_price", "instance_bond", "miss_penalty", "couple_bond")
WINDOWS = ("answer", "draw", "report", "settle")


@pytest.mark.parametrize("amount", AMOUNTS)
def test_amounts_fit_into_the_contracts_96_bits(amount: str) -> None:
    most: dict[str, object] = {amount: 2**96 - 1, "instance_bond": 2**96 - 1}
    assert getattr(checked(Terms, **most), amount) == 2**96 - 1
    assert refused(Terms, **most | {amount: 2**96}) == f"{amount}: {at_most(2**96 - 1)}"
    assert refused(Terms, **{amount: -1}) == f"{amount}: {LEAST_ZERO}"


@pytest.mark.parametrize(
    ("window", "most"),
    [
        *((f"{name}_window_seconds", 2**24 - 1) for name in WINDOWS),
        ("couple_window_seconds", 2**32 - 1),
        ("offer_seconds", 2**39),
    ],
)
def test_no_window_is_empty_or_over_the_contracts_bits(window: str, most: int) -> None:
    assert getattr(checked(Terms, **{window: most}), window) == most
    assert refused(Terms, **{window: most + 1}) == f"{window}: {at_most(most)}"
    assert refused(Terms, **{window: 0}) == f"{window}: {LEAST_ONE}"


@pytest.mark.parametrize("smaller", ["job_price", "miss_penalty"])
def test_a_bond_covers_what_an_instance_can_lose(smaller: str) -> None:
    prices: dict[str, object] = {"job_price": 5, "miss_penalty": 5, "instance_bond": 5}
    assert checked(Terms, **prices).instance_bond == 5
    line = refused(Terms, **prices | {smaller: 6})
    assert line == "instance_bond must cover job_price and miss_penalty"


def test_a_cheat_loses_ten_times_what_a_job_pays_and_four_misses_are_affordable() -> None:
    terms = Terms()
    assert terms.instance_bond == 10 * terms.job_price == 4 * terms.miss_penalty
    assert terms.couple_bond == 10 * terms.round_price


def test_terms_become_the_datasets() -> None:
    terms = Terms(round_price=7 * ETHER, offer_seconds=99).of(4, 2, 3)
    assert (terms.subsets, terms.subsets_per_round, terms.max_replicas) == (4, 2, 3)
    assert (terms.round_price, terms.job_price, terms.ends_at) == (7 * ETHER, ETHER // 1000, 99)
    assert terms.couple_window_seconds == 30 * 24 * 3600


def test_terms_are_whole_numbers_by_their_own_names() -> None:
    assert refused(Terms, job_price=0.5).startswith("job_price: Input should be a valid integer")
    assert refused(Terms, job_price="dear").startswith("job_price: 'dear' is no amount: write wei, or")
    assert refused(Terms, price=1) == "price: Extra inputs are not permitted"
    assert refused(Terms, kind=1) == "kind: Extra inputs are not permitted"


# --- secrecy ---


def test_a_data_owner_allows_sums_over_the_dataset_unless_it_says_otherwise() -> None:
    assert checked(DatasetEntry, **DATA).secrecy == "dataset"
    assert checked(DatasetEntry, **DATA, secrecy="none").secrecy == "none"
    assert refused(DatasetEntry, **DATA, secrecy="some") == (
        "secrecy: Input should be 'private', 'dataset', 'round' or 'none'"
    )


# --- noise ---


def test_a_file_of_ranges_asks_for_noise(tmp_path: Path) -> None:
    file = tmp_path / "ranges.json"
    file.write_text('{"columns": {"age": [0, 120]}, "epsilon": 2}')
    assert checked(DatasetEntry, **DATA).privacy is None
    path = checked(DatasetEntry, **DATA, secrecy="private", privacy=str(file)).privacy
    assert path == file
    assert read_policy(path) == PrivacyPolicy(columns={"age": (0.0, 120.0)}, epsilon=2)


def test_ranges_belong_to_level_private_and_to_no_other(tmp_path: Path) -> None:
    file = tmp_path / "ranges.json"
    file.write_text('{"columns": {"age": [0, 120]}}')
    assert refused(DatasetEntry, **DATA, secrecy="private") == (
        "secrecy is private: name a JSON file of the columns' public ranges with --privacy"
    )
    for level in ("dataset", "round", "none"):
        found = refused(DatasetEntry, **DATA, secrecy=level, privacy=str(file))
        assert found == f"privacy is for level private: secrecy is {level}, which has no noise"


def test_a_lifetime_is_of_a_few(tmp_path: Path) -> None:
    assert checked(DataOwnerSettings, **COMMON).lifetime_epsilon == 4
    assert "less than or equal to 16" in refused(DataOwnerSettings, **COMMON, lifetime_epsilon=17)
    assert checked(StatusSettings, home=tmp_path).ledger is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"columns": {"age": [9, 3]}}', "columns.age: a range goes up: 9.0 to 3.0 does not"),
        ('{"columns": {}, "epsilon": 3}', "epsilon: Input should be 1, 2 or 4"),
        ("ranges", "Invalid JSON: expected value at line 1 column 1"),
        (None, "No such file or directory"),
    ],
)
def test_what_is_no_file_of_ranges_is_one_line(tmp_path: Path, text: str | None, message: str) -> None:
    file = tmp_path / "ranges.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(BadInput) as problem:
        read_policy(file)
    found = str(problem.value)
    assert found.startswith(f"privacy {file}: ")
    assert message in found
    assert "\n" not in found


# --- every agent's ---


def test_an_agents_wallet_is_in_its_home() -> None:
    settings = checked(CloudOwnerSettings, **COMMON)
    assert (settings.home, settings.wallet) == (Path("home"), Path("home/wallet.json"))
    assert (settings.rpc, settings.opening_deposit) == (("http://127.0.0.1:8545",), 0)


def test_an_agent_needs_a_home() -> None:
    rest = {name: value for name, value in COMMON.items() if name != "home"}
    assert refused(AgentSettings, **rest) == "home: Field required"


def test_market_and_store_are_where_a_local_run_leaves_them_unless_an_agent_is_told() -> None:
    settings = checked(AgentSettings, home="home")
    assert settings.deployment == Path("build/deployment/ganache-cli.json")
    assert settings.store == "build/store"


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"opening_deposit": -1}, f"opening_deposit: {LEAST_ZERO}"),
        ({"poll_seconds": 0}, "poll_seconds: Input should be greater than 0"),
        ({"poll_seconds": 601}, f"poll_seconds: {at_most(600)}"),
        ({"poll_seconds": float("nan")}, "poll_seconds: Input should be greater than 0"),
        ({"timeout_seconds": 0}, "timeout_seconds: Input should be greater than 0"),
        ({"timeout_seconds": 601}, f"timeout_seconds: {at_most(600)}"),
        ({"workers": 0}, f"workers: {LEAST_ONE}"),
        ({"workers": 65}, f"workers: {at_most(64)}"),
        ({"job_seconds": 0}, f"job_seconds: {LEAST_ONE}"),
        ({"job_memory_mb": 255}, "job_memory_mb: Input should be greater than or equal to 1024"),
        ({"roc": "http://localhost"}, "roc: Extra inputs are not permitted"),
    ],
)
def test_an_agent_refuses_settings_out_of_range(values: dict[str, object], line: str) -> None:
    assert refused(AgentSettings, **COMMON | values) == line


def test_a_password_is_not_shown() -> None:
    settings = checked(AgentSettings, **COMMON, password="open sesame")
    assert "sesame" not in repr(settings)
    assert settings.password.get_secret_value() == "open sesame"


def test_a_password_comes_from_its_file_if_one_is_named(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(" of the file \n")
    settings = checked(WalletSettings, home="home", password="open sesame")
    assert settings.read_password() == "open sesame"
    assert settings.model_copy(update={"password_file": file}).read_password() == " of the file "


def test_settings_do_not_change() -> None:
    settings = checked(AgentSettings, **COMMON)
    with pytest.raises(ValueError, match="frozen"):
        settings.rpc = ("http://elsewhere",)


# --- a data owner's ---


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"subsets": 0}, f"subsets: {LEAST_ONE}"),
        ({"subsets": 257}, f"subsets: {at_most(256)}"),
        ({"replicas": 0}, f"replicas: {LEAST_ONE}"),
        ({"replicas": 17}, f"replicas: {at_most(16)}"),
        ({"subsets_per_round": 0}, f"subsets_per_round: {LEAST_ONE}"),
        ({"subsets_per_round": 5}, "subsets_per_round is over the 4 subsets"),
        ({"seed": -1}, f"seed: {LEAST_ZERO}"),
        ({"spare_places": -1}, f"spare_places: {LEAST_ZERO}"),
        ({"spare_places": 14}, "replicas and spare_places are over the 16 places of a subset"),
        ({"cloud_owners": OWNERS[:2]}, "3 replicas need as many different cloud owners"),
        ({"cloud_owners": OWNERS[:2] * 2}, "3 replicas need as many different cloud owners"),
        ({"terms": {"job_price": -1}}, f"terms job_price: {LEAST_ZERO}"),
    ],
)
def test_a_dataset_that_does_not_fit_is_refused(values: dict[str, object], line: str) -> None:
    assert refused(DatasetEntry, **DATA | values) == line


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"max_couples_each": -1}, f"max_couples_each: {LEAST_ZERO}"),
        ({"max_rounds": 0}, f"max_rounds: {LEAST_ONE}"),
        ({"members": ["anybody"]}, "members: 'anybody' is no address: give 0x and 40 hexadecimal digits"),
    ],
)
def test_a_data_owner_refuses_what_does_not_fit(values: dict[str, object], line: str) -> None:
    assert refused(DataOwnerSettings, **COMMON | values) == line


def test_spare_places_are_places() -> None:
    terms = checked(DatasetEntry, **DATA | {"spare_places": 2}).dataset_terms
    assert terms.max_replicas == 5


@pytest.mark.parametrize(("subsets", "half"), [(1, 1), (2, 1), (3, 2), (4, 2), (255, 128)])
def test_a_round_draws_half_of_the_subsets_by_default(subsets: int, half: int) -> None:
    settings = checked(DatasetEntry, **DATA | {"subsets": subsets})
    assert settings.dataset_terms == Terms().of(subsets, half, 3)


def test_a_round_draws_as_many_subsets_as_it_is_told() -> None:
    settings = checked(DatasetEntry, **DATA | {"subsets_per_round": 4, "terms": {"round_price": 1}})
    assert settings.dataset_terms == Terms(round_price=1).of(4, 4, 3)


@pytest.mark.parametrize("owners", [3, 4, 5, 11, 12, 13, 64])
@pytest.mark.parametrize("subsets", [1, 4, 7])
def test_replicas_are_dealt_evenly_and_to_different_cloud_owners(owners: int, subsets: int) -> None:
    named = OWNERS[:owners]
    dealt = checked(DatasetEntry, **DATA | {"cloud_owners": named, "subsets": subsets}).dealt
    assert [len(set(of_subset)) for of_subset in dealt] == [3] * subsets
    held = Counter(owner for of_subset in dealt for owner in of_subset)
    assert set(held) <= set(named)
    counts = [held[owner] for owner in named]
    assert max(counts) - min(counts) <= 1


@pytest.mark.parametrize("text", ["", "bob", "0x12", "0x" + "g" * 40])
def test_a_cloud_owner_is_an_address(text: str) -> None:
    assert refused(DatasetEntry, **DATA | {"cloud_owners": (*OWNERS[:3], text)}) == (
        f"cloud_owners: {text!r} is no address: give 0x and 40 hexadecimal digits"
    )


def test_an_address_is_checksummed() -> None:
    lower = tuple(owner.lower() for owner in OWNERS[:3])
    assert checked(DatasetEntry, **DATA | {"cloud_owners": lower}).cloud_owners == OWNERS[:3]


def test_a_cloud_owner_that_is_named_twice_is_dealt_once() -> None:
    first, second, third = OWNERS[:3]
    settings = checked(DatasetEntry, **DATA | {"cloud_owners": (first, first, second, third)})
    assert settings.dealt == ((first, second, third),) * 4


# --- a model owner's ---


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"rounds": 0}, f"rounds: {LEAST_ONE}"),
        ({"rounds": 2**16 - 1}, f"rounds: {at_most(2**16 - 2)}"),
        ({"seed": -1}, f"seed: {LEAST_ZERO}"),
        ({"seed": 2**63}, f"seed: Input should be less than {2**63}"),
        ({"quorum": -1}, f"quorum: {LEAST_ZERO}"),
        ({"quorum": 17}, f"quorum: {at_most(16)}"),
        ({"spare_rounds": -1}, f"spare_rounds: {LEAST_ZERO}"),
        ({"spare_rounds": 1001}, f"spare_rounds: {at_most(1000)}"),
    ],
)
def test_a_model_owner_refuses_settings_out_of_range(values: dict[str, object], line: str) -> None:
    assert refused(ModelEntry, **MODEL | values) == line


@pytest.mark.parametrize(
    "dataset",
    ["", "0x", "wine", "0x" + "f" * 65, " 1f", "abc123\n", "-1", "1f", "0x12:fair", "0xabcdef:Fair"],
)
def test_a_dataset_is_named_by_digits_or_by_its_owner(dataset: str) -> None:
    assert refused(ModelEntry, **MODEL, dataset=dataset).startswith("dataset: String should match pattern")
    assert checked(ModelEntry, **MODEL, dataset="0x1FABCD").ref == DatasetRef("1fabcd")
    assert checked(ModelEntry, **MODEL, dataset="0xABCDEF:fair").ref == DatasetRef("", "abcdef", "fair")
    assert checked(ModelEntry, **MODEL).ref is None


def test_samples_are_needed() -> None:
    assert refused(ModelEntry) == "samples: Field required"
