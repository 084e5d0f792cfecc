"""How the commands of a remedy come to the server: what stands behind ``openssl s_client -connect``."""

from __future__ import annotations

import re
from typing import Final

from analyzer.diagnosis.wording import tunnelled
from analyzer.tls.story import Story


def reach(story: Story) -> str:
    """How ``openssl s_client -connect`` comes to the server: the rest of its line.

    ``10.1.1.1:443``, ``partner.example:443 -proxy 10.1.1.9:3128``, ``10.1.1.2:25 -starttls smtp``;
    a target is a stranger's text, and comes here only where no shell minds it.
    """
    target, prelude = tunnelled(story), story.prelude
    if target is not None and prelude is not None:
        return f"{target} -proxy {story.server}" if prelude.protocol == "http connect" else target
    protocol = STARTTLS.get(prelude.protocol) if prelude is not None else None
    return f"{story.server} -starttls {protocol}" if protocol else str(story.server)


# Names of ours for what is spoken before TLS, and those of OpenSSL's -starttls.
STARTTLS: Final = {
    name: name
    for name in ("smtp", "lmtp", "imap", "pop3", "ftp", "nntp", "xmpp", "irc", "sieve", "ldap")
} | {"postgresql": "postgres", "mysql": "mysql"}


def reach_by_name(story: Story) -> str:
    """As :func:`reach`, and by the name that the client asked for: another name may lead elsewhere.

    The name is a stranger's text, too: one that a shell might mind is left to the reader. ``s_client``
    by itself names the host that it connects to, unless that is an address.
    """
    name = story.offer.server_name if story.offer is not None else None
    if name is not None:
        return f"{reach(story)} -servername {name if _NAME.fullmatch(name) else 'NAME'}"
    return f"{reach(story)} -noservername" if tunnelled(story) else reach(story)


_NAME: Final = re.compile(r"\w[\w.-]{0,252}", re.ASCII)
