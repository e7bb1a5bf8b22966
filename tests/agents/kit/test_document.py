"""What a kit says, who signed it, and what is refused.

Rules: A121.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from agents.chain.messages import signer_of
from agents.core.errors import BadInput, WrongNetwork
from agents.kit.document import Card, Kit, parse_part, read_kit, signed_digest
from agents.kit.draft import make_card, read_draft
from agents.roles.policy import ANYONE
from testing.csv_lines import schema_of
from tests.agents.kit.conftest import CLOUD, CONVENER, DATA, MEMBERS, MODEL, Consortium


def test_a_kit_is_signed_over_its_canonical_form(consortium: Consortium) -> None:
    kit = read_kit(consortium.file(terms={"round_price": "0.02 ether", "draw_window_seconds": 60}))
    fields = json.loads(consortium.file().read_text())
    signature = bytes.fromhex(fields.pop("signature")[2:])
    digest = hashlib.sha256(rfc8785.dumps(fields)).digest()
    assert signer_of(digest, signature) == CONVENER.address == kit.convener.address
    assert kit.fingerprint.replace(" ", "") == digest.hex()[:20]
    assert [len(group) for group in kit.fingerprint.split()] == [4] * 5


def test_a_kit_says_what_is_on_the_chain(consortium: Consortium) -> None:
    kit = consortium.kit()
    assert (kit.chain.id, kit.chain.anchor.block) == (1337, 1)
    assert kit.chain.anchor.hash == consortium.node.blocks[1].hash
    assert kit.market.code_hash.startswith("0x")
    assert [member.name for member in kit.members] == list(MEMBERS)
    assert kit.store.url == "/srv/store"
    assert "NODE_TOKEN" in kit.chain.urls[0], "what is secret is not in it"
    consortium.node.chain_id = 5
    with pytest.raises(WrongNetwork, match="the node is of chain 5"):
        consortium.kit()


def test_a_kit_may_have_a_schema_and_an_authority(consortium: Consortium) -> None:
    (consortium.folder / "schema.json").write_text(schema_of("wine").text())
    (consortium.folder / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    kit = consortium.kit(schema="schema.json", ca="ca.pem")
    assert kit.schema_hash == "0x" + hashlib.sha256(schema_of("wine").text().encode()).hexdigest()
    assert kit.ca == "-----BEGIN CERTIFICATE-----\n"
    with pytest.raises(BadInput, match=r"none.pem: .*No such file.*: name a PEM file"):
        consortium.kit(ca="none.pem")


def test_a_draft_may_be_toml_with_cards_as_they_are_printed(consortium: Consortium) -> None:
    card = json.dumps(consortium.fields["members"][0])
    path = consortium.folder / "draft.toml"
    lines = ['name = "a"', 'deployment = "market.json"', 'nodes = ["http://node.test"]', "members = ['''"]
    store = 'store = { url = "s3://bucket/prefix", endpoint = "https://s3.test", region = "x" }'
    path.write_text("\n".join([*lines[:3], store, f"{lines[3]}{card}''']"]))
    draft = read_draft(path)
    assert draft.members[0].name == "st-mary/do"
    assert draft.deployment == consortium.folder / "market.json"
    assert draft.store.endpoint == "https://s3.test"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"name": "Fair"}, "draft .*: name: 'Fair' is no name of a member: give small letters"),
        ({"name": ANYONE}, "'anyone' is no name of a member"),
        ({"members": []}, "draft .*: members: "),
        ({"members": ["{}"]}, "draft .*: members.0.name: Field required"),
        ({"nodes": ["https://me:secret@node.test"]}, "nodes.0: a URL with a password: write "),
        ({"terms": {"round_price": 10**17}}, "a number that a kit cannot hold: write amounts as text"),
        ({"terms": {"price": 1}}, "terms: price: Extra inputs are not permitted"),
        ({"serial": 0}, "draft .*: serial: "),
        ({"secret": 1}, "draft .*: secret: Extra inputs"),
    ],
)
def test_refuses_a_draft_that_is_none(consortium: Consortium, changed: dict[str, Any], why: str) -> None:
    with pytest.raises(BadInput, match=why):
        consortium.kit(**changed)


def test_refuses_two_members_of_one_name_or_address(consortium: Consortium) -> None:
    again = make_card(CLOUD, "north/co2", "cloud-owner").model_dump(mode="json")
    named = make_card(CONVENER, "north/co1", "cloud-owner").model_dump(mode="json")
    members = consortium.fields["members"]
    with pytest.raises(BadInput, match=f"two members have the address {CLOUD.address}"):
        consortium.kit(members=[*members, again])
    with pytest.raises(BadInput, match="two members have the name north/co1"):
        consortium.kit(members=[*members, named])


def test_nobody_can_change_a_kit(consortium: Consortium) -> None:
    path = consortium.file()
    fields = json.loads(path.read_text())
    fields["chain"]["urls"] = ["http://evil.test"]
    path.write_text(json.dumps(fields))
    with pytest.raises(BadInput, match=f"it is not signed by its convener {CONVENER.address}"):
        read_kit(path)


def test_the_convener_cannot_change_a_member(consortium: Consortium) -> None:
    consortium.fields["members"][0]["encryption_key"] = "0x" + "ab" * 64
    with pytest.raises(BadInput, match=f"the card of st-mary/do is not signed by {DATA.address}: ask"):
        consortium.kit()


@pytest.mark.parametrize(
    "change", [{"signature": "0x" + "00" * 65}, {"name": "lab/other"}, {"role": "data-owner"}]
)
def test_a_card_is_its_members_word(change: dict[str, str]) -> None:
    card = make_card(MODEL, "lab/mo", "model-owner").model_dump(mode="json")
    assert parse_part(Card, card, "card").address == MODEL.address
    with pytest.raises(BadInput, match="card"):
        parse_part(Card, card | change, "card")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (None, "No such file"),
        (b"{", "name the file of a kit"),
        (b"[]", "kit"),
        (b" " * (2**22 + 1), "over 4 MiB"),
    ],
)
def test_refuses_a_file_that_is_no_kit(tmp_path: Path, data: bytes | None, why: str) -> None:
    path = tmp_path / "kit.json"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(BadInput, match=why):
        read_kit(path)


@pytest.mark.parametrize(
    ("text", "why"), [(None, "No such file"), ("name = ", "mend it, or name another draft")]
)
def test_refuses_a_file_that_is_no_draft(tmp_path: Path, text: str | None, why: str) -> None:
    path = tmp_path / "draft.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(BadInput, match=why):
        read_draft(path)


def test_a_member_is_found_by_its_name(consortium: Consortium) -> None:
    kit = consortium.kit()
    assert isinstance(kit, Kit)
    assert kit.member("lab/mo").address == MODEL.address
    with pytest.raises(BadInput, match="no member of kit fair-study is called 'lab/m': it has st-mary/do, "):
        kit.member("lab/m")
    assert signed_digest({"a": 1, "signature": "x"}) == signed_digest({"a": 1})
