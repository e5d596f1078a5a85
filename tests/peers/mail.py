"""A mail server for tests: takes every message and prints each as one line of JSON.

    python mail.py PORT [REFUSED_ADDRESS...]

Prints {"ready": true} once it listens, then {"from", "to", "data"} for each message taken. Messages to a refused
address are answered with 550. Ends when standard input does.
"""

import asyncio
import json
import sys

from aiosmtpd.controller import UnthreadedController

REFUSED = set(sys.argv[2:])


def say(what):
    print(json.dumps(what), flush=True)


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in REFUSED:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        text = envelope.content.decode("utf-8", "replace")
        say({"from": envelope.mail_from, "to": envelope.rcpt_tos, "data": text})
        return "250 taken"


async def main():
    loop = asyncio.get_running_loop()
    controller = UnthreadedController(Handler(), hostname="127.0.0.1", port=int(sys.argv[1]), loop=loop)
    controller.server = await controller._create_server()
    say({"ready": True})
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
