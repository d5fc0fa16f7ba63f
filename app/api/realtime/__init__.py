"""The real-time channels: a plain WebSocket and Socket.IO, over the same service."""
