"""The recipes as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from analyzer.report.page import Page
from analyzer.reproduce.recipe import Recipe
from analyzer.tls.story import Story


def render_recipes(
    story: Story, recipes: Sequence[Recipe], stream: TextIO, *, colour: bool | None = None
) -> None:
    """Write every command with what is to be known of it. Commands are never wrapped."""
    page = Page(stream, colour=colour)
    page.say(f"To repeat stream {story.stream}, {story.client} to {story.server}:", style="bold")
    for recipe in recipes:
        page.heading(recipe.title, indent=0)
        if recipe.before:
            page.blank()
            page.say("Where you lack the files that it needs, make stand-ins first:", indent=2)
            _command(page, recipe.before)
        _command(page, recipe.command)
        if recipe.unlike:
            page.blank()
            page.say("It cannot imitate all:", indent=2)
        for difference in recipe.unlike:
            page.say(difference.text, lead=f"{page.glyphs.dot} ", indent=4)
        if recipe.notes:
            page.blank()
        for note in recipe.notes:
            page.say(note, lead=f"{page.glyphs.dot} ", indent=2, style="dim")


def _command(page: Page, text: str) -> None:
    page.blank()
    for line in text.splitlines():
        page.console.print(page.text(f"  {line}"), soft_wrap=True)
