"""A relay on loopback: a program connects to it, and it carries and records what passes."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from typing import Final

from analyzer.live.link import CHUNK, abort, unsent
from analyzer.live.recorder import Recording
from analyzer.tcp.timeline import Side

_TICK: Final = 0.05


class Relay(threading.Thread):
    """Carries one connection from a local program to a server that is already connected."""

    def __init__(self, server: socket.socket, recording: Recording, patience: float) -> None:
        """Take over the server's connection; ``patience`` bounds all in seconds."""
        super().__init__(daemon=True, name="relay")
        self.recording = recording
        self._server = server
        self._deadline = time.monotonic() + patience
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._stopped = threading.Event()
        self.moved = time.monotonic()  # when something passed last

    @property
    def port(self) -> int:
        """Where the program connects to."""
        return int(self._listener.getsockname()[1])

    def quiet(self) -> float:
        """Seconds since something passed."""
        return time.monotonic() - self.moved

    def stop(self) -> None:
        """Carry nothing any more, and wait for the end."""
        self._stopped.set()
        self.join(2)

    def run(self) -> None:
        """Wait for the program, then carry until both sides have closed."""
        client = self._accept()
        if client is not None:
            with contextlib.suppress(OSError):
                self._carry(client)
            client.close()
        self._server.close()

    def _accept(self) -> socket.socket | None:
        with self._listener as listener:
            listener.settimeout(_TICK)
            while not self._over():
                try:
                    client, _ = listener.accept()
                except TimeoutError:
                    continue
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return client
        return None

    def _over(self) -> bool:
        return self._stopped.is_set() or time.monotonic() > self._deadline

    def _carry(self, client: socket.socket) -> None:
        ends = {Side.CLIENT: client, Side.SERVER: self._server}
        open_ = set(ends)
        with selectors.DefaultSelector() as selector:
            for who, end in ends.items():
                end.settimeout(5)
                selector.register(end, selectors.EVENT_READ, who)
            while open_ and not self._over():
                for key, _ in selector.select(_TICK):
                    side = Side(key.data)
                    if not self._pass_on(side, ends[side], ends[side.peer]):
                        selector.unregister(ends[side])
                        open_.discard(side)
                    if (side, "rst") in self.recording.ended:
                        return

    def _pass_on(self, side: Side, giver: socket.socket, taker: socket.socket) -> bool:
        """Carry what a side has to say; False when that was the last of it."""
        self.moved = time.monotonic()
        try:
            data = giver.recv(CHUNK)
        except ConnectionError:
            self.recording.reset(side)
            abort(taker)
            return False
        if not data:
            if side is Side.CLIENT and not self.recording.sealed:
                self.recording.unacknowledged = unsent(self._server) > 0
            self.recording.closed(side)
            with contextlib.suppress(OSError):
                taker.shutdown(socket.SHUT_WR)
            return False
        self.recording.sent(side, data)
        try:
            taker.sendall(data)
        except ConnectionError:  # its reset comes to light when it is read
            return True
        return True
