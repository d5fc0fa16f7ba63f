"""A process that speaks as the model's does, and does what the user's text says; run by test_generation_worker.

Its argument says how it starts: `ready`, `fails`, or `dies`.
"""

import json
import os
import sys
import time
from typing import Any


def send(**message: Any) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def answer(message: dict[str, Any]) -> None:
    match message["user"]:
        case "crash":
            sys.stdout.write('{"id": 1, "ans')
            sys.stdout.flush()
            os._exit(3)
        case "refuse":
            send(id=message["id"], error="too long")
        case "hang":
            return
        case "freeze":
            time.sleep(60)
        case "half and crash":
            send(pieces=[[message["id"], "half"]])
            os._exit(3)
        case "for ever":
            send(pieces=[[message["id"], "one "], [-1, "of somebody else's"]])
        case text:
            if message.get("stream"):
                for at in range(len(text)):
                    send(pieces=[[message["id"], text[at]]])
            answer = {"text": text, "prompt_tokens": os.getpid(), "completion_tokens": 1, "finish_reason": "stop"}
            send(id=message["id"], answer=answer)
            # An answer nobody waits for, as when the caller left while it was on its way.
            send(id=-1, answer=answer)


def main() -> None:
    start = sys.argv[1]
    if start == "dies":
        os._exit(9)
    if start == "fails":
        send(failed="RuntimeError: no such model")
        sys.exit(1)
    send(ready=True)
    cancelled = []
    for line in sys.stdin:
        message = json.loads(line)
        if message.get("cancel"):
            cancelled.append(message["id"])
        elif message["user"] == "cancelled?":
            message["user"] = json.dumps(cancelled)
            answer(message)
        else:
            answer(message)


main()
