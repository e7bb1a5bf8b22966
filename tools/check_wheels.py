"""Checks that every package has a wheel where the README promises one, so that installing compiles nothing.

    python tools/check_wheels.py          # fails if one lacks
    python tools/check_wheels.py --all    # every platform and version, for who wants to promise more

`uv` is asked to resolve pyproject.toml for each platform and version, within the lock, from wheels alone.
"""

from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = Path(sys.executable).with_name("uv")

LINUX, LINUX_ARM, MACOS_ARM = "x86_64-manylinux_2_28", "aarch64-manylinux_2_28", "aarch64-apple-darwin"
PLATFORMS = (LINUX, LINUX_ARM, MACOS_ARM)
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
SOURCES = ("pygments-lexer-solidity",)  # of pure Python, and published in no other way

LACKS = re.compile(r"Because (\S+) has no (?:usable )?wheels")


@dataclass(frozen=True)
class Promise:
    """Where something can be installed from wheels.

    Attributes:
        flags: for uv, which of pyproject.toml's extras belong to it.
    """

    what: str
    flags: tuple[str, ...]
    versions: tuple[str, ...]
    platforms: tuple[str, ...]


PROMISES = (
    Promise("agents", ("--extra", "report"), ("3.11", "3.12", "3.13", "3.14"), (LINUX, LINUX_ARM)),
    Promise("development", ("--all-extras",), ("3.11", "3.12"), (LINUX,)),
)


def lacking(flags: tuple[str, ...], version: str, platform: str) -> str | None:
    """The first package that has no wheel for a version of Python on a platform.

    Raises:
        RuntimeError: uv found no answer for another reason.
    """
    command: list[str | Path] = [
        UV,
        "pip",
        "compile",
        "--quiet",
        "--system-certs",  # what the machine trusts, as pip does
        "--constraint",
        "requirements.txt",
        *flags,
        "pyproject.toml",
    ]
    command += ["--only-binary", ":all:", *(word for name in SOURCES for word in ("--no-binary", name))]
    command += ["--python-version", version, "--python-platform", platform]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode == 0:
        return None
    lacks = LACKS.search(done.stderr)
    if lacks is None:
        raise RuntimeError(done.stderr)
    return lacks[1]


def findings(promises: tuple[Promise, ...]) -> list[str]:
    """A line for each promise that is not kept."""
    places = [(p, *place) for p in promises for place in product(p.versions, p.platforms)]
    with ThreadPoolExecutor() as hands:  # uv mostly waits for answers
        packages = hands.map(lambda place: lacking(place[0].flags, *place[1:]), places)
        return [
            f"{promise.what} on Python {version}, {platform}: {package} has no wheel"
            for (promise, version, platform), package in zip(places, packages, strict=True)
            if package is not None
        ]


def main(arguments: list[str]) -> int:
    """The exit code: whether a promise is not kept."""
    if arguments == ["--all"]:
        everywhere = tuple(Promise(p.what, p.flags, VERSIONS, PLATFORMS) for p in PROMISES)
        print("\n".join(findings(everywhere)))
        return 0
    found = findings(PROMISES)
    print("\n".join(found) or "every package has a wheel wherever the README promises one")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
