"""Ends TLS in front of a node that speaks plain HTTP on its own host, as a consortium's web server would.

python -m assurance.organisations.tls_front 0.0.0.0 8443 127.0.0.1 8551 server.pem server.key
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from contextlib import suppress
from functools import partial

_PIECE = 65_536


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Passes bytes on until there are no more."""
    with suppress(OSError, ssl.SSLError):
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
    with suppress(OSError, ssl.SSLError):
        writer.close()


async def _serve(host: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        to_node = await asyncio.open_connection(host, port)
    except OSError:
        writer.close()
        return
    await asyncio.gather(_pass(reader, to_node[1]), _pass(to_node[0], writer))


async def _run(address: str, port: int, host: str, behind: int, certificate: str, key: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = await asyncio.start_server(partial(_serve, host, behind), address, port, ssl=context)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    _address, _port, _host, _behind, _certificate, _key = sys.argv[1:]
    asyncio.run(_run(_address, int(_port), _host, int(_behind), _certificate, _key))
