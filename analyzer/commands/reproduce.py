"""``reproduce``: commands of other tools that do again what a connection did."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Annotated

import typer

from analyzer.commands import standard_output
from analyzer.commands.connection import connection
from analyzer.errors import UsageError

if TYPE_CHECKING:
    from analyzer.reproduce.recipe import Recipe
    from analyzer.tls.story import Story


class Tool(enum.StrEnum):
    """The tools that a command can be written for."""

    OPENSSL_CLIENT = "openssl-client"
    OPENSSL_SERVER = "openssl-server"
    CURL = "curl"
    JAVA = "java"
    GNUTLS = "gnutls"


class Form(enum.StrEnum):
    """How the commands are printed."""

    TEXT = "text"
    JSON = "json"
    SHELL = "shell"


def reproduce(
    place: Annotated[
        str,
        typer.Argument(
            metavar="FILE[:STREAM]",
            help="A capture and a connection in it (Wireshark's tcp.stream).",
        ),
    ],
    stream: Annotated[
        int | None, typer.Option("--stream", min=0, help="The connection, if not after the name.")
    ] = None,
    tool: Annotated[
        list[Tool] | None, typer.Option("--tool", "-t", help="Only for this tool; repeatable.")
    ] = None,
    connect: Annotated[
        str | None,
        typer.Option("--connect", metavar="HOST:PORT", help="Go there instead of the same server."),
    ] = None,
    openssl: Annotated[
        str, typer.Option("--openssl", metavar="VERSION", help="Your OpenSSL, as in 3.5.")
    ] = "3.0",
    form: Annotated[
        Form, typer.Option("--format", "-f", help="shell prints nothing but the commands.")
    ] = Form.TEXT,
    no_color: Annotated[bool, typer.Option("--no-color", help="Print without colour.")] = False,
) -> None:
    """Print the commands that repeat a connection: openssl, curl, Java, GnuTLS."""
    release = _release(openssl)
    story = connection(place, stream).story
    from analyzer.reproduce.book import TOOLS, recipes  # noqa: PLC0415 - not for --help

    chosen = [entry.value for entry in tool] if tool else TOOLS
    found = recipes(story, chosen, connect=connect, release=release)
    sink = standard_output()
    if form is Form.SHELL:
        sink.write("".join(f"{recipe.command}\n" for recipe in found))
    elif form is Form.JSON:
        sink.write(_json(story, found))
    else:
        from analyzer.reproduce.page import render_recipes  # noqa: PLC0415 - loads rich

        render_recipes(story, found, sink, colour=False if no_color else None)


def _release(text: str) -> tuple[int, int]:
    parts = text.split(".")
    if len(parts) < 2 or not all(part.isdecimal() for part in parts[:2]):
        raise UsageError(f"--openssl {text}: not a version; write 3.0 or 3.5")
    return int(parts[0]), int(parts[1])


def _json(story: Story, recipes: tuple[Recipe, ...]) -> str:
    import json  # noqa: PLC0415 - only what is asked for

    document = {
        "stream": story.stream,
        "commands": [
            {
                "tool": recipe.tool,
                "command": recipe.command,
                "before": recipe.before or None,
                "notes": list(recipe.notes),
                "unlike": [{"part": d.part, "text": d.text} for d in recipe.unlike],
            }
            for recipe in recipes
        ],
    }
    return json.dumps(document, indent=2) + "\n"
