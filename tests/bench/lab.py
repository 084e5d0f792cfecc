"""Two network namespaces with a wire between them, and tcpdump on the server's end."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from tests.bench.wire import Wire, tap

CLIENT_IP, SERVER_IP, PORT = "192.0.2.10", "192.0.2.20", 443
MTU = 1500


def missing() -> str:
    """What this machine lacks to record, or nothing."""
    if os.geteuid() != 0:
        return "recording needs root"
    lacking = [name for name in ("ip", "tcpdump") if shutil.which(name) is None]
    return f"not installed: {', '.join(lacking)}" if lacking else ""


def run(*words: str) -> None:
    """Run a command of ip or tc that must succeed."""
    subprocess.run(words, check=True, capture_output=True)


class Lab:
    """The two hosts; leave the context to remove them."""

    def __init__(self, *, carried: bool = False) -> None:
        kind = "t" if carried else "v"
        self.client, self.server = (f"bench-{kind}{side}-{os.getpid()}" for side in "cs")
        self.carried = carried
        self.wire: Wire | None = None

    def __enter__(self) -> Self:
        for name in (self.client, self.server):
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        if self.carried:
            self._carry()
        else:
            run(
                *("ip", "-n", self.client, "link", "add", "wire", "type", "veth"),
                *("peer", "name", "wire", "netns", self.server),
            )
        for name, address in ((self.client, CLIENT_IP), (self.server, SERVER_IP)):
            run("ip", "-n", name, "addr", "add", f"{address}/24", "dev", "wire")
            # Segments must leave as Ethernet would carry them, not as one of 64 kB.
            run("ip", "-n", name, "link", "set", "wire", "gso_max_segs", "1", "up")
        return self

    def _carry(self) -> None:
        ends = []
        for name in (self.client, self.server):
            device = name.replace("bench-", "")
            ends.append(tap(device))
            run("ip", "link", "set", device, "netns", name, "name", "wire")
        self.wire = Wire((ends[0], ends[1]))
        self.wire.start()

    def __exit__(self, *_: object) -> None:
        if self.wire:
            self.wire.stop()
        for name in (self.client, self.server):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)

    def inside(self, name: str, words: list[str]) -> list[str]:
        """A command to be run on one of the hosts."""
        return ["ip", "netns", "exec", name, *words]

    @contextlib.contextmanager
    def recording(self, path: Path, *, at_client: bool = False) -> Iterator[None]:
        """Record the server's end of the wire, or the client's, until the block ends."""
        words = ["tcpdump", "-i", "wire", "-U", "-s", "0", "--immediate-mode", "-w", str(path)]
        words += ["-Z", "root", f"(tcp or icmp) and host {CLIENT_IP}"]
        process = subprocess.Popen(
            self.inside(self.client if at_client else self.server, words),
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        assert process.stderr is not None
        for line in process.stderr:
            if b"listening on" in line:
                break
        try:
            yield
        finally:
            time.sleep(0.15)
            process.send_signal(signal.SIGINT)
            process.wait(5)
            process.stderr.close()


def listens(process: subprocess.Popen[bytes], port: int = PORT) -> bool:
    """Whether somebody listens on the port in the namespace of this process."""
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{process.pid}/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                    return True
    return False
