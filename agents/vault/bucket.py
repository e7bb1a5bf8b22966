"""One remote place of objects by their keys: a bucket of an S3 server, or a folder of a web server.

This is the only module that talks to a remote store, and the library opens its connections when the first
object is asked for. It must not be used in a process that is to be forked afterwards: its threads would not
be in the child. An agent's own process never does, its jobs' processes do.
"""

from __future__ import annotations

import os
from configparser import ConfigParser, Error
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import HTTPStore, S3Store

from agents.core.errors import BadInput
from agents.vault.bucket_faults import in_words
from agents.vault.store import Data

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config

PART_BYTES: Final = 8 * 2**20
"""What goes over the wire at once: an upload holds as much in memory, and a download."""

_LEAST_SECONDS: Final = 30
_RETRIES: Final = 3


@dataclass(frozen=True)
class Access:
    """How remote places are reached. Credentials are in none of these: they are where AWS's tools have them.

    Attributes:
        endpoint: of the S3 server, without it AWS's own.
        region: of the bucket.
        ca: PEM file of authorities that are trusted beside the system's.
        proxy: URL of a proxy; by default as HTTPS_PROXY says.
        min_rate: bytes a second; who is slower counts as not answering.
    """

    endpoint: str | None = None
    region: str = "us-east-1"
    ca: Path | None = None
    proxy: str | None = None
    min_rate: int = 2**16


@dataclass(frozen=True)
class Bucket:
    """Objects by their keys.

    Attributes:
        url: ``s3://BUCKET/PREFIX`` or ``https://HOST/PATH``. Of another S3 server than that of `access` it
            has ``?endpoint=URL``, and ``&region=NAME``.
    """

    url: str
    access: Access

    def size(self, key: str) -> int:
        """How many bytes an object has.

        Raises:
            StoreFault: it is not there, or the store does not say. So may all that follows.
        """
        try:
            return obstore.head(self._client, key)["size"]
        except (BaseError, FileNotFoundError) as error:
            raise in_words(error, self.url, key) from error

    def read(self, key: str, start: int) -> tuple[bytes, int]:
        """A part of an object from a byte on, and how many bytes the object has.

        Beyond its end there are no bytes, and it is taken for as long as that.
        """
        try:
            found = obstore.get(self._client, key, options={"range": (start, start + PART_BYTES)})
            return bytes(found.bytes()), found.meta["size"]
        except (BaseError, FileNotFoundError) as error:
            if _BEYOND in str(error):
                return b"", start
            raise in_words(error, self.url, key) from error

    def write(self, key: str, data: Data) -> None:
        """Writes an object, large ones in parts; the server compares the SHA-256 of each."""
        try:
            obstore.put(self._client, key, data, chunk_size=PART_BYTES, max_concurrency=2)
        except (BaseError, FileNotFoundError) as error:
            raise in_words(error, self.url, key) from error

    def delete(self, key: str) -> None:
        """Deletes an object; it need not be there."""
        try:
            obstore.delete(self._client, key)
        except FileNotFoundError:
            return
        except BaseError as error:
            raise in_words(error, self.url, key) from error

    @cached_property
    def _client(self) -> S3Store | HTTPStore:
        parts = urlsplit(self.url)
        options, retries = self._options(), _retries()
        try:
            if parts.scheme == "https":
                return HTTPStore.from_url(self.url, client_options=options, retry_config=retries)
            config = self._config(parse_qs(parts.query))
            prefix = parts.path.strip("/") or None
            return S3Store(
                parts.netloc, prefix=prefix, config=config, client_options=options, retry_config=retries
            )
        except (BaseError, ValueError) as error:
            raise BadInput(f"store {self.url}: {' '.join(str(error).split())}") from error

    def _config(self, query: dict[str, list[str]]) -> S3Config:
        given = {name: values[-1] for name, values in query.items()}
        config: S3Config = {
            "region": given.get("region", self.access.region),
            "checksum_algorithm": "SHA256",
            "disable_bulk_delete": True,  # an answer for each object, and no list of them to be let do
        }
        endpoint = given.get("endpoint", self.access.endpoint)
        if endpoint:
            config["endpoint"] = endpoint
        if "AWS_ACCESS_KEY_ID" not in os.environ:
            config.update(_profile())
        return config

    def _options(self) -> ClientConfig:
        seconds = _LEAST_SECONDS + PART_BYTES / self.access.min_rate
        options: ClientConfig = {
            "timeout": timedelta(seconds=seconds),
            "connect_timeout": timedelta(seconds=10),
        }
        if self.access.proxy:
            options["proxy_url"] = self.access.proxy
        if self.access.ca:
            try:
                options["root_certificate"] = self.access.ca.read_bytes()
            except OSError as problem:
                raise BadInput(
                    f"certificates {self.access.ca}: {problem.strerror}: name a PEM file (--store-ca)"
                ) from None
        return options


_BEYOND: Final = "416 Range Not Satisfiable"


def _retries() -> RetryConfig:
    return {"max_retries": _RETRIES, "retry_timeout": timedelta(seconds=_LEAST_SECONDS)}


def _profile() -> S3Config:
    """What the shared credentials file of AWS's tools says; nothing if there is none.

    Raises:
        BadInput: it cannot be read, or has not the profile that AWS_PROFILE names.
    """
    file = Path(os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or Path.home() / ".aws" / "credentials")
    name = os.environ.get("AWS_PROFILE", "")
    profiles = ConfigParser(interpolation=None)
    try:
        profiles.read_string(file.read_text())
    except FileNotFoundError:
        profiles.clear()
    except (OSError, ValueError, Error) as problem:
        raise BadInput(f"credentials {file}: {' '.join(str(problem).split())}") from None
    if not profiles.has_section(name or "default"):
        if name:
            raise BadInput(f"credentials {file}: there is no profile {name!r} (AWS_PROFILE)")
        return {}
    found = profiles[name or "default"]
    config: S3Config = {}
    if "aws_access_key_id" in found and "aws_secret_access_key" in found:
        config["access_key_id"] = found["aws_access_key_id"]
        config["secret_access_key"] = found["aws_secret_access_key"]
    if "aws_session_token" in found:
        config["session_token"] = found["aws_session_token"]
    return config
