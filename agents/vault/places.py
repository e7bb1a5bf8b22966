"""Where objects are, by the URL that a member gives: a folder, or a bucket of an S3 server."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from agents.core.errors import BadInput
from agents.vault.bucket import Access, Bucket
from agents.vault.local_store import LocalStore
from agents.vault.remote_store import RemoteStore
from agents.vault.store import MAX_OBJECT_BYTES, ObjectStore

_OWN = "name a folder, file:FOLDER, or s3://BUCKET/PREFIX"
_READ = "name s3://BUCKET/PREFIX, or https://HOST/PATH"


@dataclass(frozen=True)
class StorePlace:
    """Where a member's objects are, and other members'.

    Attributes:
        url: a folder, ``file:FOLDER``, or ``s3://BUCKET/PREFIX``.
        access: how remote places are reached.
        read: bases of other members, as of `agents.vault.bucket.Bucket`.
        max_object_bytes: of the largest object.

    Raises:
        BadInput: a URL is of no kind that there is.
    """

    url: str
    access: Access = field(default_factory=Access)
    read: tuple[str, ...] = ()
    max_object_bytes: int = MAX_OBJECT_BYTES

    def __post_init__(self) -> None:
        if self.is_remote:
            _check(self.url, ("s3",), _OWN)
        elif urlsplit(self.url).scheme not in ("", "file") or not self.folder.name:
            raise BadInput(f"store {self.url!r} is no store: {_OWN}")
        elif self.read:
            raise BadInput("store_read is for a remote store: a folder is read by all who reach it")
        for base in self.read:
            _check(base, ("s3", "https"), _READ)

    @property
    def is_remote(self) -> bool:
        """Whether it is elsewhere than in a folder."""
        return "://" in self.url and not self.url.startswith("file:")

    @property
    def folder(self) -> Path:
        """Of a store that is in one."""
        scheme, host, path, *_ = urlsplit(self.url)
        return Path(unquote(path) if scheme == "file" and not host else self.url)

    def of_member(self, author: bytes, partial: Path) -> ObjectStore:
        """The store as one member has it. Nothing is connected before the first object is asked for.

        Args:
            author: the member's address, 20 bytes.
            partial: a folder for what is under way.
        """
        if not self.is_remote:
            return LocalStore(self.folder, self.max_object_bytes)
        others = tuple(Bucket(base, self.access) for base in self.read)
        return RemoteStore(author, Bucket(self.url, self.access), others, partial, self.max_object_bytes)


def _check(url: str, schemes: tuple[str, ...], remedy: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in schemes or not parts.netloc:
        raise BadInput(f"store {url!r} is no store: {remedy}")
    if "@" in parts.netloc:
        raise BadInput(
            f"store {url.replace(parts.netloc, '...')}: no secrets here: they are in AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, or in the file of AWS_PROFILE"
        )
