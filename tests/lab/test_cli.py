# SPDX-License-Identifier: BSD-3-Clause
"""The command `millrace` as people and shells use it. Sessions in sessions/ are what was typed
behind a `$` and what it said; MILLRACE_RECORD=1 writes them anew, to be read before they stay."""

import os
import pty
import re
import select
import shlex
import subprocess
import time
from pathlib import Path

import pytest
from api_lab import ApiLab
from home import build_dir
from lab import run_command

SESSIONS = sorted((Path(__file__).parent / "sessions").glob("*.session"))
CHANGING = [  # what no two runs have in common
    (r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b", "MAC"),
    (r"\bfe80::[0-9a-f:]*", "LINK-LOCAL"),
    (r"\b\d+(\.\d)? k?B\b", "N B"),
    (r"up for \d+s, on .*", "up for Ns, on FILE"),
    (r"\b(1d00h|23h59m)\b", "A DAY"),
    (r" +", " "),
]


@pytest.fixture(scope="module")
def lab():
    with ApiLab() as lab:
        lab.start_api("nat: [{ masquerade: wan }]")
        yield lab


def normal(text):
    for pattern, name in CHANGING:
        text = re.sub(pattern, name, text)
    return text.rstrip() + "\n"


def play(lab, script):
    """The session's commands again, with what they say today."""
    said = []
    for line in script.splitlines():
        if not line.startswith("$ "):
            if line.startswith("#"):
                said.append(line)
            continue
        words = shlex.split(line[2:], comments=True)
        assert words[0] == "millrace"
        done = lab.command(*words[1:], check=False)
        assert all(len(one) <= 80 for one in done.stdout.splitlines()), done.stdout
        said += [line, done.stdout + done.stderr
                 + (f"(exit {done.returncode})\n" if done.returncode else "")]
    return "\n".join(one.rstrip("\n") for one in said) + "\n"


@pytest.mark.parametrize("path", SESSIONS, ids=lambda path: path.stem)
def test_a_session_goes_as_it_was_recorded(lab, path):
    recorded = path.read_text()
    said = play(lab, recorded)
    if os.environ.get("MILLRACE_RECORD"):
        path.write_text(said)
    assert normal(said) == normal(recorded)


def test_a_script_on_stdin_stops_at_the_first_that_fails(lab):
    script = ("# comment\n\nban 198.51.100.1 in 'slow'\nshow set slow limit 5\n"
              "ban nobody\nban 198.51.100.2 in slow\n")
    done = lab.command(stdin=script, check=False)
    assert done.returncode == 2
    assert "198.51.100.1/32 is in slow for 1h00m" in done.stdout
    assert "'nobody' is wrong" in done.stderr and "stopped at line 5" in done.stderr
    assert "198.51.100.2" not in done.stdout
    assert lab.command(stdin="unban 198.51.100.1 in slow\nversion\n").returncode == 0


# --- at a terminal ---

class Terminal:
    """A pseudo terminal of 80 x 24 with `millrace` on it."""

    def __init__(self, lab, *words, env=None):
        self.text = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update({"TERM": "vt100", "HOME": str(lab.dir), **(env or {})})
            argv = [str(build_dir() / "millrace"), "-s", str(lab.socket), *words]
            os.execv(argv[0], argv)

    def type(self, text):
        os.write(self.fd, text.encode())

    def wait_for(self, pattern, timeout=10):
        """What came until the pattern is there; without escapes of the cursor."""
        end = time.monotonic() + timeout
        while not (found := re.search(pattern, self.text)):
            ready = select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]
            assert ready, f"waited in vain for {pattern!r} in {self.text!r}"
            try:
                self.text += os.read(self.fd, 4096).decode(errors="replace")
            except OSError:
                raise AssertionError(f"it ended without {pattern!r}: {self.text!r}") from None
        said, self.text = self.text[:found.end()], self.text[found.end():]
        return said

    def end(self):
        """The rest of what it says, and its exit code."""
        while True:
            try:
                got = os.read(self.fd, 4096)
            except OSError:
                break
            if not got:
                break
            self.text += got.decode(errors="replace")
        os.close(self.fd)
        return self.text, os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_at_a_terminal_it_completes_helps_and_remembers(lab):
    terminal = Terminal(lab)
    terminal.wait_for("millrace> ")
    terminal.type("show se")
    terminal.wait_for("show se")
    terminal.type("t \t")
    said = terminal.wait_for("slow +addresses")
    assert re.search("banned +addresses", said), said
    terminal.type("b\t\r")
    terminal.wait_for("millrace> ")
    terminal.type("ban 198.51.100.3 ?")
    assert "a set with a timeout" in terminal.wait_for("for +how long")
    terminal.type("in sl\t\r")
    terminal.wait_for("198.51.100.3/32 is in slow for 1h00m")
    terminal.type("unb\t198.51.100.3 in slow\r")
    terminal.wait_for("no longer in slow")
    terminal.type("nonsense\r")
    terminal.wait_for("'nonsense' is not known")
    terminal.type("quit\r")
    assert terminal.end()[1] == 0
    history = lab.dir / ".millrace_history"
    assert history.stat().st_mode & 0o077 == 0
    terminal = Terminal(lab)
    terminal.wait_for("millrace> ")
    terminal.type("\x10\x10")  # two lines up
    terminal.wait_for("unban 198.51.100.3 in slow")
    terminal.type("\x15\x04")  # nothing, and the end
    assert terminal.end()[1] == 0


@pytest.mark.parametrize(("env", "is_coloured"), [
    ({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
    ids=["usual", "NO_COLOR", "empty NO_COLOR", "dumb"])
def test_colours_are_for_terminals_that_want_them(lab, env, is_coloured):
    said, code = Terminal(lab, "show", "sets", env=env).end()
    assert code == 0 and ("\x1b[1mSET\x1b[0m" in said) == is_coloured
    assert "\x1b" not in lab.command("show", "sets").stdout


def test_a_table_gives_way_to_a_narrow_terminal(lab):
    terminal = Terminal(lab, "show", "drops", env={"NO_COLOR": "1"})
    lines = terminal.end()[0].splitlines()
    assert max(map(len, lines)) == 80 and any(line.endswith("~") for line in lines)
    assert max(map(len, lab.command("show", "drops").stdout.splitlines())) > 80


# --- shells ---

def test_bash_completes_words_and_living_names(lab):
    def completed(line):
        script = (f"PATH={build_dir()}:$PATH; . <(millrace completion bash); COMP_LINE={shlex.quote(line)};"
                  "COMP_POINT=${#COMP_LINE}; _millrace; printf '%s\\n' \"${COMPREPLY[@]}\"")
        return run_command(["bash", "-c", script]).stdout.split()

    millrace = f"millrace -s {lab.socket} "
    assert completed(millrace + "show se") == ["sets", "set"]
    assert completed(millrace + "show set ") == ["banned", "slow"]
    assert completed(millrace + "ban 198.51.100.7 in s") == ["slow"]
    assert completed("millrace -s /nonexistent show set ") == []


def test_zsh_completes_words_and_living_names(lab):
    script = lab.dir / "_millrace"
    script.write_text(lab.command("completion", "zsh").stdout)
    words = f"millrace -s {lab.socket} ban 198.51.100.7 in s"
    done = run_command(["zsh", "-fc", f"PATH={build_dir()}:$PATH; compdef() {{ }}; . {script};"
                        "compadd() { print -l -- $found; print -l -- $shown };"
                        f"words=({words}); CURRENT=$#words; _millrace"])
    assert done.stdout.splitlines() == ["slow", "slow  -- addresses"], done


# --- the manual ---

@pytest.mark.parametrize(("page", "section"), [("millrace", 1), ("millraced", 8),
                                               ("millrace.yaml", 5)])
def test_the_manual_is_clean_and_whole(lab, page, section):
    roff = f"{page}.{section}"  # mandoc takes a section from all of the path
    (lab.dir / roff).write_text(lab.command("man", page).stdout)

    def mandoc(form):
        return subprocess.run(["mandoc", form, roff], cwd=lab.dir, capture_output=True, text=True,
                              check=False).stdout

    said = mandoc("-Tlint").splitlines()
    # pages of one another that are not installed here
    assert [line for line in said if "referenced manual not found" not in line] == []
    text = re.sub(".\x08", "", mandoc("-Tascii"))
    for word in {"millrace": ("show flows", "ban ADDRESS [in SET]", "NO_COLOR"),
                 "millraced": ("--config", "--check", "SIGTERM"),
                 "millrace.yaml": ("interfaces.NAME.addresses", "firewall.input[].action",
                                   "Without it: adaptive")}[page]:
        assert word in text, f"{word} is not in {page}"
    assert max(map(len, text.splitlines())) <= 80
