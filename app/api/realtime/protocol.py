"""The server's WebSocket protocol, less trusting: wrong frames are answered, peers that do not read are dropped.

It is put into uvicorn (`ws=LiveProtocol`). With another server the channels work as well; a frame that is too large, or
no UTF-8, then ends its connection with a close code alone.
"""

import asyncio
from typing import Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode

SEND_SECONDS = 10.0
_LINGER_SECONDS = 5.0
_TOO_LARGE = 1009
_PROBLEM = '"title":"Too large","status":413,"detail":"A frame is larger than this service accepts.","code":"too_large"'
_TOLD = {
    "/ws/": f'{{"type":"error",{_PROBLEM}}}'.encode(),
    "/socket.io": f'42["error",{{"message":"A frame is larger than this service accepts.",{_PROBLEM}}}]'.encode(),
}


class LiveProtocol(WebSocketsSansIOProtocol):
    """One connection of uvicorn's."""

    async def send(self, message: Any) -> None:
        """Send, or cut a peer off that has not taken anything for 10 s."""
        if not self.writable.is_set():
            try:
                async with asyncio.timeout(SEND_SECONDS):
                    await self.writable.wait()
            except TimeoutError:
                self.transport.abort()
                raise ClientDisconnected from None
        await super().send(message)

    def send_receive_event_to_app(self) -> None:
        """Hand a message on; text that is no UTF-8 as bytes, so that it can be answered."""
        if self.curr_msg_data_type == "text":
            whole = b"".join(self.frames)
            try:
                whole.decode()
            except UnicodeDecodeError:
                self.curr_msg_data_type = "bytes"
        super().send_receive_event_to_app()

    def handle_parser_exception(self) -> None:
        """End a connection whose frames are wrong; one that was too large is told so before."""
        close = self.conn.close_sent
        if close is not None and close.code == _TOO_LARGE and self.handshake_complete:
            path = str(self.scope["path"])
            told = next((told for start, told in _TOLD.items() if path.startswith(start)), b"")
            if told:
                self.transport.write(Frame(Opcode.TEXT, told).serialize(mask=False))
        super().handle_parser_exception()

    def on_task_complete(self, task: "asyncio.Task[None]") -> None:
        """Cut a peer off that does not take the last of what was sent."""
        super().on_task_complete(task)
        self.loop.call_later(_LINGER_SECONDS, self._cut_off)

    def _cut_off(self) -> None:
        if not self.disconnected:
            self.transport.abort()
