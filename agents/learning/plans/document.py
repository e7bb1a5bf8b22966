"""What all parts of plans and descriptions are made of."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Document(BaseModel):
    """A part of a plan: no other fields, no other types, no changes."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
