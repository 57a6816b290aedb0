"""A program at papo's WebSocket, by the PyPI package `websockets`, which knows nothing of papo.

usage: websocket.py URL. Sends each line of its input as one message, and prints each message as one line.
"""

import ssl
import sys
import threading

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect


def show(socket):
    try:
        for message in socket:
            print(message, flush=True)
    except ConnectionClosed as end:
        print(f"not closed in good order: {end}", file=sys.stderr)


url = sys.argv[1]
# the certificate is the server's own
context = None
if url.startswith("wss:"):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
with connect(url, subprotocols=["papo.v1.json"], ssl=context, proxy=None) as socket:
    assert socket.subprotocol == "papo.v1.json", socket.subprotocol
    reader = threading.Thread(target=show, args=[socket])
    reader.start()
    for line in sys.stdin:
        socket.send(line.rstrip("\n"))
    reader.join()
