"""The steps at which a side has something to judge, and may refuse it."""

from __future__ import annotations

import enum


class Step(enum.Enum):
    """What a side judges."""

    __hash__ = object.__hash__  # members are single; the default hashes their names each time

    OFFER = "the client's offer"
    CHOICE = "the server's choice"
    SERVER_CERTIFICATE = "the server's certificate"
    KEY_EXCHANGE = "the key exchange"
    CLIENT_CERTIFICATE = "the client's certificate"
    FINISHED = "the Finished message"
