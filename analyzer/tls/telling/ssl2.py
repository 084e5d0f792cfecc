"""SSL 2.0: handshakes whose messages are records of their own, most of them encrypted.

What follows CLIENT-MASTER-KEY is told apart by its order alone (draft-hickman-netscape-ssl-00).
"""

from __future__ import annotations

from dataclasses import replace

from analyzer.errors import Defect
from analyzer.tcp.timeline import Side
from analyzer.tls.message.hello import ServerHello, decode_v2_client_hello, decode_v2_server_hello
from analyzer.tls.record.records import Record
from analyzer.tls.registry.suites import CipherSuite
from analyzer.tls.story import Visibility
from analyzer.tls.telling.conversation import Conversation
from analyzer.tls.telling.handshake import State


def take_v2(talk: Conversation, record: Record) -> None:
    """Take a record of SSL 2.0. What follows the client's choice of a cipher is encrypted."""
    kind, awaited = record.fragment[:1], talk.tracker.state
    if record.sender is Side.CLIENT and kind == b"\x01" and talk.choice is None:
        _hello(talk, record)
    elif record.sender is Side.SERVER and kind == b"\x04" and talk.choice is None:
        _answer(talk, record)
    elif record.sender is Side.CLIENT and kind == b"\x02" and awaited is State.SERVER_DONE:
        _key(talk, record)
    else:
        _sealed(talk, record)


def _hello(talk: Conversation, record: Record) -> None:
    hello, defect = decode_v2_client_hello(record.fragment)
    if hello is not None:
        talk.offers.append(hello)
    if talk.decryptor is not None:
        talk.decryptor.hear_v2(record.fragment)
    talk.tracker.observe(record.sender, "client_hello", frame=record.frame)
    _note_clear(talk, "client_hello", record, defect)


def _answer(talk: Conversation, record: Record) -> None:
    """The server's hello, with its certificate; the client chooses among the ciphers in common."""
    hello, defect = decode_v2_server_hello(record.fragment)
    if hello is not None:
        suite = hello.cipher_suites[:1] or (CipherSuite.TLS_NULL_WITH_NULL_NULL,)
        talk.choose(ServerHello(hello.version, hello.connection_id, cipher_suite=suite[0]))
        resumed = hello.session_id_hit
        talk.tracker.reach(State.CLIENT_KEYED if resumed else State.SERVER_DONE, record.frame)
    _note_clear(talk, "server_hello", record, defect)


def _key(talk: Conversation, record: Record) -> None:
    """CLIENT-MASTER-KEY: the cipher that the client chose, and the key for it."""
    if talk.choice is not None and len(record.fragment) >= 4:
        suite = CipherSuite(int.from_bytes(record.fragment[1:4], "big"))
        talk.choice = replace(talk.choice, cipher_suite=suite)
    talk.tracker.observe(record.sender, "client_key_exchange", frame=record.frame)
    _note_clear(talk, "client_key_exchange", record, None)


def _sealed(talk: Conversation, record: Record) -> None:
    """SERVER-VERIFY, then a Finished from each side, then data: told apart by their order alone."""
    sender = talk.sides[record.sender]
    if sender.finished:
        talk.note_data(record)
    elif record.sender is Side.SERVER and not sender.switched:
        sender.switched = True
        talk.note("encrypted_record", record, Visibility.INFERRED)
    else:
        sender.finished = True
        client = record.sender is Side.CLIENT
        talk.tracker.reach(State.CLIENT_SWITCHED if client else State.SERVER_SWITCHED, record.frame)
        talk.tracker.observe(record.sender, "finished", frame=record.frame)
        talk.note("finished", record, Visibility.INFERRED)


def _note_clear(talk: Conversation, name: str, record: Record, defect: Defect | None) -> None:
    """Write down a clear message of SSL 2.0, whose body begins with its type."""
    if defect is not None:
        talk.defects.append((name, defect, record.frame))
    talk.note(name, record)
    talk.messages[-1] = talk.messages[-1]._replace(body=record.fragment, defect=defect)
