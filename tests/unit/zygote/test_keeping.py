"""A zygote whose sandbox was not set up yet when it was killed."""

import asyncio
import os
import sys

from brignb.zygote.keeping import Zygote

LEAVES_ITS_GROUP = """
import json, os, socket, sys
if os.fork():
    import signal
    signal.pause()
os.setsid()
sock = socket.socket(fileno=int(sys.argv[1]))
sock.send(json.dumps({"ready": {"overlay": False, "refused": {}}, "rss": 1}).encode())
while sock.recv(100):
    pass
"""


async def test_what_left_its_group_ends_too() -> None:
    """It holds the pipe that is read until its end: without a word to it, who closes the zygotes would wait for ever."""
    zygote = Zygote(ended=lambda _zygote: None)
    await zygote.start([sys.executable, "-c", LEAVES_ITS_GROUP, "{fd}"], dict(os.environ), spares=0)
    zygote.kill()
    await asyncio.wait_for(zygote.gone(), 30)
