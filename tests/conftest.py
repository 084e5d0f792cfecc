"""Examples may take their time: how fast they run is the machine's matter, and others use it, too."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
