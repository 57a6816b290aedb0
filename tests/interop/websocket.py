"""A program at papo's WebSocket, by the PyPI package `websockets`, which knows nothing of papo.

usage: websocket.py URL. Sends each line of its input as one message, and prints each message as one line.

All on one thread: a TLS connection of Python's `ssl` breaks, now and then, when one thread reads and another writes.
"""

import asyncio
import ssl
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed


async def show(socket):
    try:
        # what is iterated over ends in silence at a close in good order
        async for message in socket:
            print(message, flush=True)
    except ConnectionClosed as end:
        print(f"not closed in good order: {end}", file=sys.stderr)


async def input_lines():
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async for line in reader:
        yield line.decode().rstrip("\n")


async def main(url):
    # the certificate is the server's own
    context = None
    if url.startswith("wss:"):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    async with connect(url, subprotocols=["papo.v1.json"], ssl=context, proxy=None) as socket:
        assert socket.subprotocol == "papo.v1.json", socket.subprotocol
        reader = asyncio.create_task(show(socket))
        async for line in input_lines():
            await socket.send(line)
        await reader


asyncio.run(main(sys.argv[1]))
