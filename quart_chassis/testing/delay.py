"""A cable on which frames take their time: two TAP devices, whose names it is given.

`python -m quart_chassis.testing.delay NAME NAME MILLISECONDS` makes and serves them
until it is ended. Linux' own way, netem, is not in every kernel.
"""

import asyncio
import fcntl
import os
import struct
import sys
from contextlib import suppress

# linux/if_tun.h: make a device, of whole frames, without a header before each.
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
LONGEST_FRAME = 65536
READY = "ready"


def opened(name: str) -> int:
    """A new TAP device's file."""
    file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(
        file, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI)
    )
    return file


async def serve(first: str, second: str, seconds: float) -> None:
    loop = asyncio.get_running_loop()

    def send(file: int, frame: bytes) -> None:
        # A device that is down, or whose queue is full, loses frames.
        with suppress(OSError):
            os.write(file, frame)

    def pass_on(source: int, target: int) -> None:
        with suppress(OSError):
            loop.call_later(seconds, send, target, os.read(source, LONGEST_FRAME))

    one, other = opened(first), opened(second)
    loop.add_reader(one, pass_on, one, other)
    loop.add_reader(other, pass_on, other, one)
    print(READY, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2], float(sys.argv[3]) / 1000))
