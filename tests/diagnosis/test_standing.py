"""Where a handshake stood when it stopped, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzer.diagnosis.signs.standing import awaited_names
from analyzer.tls.telling.handshake import HandshakeTracker, State
from tests.support.stories import a_story


@pytest.mark.parametrize(
    ("state", "names"),
    [
        (State.OFFERED, "server_hello"),
        (State.CERTIFIED, "server_hello_done or server_key_exchange"),
        (State.CLIENT_FINISHED, "change_cipher_spec"),
        (State.SEALED_EXTENSIONS, "certificate or finished"),
        (State.SEALED_DONE, "certificate or finished"),
        (State.ESTABLISHED, "anything"),
    ],
)
def test_what_was_due_is_named_by_the_usual_messages(state: State, names: str) -> None:
    story = replace(a_story(), awaiting=HandshakeTracker(state).awaited())

    assert awaited_names(story) == names
