from __future__ import annotations

import json

import jsonschema
import msgspec
import pytest
from msgspec.structs import replace

from analyzer.report.machine import render_json, render_line, render_schema
from analyzer.report.schema import Connection, Report
from tests.report.reports import connection, failing, report

SCHEMA = json.loads(render_schema())


def test_a_report_is_valid_by_the_printed_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)

    jsonschema.validate(json.loads(render_json(failing())), SCHEMA)


def test_a_line_is_a_connection_of_the_same_schema() -> None:
    line = render_line(connection())
    one = {"$ref": "#/$defs/Connection", "$defs": SCHEMA["$defs"]}

    assert line.count(b"\n") == 1
    jsonschema.validate(json.loads(line), one)


def test_every_object_of_the_schema_is_closed_and_every_key_required() -> None:
    for definition in SCHEMA["$defs"].values():
        assert definition["additionalProperties"] is False
        assert sorted(definition["required"]) == sorted(definition["properties"])


def test_a_key_that_is_missing_or_unknown_is_refused() -> None:
    document = json.loads(render_json(failing()))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document | {"surprise": 1}, SCHEMA)
    del document["summary"]["failed"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMA)


def test_json_comes_back_as_the_same_report() -> None:
    assert msgspec.json.decode(render_json(failing()), type=Report) == failing()
    assert msgspec.json.decode(render_line(connection()), type=Connection) == connection()


def test_hostile_names_are_escaped_and_come_back_whole() -> None:
    name = 'a\x00\x1b[2J\x7f\x9b31m\u202e\u2028\ufeff"\\end'
    hostile = connection(tls=replace(connection().tls, sni=name))
    text = render_json(report(hostile)).decode()

    assert text.replace("\n", "").isprintable()
    assert json.loads(text)["connections"][0]["tls"]["sni"] == name
    assert json.loads(render_line(hostile))["tls"]["sni"] == name


def test_the_keys_of_the_contract_are_there() -> None:
    document = json.loads(render_json(failing()))
    one = document["connections"][0]

    assert list(document) == [
        "schema_version",
        "tool",
        "captures",
        "summary",
        "groups",
        "connections",
    ]
    assert {"cause", "rule", "title", "count", "clients", "servers", "sni"} <= set(
        document["groups"][0]
    )
    assert {"first", "last", "example_stream"} <= set(document["groups"][0])
    assert set(one) == {
        *(
            "stream",
            "detail",
            "transport",
            "client",
            "server",
            "start",
            "end",
            "outcome",
            "diagnosis",
        ),
        *("findings", "tls", "handshake", "certificates", "tcp", "objects", "log", "caveats"),
    }
    assert {"version", "cipher_suite", "group", "sni", "alpn", "resumed"} <= set(one["tls"])
    assert {"client_offers", "server_choice", "ja3", "ja3s", "ja4"} <= set(one["tls"])
    assert {"signature", "last_message", "messages", "alerts"} <= set(one["handshake"])
    assert {"end", "end_by", "rtt", "retransmissions", "missing_bytes"} <= set(one["tcp"])
    assert set(one["diagnosis"]) == {
        *("rule", "cause", "phase", "failing_side", "remedy_side", "confidence", "title"),
        *("explanation", "evidence", "remedy", "alternatives", "references"),
    }
