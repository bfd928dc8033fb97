# SPDX-License-Identifier: BSD-3-Clause
"""Who may say what to the router's socket: real processes with the credentials of each kind."""

import json
import stat

import pytest
from api_lab import ADMINS, READERS, ApiLab
from home import build_dir
from lab import run_command

USER = 61000

# as whom, by setpriv: who, their own group, their other groups
PEOPLE = {
    "stranger": (USER, USER, []),
    "stranger of many groups": (USER, USER, [61003, 61004, 100]),
    "reader": (USER, READERS, []),
    "reader besides": (USER, USER, [100, READERS]),
    "admin": (USER, ADMINS, []),
    "admin besides": (USER, USER, [100, ADMINS, READERS]),
    "root": (0, 0, []),
    "root in another group": (0, USER, []),
}


@pytest.fixture(scope="module")
def lab():
    with ApiLab() as lab:
        lab.start_api()
        yield lab


def ask_as(lab, person, *words):
    uid, gid, others = PEOPLE[person]
    groups = f"--groups={','.join(map(str, others))}" if others else "--clear-groups"
    caps = [] if uid == 0 else ["--inh-caps=-all", "--bounding-set=-all"]
    return run_command(["setpriv", f"--reuid={uid}", f"--regid={gid}", groups, *caps,
                        build_dir() / "millrace", "-s", lab.socket, "--json", *words], check=False)


@pytest.mark.parametrize("person", PEOPLE)
def test_each_may_read_who_is_in_a_group_of_the_routers(lab, person):
    done = ask_as(lab, person, "show", "interfaces")
    if person.startswith("stranger"):
        assert done.returncode == 1 and "no permission" in done.stderr, done
        assert "millrace-admin" in done.stderr, "it says whom to join"
    else:
        assert {one["name"] for one in json.loads(done.stdout)["interfaces"]} == {"lan", "wan"}


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("words", [("ban", "198.51.100.66"), ("unban", "198.51.100.77"),
                                   ("sets", "reload", "banned")], ids=lambda words: words[0])
def test_only_an_admin_may_change_something(lab, person, words):
    lab.millrace("ban", "198.51.100.77")
    lab.millrace("unban", "198.51.100.66", check=False)
    before = lab.millrace("show", "set", "banned")
    done = ask_as(lab, person, *words)
    entries = [one["address"] for one in lab.millrace("show", "set", "banned")["entries"]]
    if person.startswith(("admin", "root")):
        assert "permission" not in done.stderr and "is for" not in done.stderr, done
        assert (words[0] != "ban" or "198.51.100.66/32" in entries)
        assert (words[0] != "unban" or "198.51.100.77/32" not in entries)
    else:
        assert done.returncode == 1, done
        assert "is for root and for the group millrace-admin" in done.stderr \
            or "no permission" in done.stderr, done
        assert entries == [one["address"] for one in before["entries"]]


def test_the_kernel_lets_nobody_else_connect(lab):
    status = lab.socket.stat()
    assert (status.st_uid, status.st_gid) == (0, READERS)
    assert stat.S_IMODE(status.st_mode) == 0o660


@pytest.mark.parametrize(("groups", "gid"), [
    ("root:x:0:\n", 0), (f"millrace-admin:x:{ADMINS}:\n", ADMINS), (f"millrace:x:{READERS}:\n", READERS)],
    ids=["no group", "admins only", "readers only"])
def test_a_group_that_is_not_there_gives_nobody_anything(groups, gid):
    with ApiLab(groups) as lab:
        lab.start_api()
        assert lab.socket.stat().st_gid == gid
        assert stat.S_IMODE(lab.socket.stat().st_mode) == (0o660 if gid else 0o600)
        for person in PEOPLE:
            may_read = person.startswith("root") or gid in (PEOPLE[person][1], *PEOPLE[person][2])
            assert (ask_as(lab, person, "show", "version").returncode == 0) == may_read, person
