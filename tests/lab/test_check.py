# SPDX-License-Identifier: BSD-3-Clause
"""millrace check: what it says of a file to people and to programs, and how it ends. No router."""

import json
import re

import pytest
from home import build_dir
from lab import run_command

FILE = """\
ports: { p: { match: { name: eth1 } }, q: { match: { name: eth2 } } }
interfaces:
  wan: { port: p, addresses: 203.0.113.2/24 }
  lan: { port: q, addresses: 198.18.0.1/24 }
"""
DOUBTFUL = FILE + "sets:\n  friends: { addresses: 198.51.100.7 }\n"
WRONG = FILE + "routes:\n  - { to: 0.0.0.0/0, via: 192.0.2.1 }\n  - { to: default }\n"
DOUBT = "set friends: no rule asks for it"


@pytest.fixture
def check(tmp_path):
    def run(text, *options):
        path = tmp_path / "router.yaml"
        path.write_text(text)
        done = run_command([build_dir() / "millrace", "check", *options, path], check=False)
        return done.returncode, done.stdout, done.stderr.replace(str(path), "FILE")
    return run


def test_a_warning_has_its_place_its_id_and_its_fix(check):
    code, out, err = check(DOUBTFUL)
    assert (code, out) == (0, "")
    assert err == (f"FILE:6:3: warning: {DOUBT} [set-unused]\n"
                   "    fix: name it in a rule, or delete it\n")


def test_strict_takes_no_warning(check):
    assert check(DOUBTFUL, "--strict")[0] == 1
    assert check(FILE, "--strict") == (0, "", "")
    assert check(WRONG, "--strict")[0] == 1


def test_warnings_that_are_meant(check, tmp_path):
    meant = DOUBTFUL + "accept-warnings: [{ id: set-unused, at: sets.friends }]\n"
    assert check(meant, "--strict") == (0, "", "FILE: 1 warning is accepted; --all shows it\n")
    assert check(meant, "--strict", "--all") == (
        0, "", f"accepted: FILE:6:3: warning: {DOUBT} [set-unused]\n"
               "    fix: name it in a rule, or delete it\n")
    assert check(meant, "--json") == (0, "[]\n", "")
    accepted, = json.loads(check(meant, "--json", "--all")[1])
    assert (accepted["severity"], accepted["id"], accepted["line"]) == ("accepted", "set-unused", 6)
    code, _, err = check(FILE + "accept-warnings: [{ id: set-unused }]\n", "--strict")
    assert code == 1 and "FILE:5:19: warning: accept-warnings: `set-unused` is not warned of" in err
    daemon = [build_dir() / "millraced", "--check", "--strict", "-c", tmp_path / "router.yaml"]
    (tmp_path / "router.yaml").write_text(meant)
    done = run_command(daemon, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_daemon_is_as_strict(tmp_path):
    path = tmp_path / "router.yaml"
    path.write_text(DOUBTFUL)
    daemon = [build_dir() / "millraced", "--check", "-c", path]
    assert run_command(daemon, check=False).returncode == 0
    strict = run_command([*daemon, "--strict"], check=False)
    assert strict.returncode == 1 and "[set-unused]" in strict.stderr


def test_programs_get_the_same(check, tmp_path):
    code, out, err = check(DOUBTFUL, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == [
        {"severity": "warning", "id": "set-unused", "file": str(tmp_path / "router.yaml"),
         "line": 6, "column": 3, "message": DOUBT, "fix": "name it in a rule, or delete it"}]
    code, out, err = check(WRONG, "--json")
    said = json.loads(out)
    assert (code, err) == (1, "")
    assert [(m["severity"], m["id"], m["line"], m["fix"]) for m in said] == [
        ("error", None, 6, None), ("error", None, 7, None), ("error", None, 7, None)], said
    assert check(FILE, "--json") == (0, "[]\n", "")


def test_programs_are_told_how_many_more_there_are(check):
    code, out, _ = check(FILE + "sets:\n" + "".join(f"  s{i}: {{ ports: {i + 1} }}\n"
                                                    for i in range(103)), "--json")
    said = json.loads(out)
    assert code == 0 and len(said) == 101
    assert said[-1]["message"] == "3 more" and said[-1]["line"] is None


def test_a_path_that_is_no_utf8_is_still_json(tmp_path):
    (tmp_path / "more").mkdir()
    with open(bytes(tmp_path) + b"/more/\xff.yaml", "w", encoding="ascii") as f:
        f.write(DOUBTFUL)
    path = tmp_path / "router.yaml"
    path.write_text("include: more\n")
    done = run_command([build_dir() / "millrace", "check", "--json", path])
    assert json.loads(done.stdout)[0]["file"].endswith("/?.yaml")


def test_the_list_has_all_that_it_can_say():
    said = run_command([build_dir() / "millrace", "check", "--list"]).stdout
    kinds = json.loads(run_command([build_dir() / "millrace", "check", "--list", "--json"]).stdout)
    assert [kind["id"] for kind in kinds] == [
        line for line in said.splitlines() if not line.startswith(" ")]
    assert "set-unused" in said and max(map(len, said.splitlines())) <= 80
    assert all(kind["message"] and kind["fix"] for kind in kinds)


@pytest.mark.parametrize("words", [["check"], ["check", "a", "b"], ["check", "--list", "a"]],
                         ids=" ".join)
def test_what_it_does_not_understand_it_says(words):
    done = run_command([build_dir() / "millrace", *words], check=False)
    assert done.returncode == 2 and "check" in done.stderr


def test_a_rule_of_another_file_is_named_by_its_file(check, tmp_path):
    (tmp_path / "first.yaml").write_text(
        "firewall: { input: [{ in-interface: lan, action: accept }] }\n")
    code, _, err = check("include: first.yaml\n" + FILE +
                         "firewall: { input: [{ in-interface: lan, port: 22, action: drop }] }\n")
    assert code == 0
    assert re.fullmatch(  # of a long path, its end
        r"FILE:6:21: warning: .* the one on line 1 of \S*/first.yaml takes all that it is about "
        r"\[rule-shadowed\]\n    fix: move it before line 1 of \S*/first.yaml, or delete it\n",
        err), err
