"""What a connection did, as far as a command can do it again; and the command."""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.diagnosis.reaching import STARTTLS
from analyzer.diagnosis.refusals.refusal import server_certificate_refused
from analyzer.errors import UsageError
from analyzer.reproduce.shape import Difference, Shape, shape_of
from analyzer.reproduce.shell import host_name, protocol_name, target
from analyzer.tls.story import Milestone, PreludeEnd, Story


@dataclass(frozen=True, slots=True)
class Wanted:
    """One connection in the terms of all tools. Texts of the capture are checked here, once.

    ``host`` and ``port`` are where to connect; ``proxy`` is the way there. ``client_certificate``
    is whether the client showed one, None where the capture hides it. ``judges`` is whether it
    refused that of the server: only what judges it, too, does the same.
    """

    story: Story
    shape: Shape
    host: str
    port: int
    proxy: str | None
    starttls: str | None  # in our words
    server_name: str | None
    alpn: tuple[str, ...]
    client_certificate: bool | None
    judges: bool
    notes: tuple[str, ...]

    @property
    def address(self) -> str:
        """Host and port as most tools take them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Recipe:
    """A command, and plainly what it cannot do."""

    tool: str
    title: str
    command: str
    before: str = ""  # a command that makes what this one needs, where the user does not have it
    notes: tuple[str, ...] = ()
    unlike: tuple[Difference, ...] = ()
    shape: Shape | None = None  # of the ClientHello that it sends, for clients


def wanted(story: Story, connect: str | None = None) -> Wanted:
    """Read from a story what is to be done again.

    Args:
        story: A connection in which a ClientHello was seen.
        connect: ``HOST:PORT`` to go to instead of the server in the capture.

    Raises:
        UsageError: There is nothing to do again.
    """
    if not story.offers:
        raise UsageError(
            f"stream {story.stream}: its ClientHello is not in the capture, so there is nothing to "
            "reproduce; choose another stream"
        )
    hello = story.offers[0]
    shape = shape_of(hello)
    notes: list[str] = []
    name = host_name(hello.server_name)
    if hello.server_name is not None and name is None:
        notes.append("the server name that the client sent is no host name, and is left out")
    alpn = tuple(entry for entry in shape.alpn if protocol_name(entry))
    if alpn != shape.alpn:
        notes.append("an ALPN name that cannot stand on a command line is left out")
    host, port, proxy = _way(story, connect, notes)
    return Wanted(
        story=story,
        shape=shape,
        host=host,
        port=port,
        proxy=proxy,
        starttls=_starttls(story, notes),
        server_name=name,
        alpn=alpn,
        client_certificate=_shown(story),
        judges=server_certificate_refused(story) is not None,
        notes=tuple(notes),
    )


def _way(story: Story, connect: str | None, notes: list[str]) -> tuple[str, int, str | None]:
    """Where to connect to, and by which proxy."""
    prelude = story.prelude
    proxied = prelude is not None and prelude.tunnel
    if connect is not None:
        host, port = host_and_port(connect)
        return host, port, None
    if prelude is not None and prelude.protocol == "http connect" and target(prelude.target):
        host, port = host_and_port(prelude.target or "")
        return host, port, str(story.server)
    if proxied:
        notes.append("the connection went through a proxy whose target cannot be written here")
    return story.server.ip, story.server.port, None


def host_and_port(text: str, default: int | None = None) -> tuple[str, int]:
    """Part ``HOST:PORT`` or ``[ADDRESS]:PORT``.

    Raises:
        UsageError: It is not of that form.
    """
    host, colon, port = text.rpartition(":")
    if (not colon or text.endswith("]")) and default is not None:
        host, port = text, str(default)
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    ambiguous = ":" in bare and bare == host
    if not bare or ambiguous or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise UsageError(f"{text}: not HOST:PORT; write gateway.example:443 or [2001:db8::1]:443")
    return bare, int(port)


def _starttls(story: Story, notes: list[str]) -> str | None:
    prelude = story.prelude
    if prelude is None or prelude.protocol in {"http connect", "unknown"}:
        return None
    if prelude.protocol in STARTTLS:
        return prelude.protocol
    if prelude.end is not PreludeEnd.NOT_OFFERED:
        notes.append(f"what was said before TLS ({prelude.protocol}) cannot be repeated")
    return None


def _shown(story: Story) -> bool | None:
    """Whether the client showed a certificate; the message by which it shows none is one, too."""
    if story.reached(Milestone.CLIENT_CERTIFICATE_EMPTY):
        return False
    if story.reached(Milestone.CLIENT_CERTIFICATE):
        return True
    if story.client_chain is not None:
        return False
    hidden = story.tls13 and story.reached(Milestone.CLIENT_FINISHED)
    return None if hidden and story.blind_to("client_certificate") else False
