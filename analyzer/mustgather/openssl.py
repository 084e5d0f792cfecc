"""The openssl commands to run next: to test or to eliminate one thing at a time."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.errors import UsageError
from analyzer.judging import Judged
from analyzer.mustgather.material import Material
from analyzer.pki.names import file_name
from analyzer.report.escape import printable
from analyzer.reproduce.book import recipes
from analyzer.tls.objects import Leg
from analyzer.tls.story import Story

_KINDS = 10  # connections for which commands are written, each with another diagnosis or server


def members(material: Material) -> Iterator[tuple[str, str]]:
    """One page; where no connection is at hand, the general commands alone."""
    trace = material.trace
    some = _different(trace.failed) if trace is not None else []
    pages = [page for judged in some if (page := _page(judged))]
    yield "openssl.md", "\n".join([_HEAD, *pages, _GENERAL])


_HEAD = """# openssl commands to run next

Run them on a machine that reaches the other side by the same way, and give their output with `--openssl FILE`.
A command that connects where the real client does not points at that client's behaviour, or at a setting; one
that fails alike shows the same step again, without the rest of the system.
"""

_GENERAL = """## In general

* Is the gateway's listener in order? From a client's place: `openssl s_client -connect GATEWAY:PORT -servername NAME -showcerts </dev/null`
* Is the gateway in order as a client? Point its backend at a listener of yours: `openssl s_server -accept 124 -cert CERT.pem -key KEY.pem -www`
* Is a certificate in order, and the chain to its root? `openssl verify -show_chain -untrusted INTERMEDIATES.pem -CAfile ROOTS.pem CERT.pem`
"""


def _different(failed: tuple[Judged, ...]) -> list[Judged]:
    """One connection of each diagnosis and server."""
    found: dict[object, Judged] = {}
    for judged in failed:
        headline = judged.diagnosis.headline
        key = (headline.rule if headline else None, judged.story.server)
        found.setdefault(key, judged)
    return list(found.values())[:_KINDS]


def _page(judged: Judged) -> str | None:
    story, headline = judged.story, judged.diagnosis.headline
    back = story.objects is not None and story.objects.leg is Leg.BACK
    tools = ("openssl-client", "openssl-server") if back else ("openssl-client",)
    try:
        written = recipes(story, tools)
    except UsageError:
        return None  # no ClientHello in the capture
    title = printable(headline.title) if headline is not None else "as captured"
    lines = [f"## tcp.stream {story.stream}: {title}", ""]
    for recipe in written:
        if recipe.before:
            lines += ["First, where you lack the files:", "", "```", recipe.before, "```", ""]
        lines += [f"{recipe.title}:", "", "```", recipe.command, "```", ""]
        lines += [f"* {note}" for note in recipe.notes]
        lines += [f"* unlike the captured client: {d.text}" for d in recipe.unlike]
        lines.append("")
    return "\n".join([*lines, *_verify(story)])


def _verify(story: Story) -> Iterator[str]:
    """Commands on the chains that were sent, with the files of the bundle."""
    for chain, purpose in ((story.server_chain, "sslserver"), (story.client_chain, "sslclient")):
        if chain is None or not chain.certificates:
            continue
        leaf, *above = (f"certificates/{file_name(facts)}" for facts in chain.certificates)
        untrusted = "".join(f" -untrusted {name}" for name in above)
        yield f"The {chain.sender.value}'s chain before roots of yours, as of the packet:"
        yield ""
        yield "```"
        yield (
            f"openssl verify -show_chain -purpose {purpose} -attime {chain.time // 1_000_000_000}"
            f" -CAfile ROOTS.pem{untrusted} {leaf}"
        )
        yield "```"
        yield ""
