"""The command line as users meet it: a process with arguments, pipes and an exit status."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import jsonschema
import pytest

from tests.support.interrupts import heed_interrupts
from tests.support.tiny import Talk, pcap, refused, rejected

ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in {"FORCE_COLOR", "NO_COLOR"}}
ENVIRONMENT |= {"PYTHONUTF8": "1", "COLUMNS": "80"}


def run(
    *arguments: str | Path,
    stdin: bytes = b"",
    cwd: Path | None = None,
    timeout: float | None = None,
    **environment: str,
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "analyzer", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        check=False,
        cwd=cwd,
        timeout=timeout,
        env=ENVIRONMENT | {"PYTHONPATH": str(Path(__file__).parents[1])} | environment,
    )


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stream 0: handshake_failure; stream 1: refused."""
    path = tmp_path_factory.mktemp("captures") / "failing.pcap"
    path.write_bytes(pcap(rejected(), refused(port=2222)))
    return path


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture without a connection that fails: one that speaks no TLS."""
    path = tmp_path_factory.mktemp("captures") / "quiet.pcap"
    talk = Talk().connect().send(0, 24, b"hello\n").send(1, 24, b"hi\n").send(1, 17).send(0, 17)
    path.write_bytes(pcap(talk.send(1, 16)))
    return path


def one_line(done: subprocess.CompletedProcess[bytes]) -> str:
    """A refusal: one line on standard error, nothing on standard output, status 2."""
    assert done.returncode == 2
    assert done.stdout == b""
    text = done.stderr.decode()
    assert text.count("\n") == 1
    assert text.endswith("\n")
    assert text.startswith("handshake-analyzer: ")
    assert "Traceback" not in text
    assert "internal error" not in text
    return text


def test_the_bare_command_analyses(failing: Path) -> None:
    done = run(failing)

    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().startswith("2 of 2 connections failed, in 2 ways:")
    assert done.stdout == run("analyze", failing).stdout


def test_text_in_a_pipe_is_plain_and_80_columns_wide(failing: Path) -> None:
    text = run(failing, TERM="xterm-256color", COLUMNS="").stdout.decode()

    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("locale", ["C", "POSIX", "C.UTF-8"])
def test_any_locale_will_do(failing: Path, locale: str) -> None:
    done = run(failing, LC_ALL=locale, PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")

    assert (done.returncode, done.stderr) == (0, b"")


def test_an_ascii_stream_gets_ascii(failing: Path) -> None:
    done = run(failing, PYTHONIOENCODING="ascii")

    assert done.returncode == 0
    assert done.stdout.isascii()
    assert b"\\u" not in done.stdout


def test_json_is_valid_by_the_schema_that_schema_prints(failing: Path) -> None:
    schema = json.loads(run("schema").stdout)
    document = json.loads(run(failing, "--format", "json").stdout)

    jsonschema.validate(document, schema)
    assert document["summary"]["failed"] == 2
    assert [c["stream"] for c in document["connections"]] == [0, 1]


def test_ndjson_is_a_line_per_connection(failing: Path) -> None:
    lines = run(failing, "--format", "ndjson").stdout.splitlines()
    document = json.loads(run(failing, "--format", "json").stdout)

    assert [json.loads(line) for line in lines] == document["connections"]


@pytest.mark.parametrize("form", ["text", "json", "ndjson"])
def test_the_same_input_gives_the_same_bytes(failing: Path, form: str) -> None:
    first = run(failing, "--format", form, PYTHONHASHSEED="1")

    assert first.stdout == run(failing, "--format", form, PYTHONHASHSEED="2").stdout


def test_standard_input_is_read(failing: Path) -> None:
    done = run("-", "--format", "json", stdin=failing.read_bytes())

    assert done.returncode == 0
    assert json.loads(done.stdout)["summary"]["failed"] == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
class TestOfNamedPipes:
    """What comes through a pipe can be read once."""

    def test_a_named_pipe_is_read(self, failing: Path, tmp_path: Path) -> None:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        data = failing.read_bytes()
        threading.Thread(target=pipe.write_bytes, args=[data], daemon=True).start()
        done = run("analyze", pipe, "--format", "ndjson", timeout=30)

        assert done.stdout == run(failing, "--format", "ndjson").stdout
        assert done.returncode == 0

    @pytest.mark.parametrize(
        "arguments",
        [
            pytest.param(["analyze", "FILE", "PIPE"], id="beside a file"),
            pytest.param(["extract", "PIPE", "--output", "x.pcap"], id="extract"),
            pytest.param(["mustgather", "PIPE"], id="mustgather"),
        ],
    )
    def test_it_is_refused_where_captures_are_read_twice(
        self, failing: Path, tmp_path: Path, arguments: list[str]
    ) -> None:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        names = {"FILE": str(failing), "PIPE": str(pipe)}
        done = run(*[names.get(a, a) for a in arguments], timeout=30)

        assert str(pipe) in one_line(done)

    def test_certificates_come_through_it_but_no_captures(
        self, failing: Path, tmp_path: Path
    ) -> None:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        data = failing.read_bytes()
        threading.Thread(target=pipe.write_bytes, args=[data], daemon=True).start()

        assert "no certificates" in one_line(run("certs", pipe, timeout=30))


def test_stream_chooses_a_connection(failing: Path) -> None:
    document = json.loads(run(failing, "--stream", "1", "--format", "json").stdout)

    assert [c["stream"] for c in document["connections"]] == [1]
    assert document["summary"]["connections"] == 2
    assert "tcp.stream eq 1" in run(failing, "--stream", "1").stdout.decode()


def test_failed_leaves_the_others_out(quiet: Path) -> None:
    assert len(json.loads(run(quiet, "--format", "json").stdout)["connections"]) == 1
    assert json.loads(run(quiet, "--failed", "--format", "json").stdout)["connections"] == []


def test_verbose_lists_every_connection(failing: Path) -> None:
    text = run(failing, "-v").stdout.decode()

    assert "All connections" in text
    assert text.count("tcp.stream eq") == 2


def test_exit_code_tells_of_failures_only_when_asked(failing: Path, quiet: Path) -> None:
    assert run(failing).returncode == 0
    for form in ("text", "json", "ndjson"):
        assert run(failing, "--exit-code", "--format", form).returncode == 1
        assert run(quiet, "--exit-code", "--format", form).returncode == 0


@pytest.mark.parametrize("form", ["text", "json", "ndjson"])
def test_output_goes_to_a_file(failing: Path, tmp_path: Path, form: str) -> None:
    path = tmp_path / "report"
    done = run(failing, "--format", form, "--output", path)

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert path.read_bytes() == run(failing, "--format", form).stdout
    assert [p.name for p in tmp_path.iterdir()] == ["report"]


def test_a_hostile_server_name_is_harmless(tmp_path: Path) -> None:
    path = tmp_path / "hostile.pcap"
    path.write_bytes(pcap(rejected("a\x1b]0;pwned\x07\x9b2J[red]\r\n")))
    for arguments in ((), ("--format", "json"), ("--format", "ndjson"), ("--stream", "0"), ("-v",)):
        done = run(path, *arguments)

        assert done.returncode == 0
        assert "pwned" in done.stdout.decode()
        assert done.stdout.decode().replace("\n", "").isprintable()


def test_the_parts_of_a_capture_are_read_in_order_of_time(tmp_path: Path) -> None:
    whole = rejected()
    first, second = tmp_path / "b.pcap", tmp_path / "a.pcap"
    head, tail = Talk(), Talk()
    head.packets, tail.packets = whole.packets[:4], whole.packets[4:]
    first.write_bytes(pcap(head))
    second.write_bytes(pcap(tail))
    document = json.loads(run(second, first, "--format", "json").stdout)
    (one,) = document["connections"]

    assert [Path(c["path"]).name for c in document["captures"]] == ["b.pcap", "a.pcap"]
    assert one["outcome"] == "failed"
    assert one["handshake"]["alerts"][0]["frame"] == {"file": 1, "frame": 1}
    assert one["handshake"]["messages"][0]["frame"] == {"file": 0, "frame": 4}


def test_a_missing_file(tmp_path: Path) -> None:
    assert "absent.pcap" in one_line(run(tmp_path / "absent.pcap"))


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "empty.pcap").touch()

    assert "empty" in one_line(run(tmp_path / "empty.pcap"))


def test_a_directory(tmp_path: Path) -> None:
    assert "director" in one_line(run(tmp_path))


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "secret.pcap"
    path.write_bytes(pcap(refused()))
    path.chmod(0)

    assert "ermission" in one_line(run(path))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"Hello, world. This is not a capture.\n" * 9, id="text"),
        pytest.param(b"%PDF-1.7\n", id="pdf"),
        pytest.param(b"\x7fELF" + bytes(100), id="program"),
        pytest.param(b"\xd4\xc3\xb2\xa1", id="pcap magic alone"),
        pytest.param(bytes(1000), id="zeros"),
        pytest.param(b"\x0a", id="one byte"),
    ],
)
def test_a_foreign_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "foreign.pcap"
    path.write_bytes(content)

    assert "foreign.pcap" in one_line(run(path))
    assert "standard input " not in one_line(run("-", stdin=content))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        pytest.param(["--nonsense", "FILE"], "--nonsense", id="no such option"),
        pytest.param(["analyze"], "FILE", id="no file"),
        pytest.param(["FILE", "--format", "xml"], "xml", id="no such format"),
        pytest.param(["FILE", "--stream", "x"], "--stream", id="not a number"),
        pytest.param(["FILE", "--stream", "-1"], "--stream", id="a negative number"),
        pytest.param(["FILE", "--stream", "99"], "99", id="no such stream"),
        pytest.param(
            ["FILE", "--output"], "see 'handshake-analyzer analyze --help'", id="no value"
        ),
        pytest.param(["FILE", "--output", "absent/report"], "absent/report", id="no such folder"),
        pytest.param(["explane", "TLS-CERT-001"], "explane", id="no such command"),
        pytest.param(["analyse", "FILE"], "neither a file nor a command", id="misspelt, a file"),
        pytest.param([""], "name of a file is empty", id="a variable that is not set"),
        pytest.param(["explane"], "explain", id="no such command, and nothing after it"),
        pytest.param(["explain"], "rule", id="explain without a rule"),
        pytest.param(["explain", "TLS-NONE-999"], "TLS-NONE-999", id="no such rule"),
        pytest.param(["explain", "TLS-TCP-001", "--stream", "0"], "--file", id="stream of nothing"),
        pytest.param(["x.pcap", "--rules", "no-folder"], "no-folder", id="no folder of rules"),
        pytest.param(["rules", "extra"], "extra", id="an argument too many"),
        pytest.param(["-", "FILE"], "-", id="standard input beside a file"),
        pytest.param(["a\x1b[2J\nb.pcap"], "a\\x1b[2J", id="control characters in a name"),
    ],
)
def test_a_wrong_command_line(failing: Path, arguments: list[str], named: str) -> None:
    done = run(*[str(failing) if a == "FILE" else a for a in arguments])

    assert named in one_line(done)


def test_a_full_disk_is_one_line(failing: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "analyzer", str(failing)],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            cwd=Path(__file__).parents[1],
        )

    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1


def test_a_full_disk_says_which_file_had_no_room(failing: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")

    assert "/dev/full: " in one_line(run(failing, "--output", "/dev/full"))


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["FILE", "--output", "FILE"], id="analyze"),
        pytest.param(["FILE", "--format", "html", "--output", "LINK"], id="through a link"),
        pytest.param(["FILE", "--keylog", "KEYS", "--output", "KEYS"], id="its key log"),
        pytest.param(["compare", "FILE:0", "FILE", "--output", "FILE"], id="compare"),
        pytest.param(["check", "FILE", "--output", "FILE"], id="check"),
        pytest.param(["baseline", "KEYS", "FILE", "--output", "KEYS"], id="baseline"),
        pytest.param(["certs", "FILE", "--output", "FILE"], id="certs"),
        pytest.param(["extract", "FILE", "--all", "--output", "FILE"], id="extract"),
        pytest.param(["mustgather", "FILE", "--out", "FILE"], id="mustgather"),
    ],
)
def test_no_report_is_written_over_what_it_was_made_from(
    failing: Path, tmp_path: Path, arguments: list[str]
) -> None:
    capture, link, keys = tmp_path / "t.pcap", tmp_path / "link", tmp_path / "keys"
    capture.write_bytes(failing.read_bytes())
    keys.write_text("# no secrets\n")
    link.symlink_to(capture)
    names = {"FILE": str(capture), "FILE:0": f"{capture}:0", "LINK": str(link), "KEYS": str(keys)}
    done = run(*[names.get(a, a) for a in arguments])

    assert "is one of the inputs" in one_line(done)
    assert capture.read_bytes() == failing.read_bytes()
    assert keys.read_text() == "# no secrets\n"


@pytest.mark.parametrize("arguments", [["FILE"], ["extract", "FILE", "--all"]])
def test_a_dash_becomes_no_file(failing: Path, tmp_path: Path, arguments: list[str]) -> None:
    named = [str(failing) if a == "FILE" else a for a in arguments]

    assert "name one" in one_line(run(*named, "--output", "-", cwd=tmp_path))
    assert list(tmp_path.iterdir()) == []


def _with_closed(streams: str, *arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    """Run with standard streams closed, as a shell does it."""
    command = f'exec "$@" {streams}'
    return subprocess.run(
        ["/bin/sh", "-c", command, "sh", sys.executable, "-m", "analyzer", *map(str, arguments)],
        capture_output=True,
        check=False,
        cwd=Path(__file__).parents[1],
        env=ENVIRONMENT,
    )


@pytest.mark.skipif(not Path("/bin/sh").exists(), reason="no shell here")
class TestOfClosedStreams:
    def test_a_report_that_nobody_can_read_is_one_line(self, failing: Path) -> None:
        text = one_line(_with_closed(">&-", failing))

        assert "standard output" in text

    def test_a_file_is_written_all_the_same(self, failing: Path, tmp_path: Path) -> None:
        place = tmp_path / "report.txt"
        done = _with_closed("<&- >&-", failing, "--output", place)

        assert (done.returncode, done.stderr) == (0, b"")
        assert place.read_bytes() == run(failing).stdout

    def test_standard_input_is_empty_then(self) -> None:
        assert "standard input: is empty" in one_line(_with_closed("<&-", "-"))

    def test_complaints_have_nowhere_to_go(self, failing: Path) -> None:
        assert _with_closed("2>&-", failing).stdout == run(failing).stdout
        assert _with_closed("2>&-", "missing.pcap").returncode == 2


def test_a_folder_where_a_log_is_wanted_is_no_matter_of_space(
    failing: Path, tmp_path: Path
) -> None:
    text = one_line(run(failing, "--dp-log", tmp_path))

    assert "name a file" in text
    assert "space" not in text


def test_check_names_an_unreadable_capture_once(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pcap"
    empty.touch()
    done = run("check", empty)

    assert done.returncode == 2
    assert done.stderr.decode().count("empty.pcap") == 1


@pytest.mark.parametrize("form", ["text", "json", "ndjson"])
def test_a_reader_that_goes_away_is_no_error(tmp_path: Path, form: str) -> None:
    many = tmp_path / "many.pcap"
    many.write_bytes(pcap(*(rejected(port=10_000 + i, start=1.8e9 + i) for i in range(1000))))
    with subprocess.Popen(
        [sys.executable, "-m", "analyzer", str(many), "-v", "--format", form],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[1],
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        errors = process.stderr.read()

    assert errors == b""
    assert process.returncode == 141


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_who_is_ended_leaves_nothing_half_written(tmp_path: Path, number: signal.Signals) -> None:
    many, place = tmp_path / "many.pcap", tmp_path / "out"
    many.write_bytes(pcap(*(rejected(port=10_000 + i, start=1.8e9 + i) for i in range(8000))))
    place.mkdir()
    with subprocess.Popen(
        [sys.executable, "-m", "analyzer", str(many), "-f", "json", "-o", str(place / "report")],
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[1],
    ) as process:
        while not list(place.iterdir()):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(number)
        assert process.stderr is not None
        errors = process.stderr.read()

    assert (process.returncode, errors) == (128 + number, b"")
    assert list(place.iterdir()) == []


def test_an_interruption_is_quiet() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "analyzer", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[1],
        preexec_fn=heed_interrupts,
    ) as process:
        time.sleep(1.5)  # let it start and wait for input
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        errors = process.stderr.read()

    assert errors == b""
    assert process.returncode == 130


def test_rules_lists_every_rule_once() -> None:
    from analyzer.rules import modules

    lines = run("rules", COLUMNS="200").stdout.decode().splitlines()
    listed = [line.split()[0] for line in lines if line.startswith("TLS-")]

    assert listed == sorted(modules())


def test_explain_finds_a_rule_by_id_and_by_name() -> None:
    from analyzer.rules import modules

    id_, module = next(iter(modules().items()))
    page = run("explain", id_)

    assert page.returncode == 0
    assert page.stdout.decode().startswith(f"{id_}: {module.RULE.title[:30]}")
    assert run("explain", id_.lower()).stdout == page.stdout
    assert run("explain", module.RULE.name).stdout == page.stdout


def test_explain_says_why_a_rule_fired_or_not(failing: Path) -> None:
    place = ("--file", failing, "--stream", "1")
    fired = run("explain", "TLS-TCP-001", *place).stdout.decode()
    quiet = run("explain", "TLS-TCP-004", *place).stdout.decode()

    assert "fired, seen: " in fired
    assert "did not fire" in quiet
    assert "What it asked, in order" in quiet
    assert "no TCP stream 7" in one_line(
        run("explain", "TLS-TCP-001", "--file", failing, "--stream", "7")
    )


def test_a_product_has_the_first_word_in_the_remedy(failing: Path) -> None:
    done = run("analyze", failing, "--product", "server=haproxy", "--format", "json")
    first = json.loads(done.stdout)["connections"][0]["diagnosis"]["remedy"][0]

    assert first.startswith("HAProxy as the server: ")
    assert "cobol" in one_line(run("analyze", failing, "--product", "cobol"))


def test_own_rules_are_asked_and_broken_ones_named(failing: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("RULE = None\n")
    done = run("analyze", failing, "--rules", tmp_path, "--format", "json")

    assert done.returncode == 0
    assert json.loads(done.stdout)["summary"]["failed"] == 2
    assert done.stderr.decode().splitlines() == [
        f"{tmp_path / 'broken.py'}: left out: it has no RULE = Rule(…)"
    ]


def test_explain_suggests_what_may_be_meant() -> None:
    from analyzer.rules import modules

    id_ = next(iter(modules()))

    assert id_[:9] in one_line(run("explain", id_ + "0"))


def test_help_and_version() -> None:
    for arguments in (["--help"], ["-h"], [], ["analyze", "--help"], ["explain", "--help"]):
        done = run(*arguments)

        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout.startswith(b"Usage: handshake-analyzer")
    assert run("--version").stdout.startswith(b"handshake-analyzer ")


@pytest.mark.slow
def test_help_answers_at_once() -> None:
    """Within 0.15 s where a bare Python takes 0.008 s; by turns, since a machine may be busy."""
    commands = ["-I", "-S", "-c", "pass"], ["-m", "analyzer", "--help"]
    pairs = [[_processor_time(*command) for command in commands] for _ in range(7)]
    nothing, asked = (min(times) for times in zip(*pairs, strict=True))

    assert asked < 0.15 / 0.008 * nothing


def _processor_time(*arguments: str) -> float:
    """Seconds that a Python with these arguments takes of all processors."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_the_shell_can_complete() -> None:
    done = run(
        _HANDSHAKE_ANALYZER_COMPLETE="complete_bash",
        COMP_WORDS="handshake-analyzer ex",
        COMP_CWORD="1",
    )

    assert b"explain" in done.stdout
