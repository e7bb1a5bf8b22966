"""Where the market is: the artefact that deploying leaves and every agent reads."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from eth_utils.address import is_checksum_address
from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import to_json

from agents.core.errors import BadInput, StorageFailed
from agents.core.ids import Address
from agents.storage.files import write


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployed market.

    Attributes:
        market: address of the contract.
        block: number of the block in which it was deployed: its events begin there.
        abi: the contract's interface as the compiler writes it, events and errors included.
    """

    chain_id: int
    market: Address
    block: Annotated[int, Field(ge=1)]
    abi: list[dict[str, Any]]

    def to_bytes(self) -> bytes:
        """The artefact."""
        return to_json(asdict(self), indent=2) + b"\n"

    def save(self, path: Path) -> None:
        """Writes the artefact, whole or not at all; its folder is made if it is not there.

        Raises:
            BadInput: it cannot be written there.
        """
        try:
            write(path, self.to_bytes(), private=False)
        except StorageFailed as failure:
            raise BadInput(f"the deployment {path} cannot be written: {failure.reason}") from failure

    @classmethod
    def load(cls, path: Path) -> Deployment:
        """Reads the artefact.

        Raises:
            BadInput: the file is missing or is not one.
        """
        try:
            deployment = _FORMAT.validate_json(path.read_bytes(), strict=True)
        except OSError as error:
            raise BadInput(
                f"no deployment at {path} ({error.strerror}): deploy the market, or name its file"
            ) from error
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the file"
            raise BadInput(
                f"{path} is not a deployment ({where}: {first['msg']}): deploy the market anew"
            ) from error
        if not is_checksum_address(deployment.market):
            raise BadInput(
                f"{path} is not a deployment (market: no checksummed address): deploy the market anew"
            )
        return deployment


_FORMAT = TypeAdapter(Deployment)
