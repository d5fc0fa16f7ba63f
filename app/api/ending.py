"""The end of the service, as those hear of it who are being answered: at once to load balancers, in time to streams."""

import asyncio

GRACE_SECONDS = 6.0
"""How long streams may go on once the service is about to end: less than the server waits for its connections."""


class Ending:
    """Begins once. `begun` tells that nobody should be sent here any longer, `over` is set when streams must end."""

    def __init__(self, grace: float = GRACE_SECONDS) -> None:
        self._grace = grace
        self.begun = False
        self.over = asyncio.Event()

    def begin(self) -> None:
        """Begin the end; streams have their grace from now on."""
        if not self.begun:
            self.begun = True
            asyncio.get_running_loop().call_later(self._grace, self.over.set)
