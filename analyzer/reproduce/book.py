"""All tools by name, and the book of recipes for one connection."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from analyzer.reproduce.curl import curl
from analyzer.reproduce.gnutls import gnutls
from analyzer.reproduce.java import java
from analyzer.reproduce.openssl_client import openssl_client
from analyzer.reproduce.openssl_names import OLDEST, Release
from analyzer.reproduce.openssl_server import openssl_server
from analyzer.reproduce.recipe import Recipe, wanted
from analyzer.tls.story import Story

Writer = Callable[..., Recipe]

WITH_RELEASE: Final = {
    "openssl-client": openssl_client,
    "openssl-server": openssl_server,
    "curl": curl,
}
OTHERS: Final = {"gnutls": gnutls, "java": java}
TOOLS: Final = (*WITH_RELEASE, *OTHERS)


def recipes(
    story: Story,
    tools: Iterable[str] = TOOLS,
    *,
    connect: str | None = None,
    release: Release = OLDEST,
) -> tuple[Recipe, ...]:
    """Write the commands for one connection.

    Args:
        story: A connection whose ClientHello was captured.
        tools: Names of :data:`TOOLS`.
        connect: ``HOST:PORT`` to go to instead of the captured server.
        release: Of OpenSSL; newer ones know more groups and signature algorithms.

    Raises:
        UsageError: The capture holds nothing to do again, or ``connect`` is no address.
    """
    wish = wanted(story, connect)
    return tuple(
        WITH_RELEASE[tool](wish, release) if tool in WITH_RELEASE else OTHERS[tool](wish)
        for tool in tools
    )
