"""Stories beside each other, as the survey of a capture places them."""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.tls.neighbours.shown import shown_by
from analyzer.tls.neighbours.survey import Survey
from analyzer.tls.story import Story


def survey(stories: Iterable[Story]) -> Survey:
    """Survey all stories of a capture."""
    found = Survey()
    for story in stories:
        found.add(shown_by(story))
    return found


def introduced(story: Story, known: Survey) -> Story:
    """The story with its neighbours; it was surveyed before."""
    return story.beside(known.neighbours(shown_by(story)))
