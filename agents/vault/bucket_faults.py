"""Every fault of a remote store as one line: what is wrong, and what to do about it.

The library gives a long text for all that goes wrong with a request, with the server's answer or the cause of
a failed connection somewhere in it. What the texts have in common is looked for here.
"""

from __future__ import annotations

import re
from typing import Final

from agents.core.errors import ObjectMissing, StoreFault, StoreRefused, StoreUnavailable

_KEY: Final = "see AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"

_REFUSED: Final = {
    "NoSuchBucket": "there is no such bucket: make it, or name another (--store)",
    "InvalidAccessKeyId": f"it does not know the access key: {_KEY}",
    "SignatureDoesNotMatch": f"the secret key is not the access key's: {_KEY}",
    "ExpiredToken": f"the session's token has expired: {_KEY}",
    "InvalidToken": f"the session's token is not valid: {_KEY}",
    "RequestTimeTooSkewed": "this machine's clock is wrong: set it",
    "AccessDenied": "it does not give this member leave: `holdfast store grants` prints what is needed",
    "lacked the necessary privileges": "it refuses: see the access key, and `holdfast store grants`",
    "lacked valid authentication": f"it refuses: {_KEY}",
}
"""What the store says to who is not let in. The codes are Amazon's, which others have taken over."""

_UNAVAILABLE: Final = {
    "latest/api/token": f"there are no credentials: {_KEY}",
    "UnknownIssuer": "the authority of its certificate is not trusted: name its PEM file (--store-ca)",
    "CaUsedAsEndEntity": "its certificate is an authority's: let it have one of its own",
    "NotValidForName": "its certificate is for another name: see --store-endpoint",
    "InvalidCertificate": "its certificate is not valid: see its dates and names",
    "InvalidMessage": "it does not speak TLS: see --store-endpoint",
    "dns error": "its name cannot be found: see --store-endpoint, or the network",
    "ConnectionRefused": "nobody answers there: see --store-endpoint, or wait",
    "unsuccessful tunnel": "the proxy does not let it through: see --store-proxy",
    "TimedOut": "it does not answer in time",
    "did not return partial content": "it gives no parts of objects (HTTP ranges): it can be no store",
}
"""Why there is no answer, or none of use."""

_STATUS: Final = re.compile(r"non-2xx status code: (\d{3} [A-Za-z ]+)")


def in_words(error: Exception, place: str, key: str) -> StoreFault:
    """What went wrong with one object.

    Args:
        error: the library's.
        place: of the store, as its owner named it.
        key: of the object.
    """
    text = str(error)
    refused = next((why for sign, why in _REFUSED.items() if sign in text), "")
    if isinstance(error, FileNotFoundError) and not refused:
        return ObjectMissing(f"no object {key} in {place}")
    if refused:
        return StoreRefused(f"{key} in {place}: {refused}")
    why = next((why for sign, why in _UNAVAILABLE.items() if sign in text), None)
    status = _STATUS.search(text)
    return StoreUnavailable(
        f"{key} in {place}: {why or (status and 'it answers ' + status[1].strip()) or 'it does not answer'}"
    )
