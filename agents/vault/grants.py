"""What each member of a market needs leave for in a bucket, as a policy of the bucket.

All read all, and each writes and deletes under its own address alone. Listing is for one thing: without it
Amazon's servers answer to a missing object as they do to a forbidden one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from agents.core.errors import BadInput
from agents.core.ids import Address
from agents.core.jsonable import Json

_OWN: Final[list[Json]] = ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]


def bucket_policy(url: str, members: Mapping[Address, str]) -> Json:
    """The policy.

    Args:
        url: of the store, ``s3://BUCKET/PREFIX``.
        members: the ARN of each member's user on the server.

    Raises:
        BadInput: the store is in no bucket, or nobody is a member.
    """
    parts = urlsplit(url)
    if parts.scheme != "s3":
        raise BadInput(f"store {url!r} is in no bucket: name it with --store s3://BUCKET/PREFIX")
    if not members:
        raise BadInput("nobody is named: give each member's address and user with --member ADDRESS=ARN")
    bucket = f"arn:aws:s3:::{parts.netloc}"
    base = "/".join([bucket, *filter(None, parts.path.split("/"))])
    everybody: list[Json] = list(dict.fromkeys(members.values()))
    return {
        "Version": "2012-10-17",
        "Statement": [
            _allow("HoldfastRead", everybody, ["s3:GetObject"], f"{base}/*"),
            _allow("HoldfastMissing", everybody, ["s3:ListBucket"], bucket),
            *(
                _allow(f"HoldfastOwn{digits}", [user], _OWN, f"{base}/{digits}/*")
                for address, user in members.items()
                if (digits := address.lower().removeprefix("0x"))
            ),
        ],
    }


def _allow(name: str, users: list[Json], actions: list[Json], resource: str) -> Json:
    return {
        "Sid": name,
        "Effect": "Allow",
        "Principal": {"AWS": users},
        "Action": actions,
        "Resource": [resource],
    }
