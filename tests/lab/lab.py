# SPDX-License-Identifier: BSD-3-Clause
"""A lab: hosts as network namespaces, wires as veth pairs, programs that run in them.

Whatever a lab makes has the lab's unique name in it or is written down in its state file, so that
labs run in parallel, and so that what a killed lab left behind is swept away by the next one.
Standard library only; needs root, iproute2, ethtool and util-linux.
"""

import fcntl
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

HUGEPAGES = Path("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages")
# one file a lab: who made it, and what; elsewhere for a test that ends kept labs
STATE_DIR = Path(os.environ.get("MILLRACE_LAB_STATE", "/run/millrace-lab"))
ETC_NETNS = Path("/etc/netns")  # `ip netns exec` puts what is in here over /etc
OFFLOADS = ("rx", "tx", "sg", "tso", "gso", "gro", "rxvlan", "txvlan")  # off: frames as on a wire
SANITIZER_MARKS = ("AddressSanitizer", "LeakSanitizer", "runtime error:", "ThreadSanitizer")


class LabError(Exception):
    """Something in the lab did not work; the text says what, for a person."""


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP: unwinds like Ctrl-C does, so that everything is cleaned up."""

    def __init__(self, signum):
        super().__init__(signal.Signals(signum).name)
        self.signum = signum


def exit_status(program, run):
    """What a program made of labs ends with: what `run()` returns, or the reason on stderr."""
    try:
        return run()
    except LabError as e:
        print(f"{program}: {e}", file=sys.stderr)
        return 1
    except Terminated as e:
        print(f"{program}: {e}; the lab is cleaned up.", file=sys.stderr)
        return 128 + e.signum
    except KeyboardInterrupt:
        print(f"\n{program}: interrupted; the lab is cleaned up.", file=sys.stderr)
        return 130


def wait_for(condition, what, timeout=10.0, interval=0.02):
    """The first true value that `condition()` returns; LabError naming `what` after `timeout` s."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise LabError(f"waited {timeout:g} s in vain for {what}")
        time.sleep(interval)


def run_command(argv, timeout=30, check=True, stdin=None):
    """Runs a command to its end, output as text. LabError when it fails and `check` is set."""
    argv = [str(a) for a in argv]
    try:
        done = subprocess.run(argv, input=stdin, stdin=None if stdin else subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired as e:
        raise LabError(f"{' '.join(argv)}: not done after {timeout:g} s") from e
    except FileNotFoundError as e:
        raise LabError(f"{argv[0]}: not installed") from e
    if check and done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip())[-2000:]
        raise LabError(f"{' '.join(argv)}: exit code {done.returncode}: {said}")
    return done


def process_birth(pid):
    """When a process started, in ticks since boot: with its pid, its identity. None when gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat[stat.rindex(")") + 2:].split()
    return None if fields[0] in "ZX" else int(fields[19])


class Process:
    """A program that runs in a host, its output in a log file."""

    def __init__(self, host, name, popen, log):
        self.host = host
        self.name = name
        self.popen = popen
        self.pid = popen.pid
        self.log = log

    def is_alive(self):
        return self.popen.poll() is None

    def output(self):
        return self.log.read_text(errors="replace")

    def tail(self, lines=40):
        return "\n".join(self.output().splitlines()[-lines:])

    def check_sanitizers(self):
        text = self.output()
        for mark in SANITIZER_MARKS:
            if mark in text:
                raise LabError(f"{self.name}: a sanitizer spoke up:\n{text[text.index(mark):][:4000]}")

    def stop(self, signum=signal.SIGTERM, timeout=10.0):
        """Asks it to end and returns its exit code; LabError if it had to be killed."""
        if self.is_alive():
            self.popen.send_signal(signum)
        try:
            return self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            raise LabError(f"{self.name}: still running {timeout:g} s after "
                           f"{signal.Signals(signum).name}; killed. Its last words:\n{self.tail()}") from None


class Lab:
    """Use it as a context manager; what it made is gone afterwards, however the block is left."""

    def __init__(self, kept=False):
        self.is_kept = kept  # stays up when the block is left without an exception
        self.name = f"millrace-{os.getpid()}-{secrets.token_hex(2)}"
        self.hosts = {}  # short name -> namespace
        self.processes = []
        self.dir = None
        self.hugepages = 0  # reserved by this lab, given back with it
        self._old_handlers = {}

    # --- coming and going ---

    def __enter__(self):
        if os.geteuid() != 0:
            raise LabError("a lab makes network namespaces, which takes root")
        sweep()
        self._catch_signals()
        try:
            self.dir = Path(tempfile.mkdtemp(prefix=self.name + "."))
            self.dir.chmod(0o755)  # a test may run a program as nobody
            self._write_state()
            self.setup()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind, value, traceback):
        try:
            if kind is None:
                self.finish()
        finally:
            if kind is None and self.is_kept:
                self._write_state(kept=True)
                self._restore_signals()
            else:
                self.close()
        return False

    def setup(self):
        """For topologies: make hosts and wires. Called once on entry."""

    def finish(self):
        """For topologies: last checks while everything still stands."""

    def close(self):
        """Ends all processes and removes all that the lab made. Safe at any time, and twice."""
        held = hold_signals()
        try:
            for process in reversed(self.processes):
                if process.is_alive():
                    process.popen.terminate()
            for process in reversed(self.processes):
                try:
                    process.popen.wait(3)
                except subprocess.TimeoutExpired:
                    process.popen.kill()
                    process.popen.wait()
            self.processes.clear()
            remove_lab(self._state())
            self.hosts.clear()
            self.dir = None
            self.hugepages = 0
        finally:
            release_signals(held)
            self._restore_signals()

    def _state(self, kept=False):
        return {"name": self.name, "pid": os.getpid(), "birth": process_birth(os.getpid()),
                "namespaces": list(self.hosts.values()), "dir": str(self.dir) if self.dir else None,
                "hugepages": self.hugepages, "kept": kept}

    def _write_state(self, kept=False):
        STATE_DIR.mkdir(mode=0o755, exist_ok=True)
        fresh = STATE_DIR / f".{self.name}"
        fresh.write_text(json.dumps(self._state(kept)))
        fresh.rename(STATE_DIR / f"{self.name}.json")

    def _catch_signals(self):
        if threading.current_thread() is not threading.main_thread():
            return

        def unwind(signum, frame):
            raise Terminated(signum)

        for signum in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(signum) == signal.SIG_DFL:
                self._old_handlers[signum] = signal.signal(signum, unwind)

    def _restore_signals(self):
        while self._old_handlers:
            signum, handler = self._old_handlers.popitem()
            signal.signal(signum, handler)

    # --- hosts and wires ---

    def add_host(self, host):
        """A host with nothing but a loopback interface, which answers without rate limits."""
        namespace = f"{self.name}-{host}"
        self.hosts[host] = namespace
        self._write_state()  # before it exists: a sweep then finds it whatever happens
        run_command(["ip", "netns", "add", namespace])
        self.ip(host, "link set lo up")
        self.sysctl(host, {
            "net.ipv4.icmp_ratelimit": 0,
            "net.ipv6.icmp.ratelimit": 0,
            "net.ipv6.conf.all.accept_dad": 0,
            "net.ipv6.conf.default.accept_dad": 0,
            "net.ipv6.conf.default.accept_ra": 0,
            "net.ipv6.conf.default.router_solicitations": 0,
        })

    def namespace(self, host):
        return self.hosts[host]

    def add_wire(self, host_a, dev_a, host_b, dev_b, mtu=1500):
        """A cable between two hosts: a veth pair that is up, without offloads on either end."""
        self.ip(host_a, f"link add {dev_a} type veth peer name {dev_b} "
                        f"netns {self.namespace(host_b)}")
        for host, dev in ((host_a, dev_a), (host_b, dev_b)):
            self.ip(host, f"link set {dev} mtu {mtu}")
            self.offloads_off(host, dev)
            self.ip(host, f"link set {dev} up")

    def offloads_off(self, host, dev):
        switches = [word for offload in OFFLOADS for word in (offload, "off")]
        self.run(host, "ethtool", "-K", dev, *switches)

    def ip(self, host, command, check=True):
        """`ip <command>` in a host; the command as one string. Returns what it printed."""
        return run_command(["ip", "-n", self.namespace(host), *command.split()], check=check).stdout

    def ip_json(self, host, command):
        return json.loads(run_command(["ip", "-n", self.namespace(host), "-json",
                                       *command.split()]).stdout or "[]")

    def sysctl(self, host, settings):
        """Several at once; one that this kernel does not have is an error."""
        self.run(host, "sysctl", "-q", "-w", *(f"{key}={value}" for key, value in settings.items()))

    def has_device(self, host, dev):
        return self.ip(host, f"link show dev {dev}", check=False) != ""

    def set_resolver(self, host, server):
        """What /etc/resolv.conf says to programs in this host."""
        etc = ETC_NETNS / self.namespace(host)
        for _ in range(10):  # another lab may take the empty parent away in between
            try:
                etc.mkdir(parents=True, exist_ok=True)
                break
            except FileNotFoundError:
                continue
        (etc / "resolv.conf").write_text(f"nameserver {server}\n")

    def reserve_hugepages(self, wanted):
        """Up to that many of 2 MB for as long as the lab lives; returns how many it got."""
        try:
            with hugepages_locked():
                before = hugepages_reserved()
                HUGEPAGES.write_text(str(before + wanted))
                self.hugepages = max(0, hugepages_reserved() - before)
                self._write_state()
        except OSError:
            return 0
        return self.hugepages

    # --- programs ---

    def run(self, host, *argv, timeout=30, check=True, stdin=None):
        """Runs a command in a host to its end; see run_command."""
        return run_command(["ip", "netns", "exec", self.namespace(host), *argv],
                           timeout=timeout, check=check, stdin=stdin)

    def start(self, host, name, *argv, env=None):
        """Starts a program that goes on in the background. It dies with the lab, not by Ctrl-C."""
        log = self.dir / f"{host}-{name}.log"
        argv = ["ip", "netns", "exec", self.namespace(host), *(str(a) for a in argv)]
        with log.open("ab") as out:
            popen = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                     start_new_session=True, env={**os.environ, **(env or {})})
        process = Process(host, name, popen, log)
        self.processes.append(process)
        return process

    def wait_port(self, host, port, process, kind="tcp", timeout=10):
        """Until something listens on the port in that host; says so if the process died instead."""
        def is_listening():
            if not process.is_alive():
                raise LabError(f"{process.name} ended with code {process.popen.returncode}:\n"
                               f"{process.tail()}")
            flag = "-Hlnt" if kind == "tcp" else "-Hlnu"
            return f":{port} " in self.run(host, "ss", flag).stdout

        wait_for(is_listening, f"{process.name} to listen on {kind} port {port}", timeout)


# --- signals while cleaning up ---

def hold_signals():
    """Ctrl-C during the cleaning up must not leave half of it undone."""
    if threading.current_thread() is not threading.main_thread():
        return None
    return {s: signal.signal(s, signal.SIG_IGN)
            for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}


def release_signals(held):
    for signum, handler in (held or {}).items():
        signal.signal(signum, handler)


# --- removal: by what the state file says, so that it works for a lab of a dead process too ---

def is_in_namespace(pid, namespace):
    try:
        ours = os.stat(f"/run/netns/{namespace}")
        theirs = os.stat(f"/proc/{pid}/ns/net")
    except OSError:
        return False
    return (ours.st_dev, ours.st_ino) == (theirs.st_dev, theirs.st_ino)


def kill_namespace(namespace):
    """Kills what still runs in a namespace of ours, as children that a program left there, and
    waits until it has gone: a router's memory takes a moment."""
    listed = run_command(["ip", "netns", "pids", namespace], check=False)
    killed = {}
    for pid in (int(word) for word in listed.stdout.split()):
        if pid != os.getpid() and is_in_namespace(pid, namespace):
            killed[pid] = process_birth(pid)
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and any(
            birth is not None and process_birth(pid) == birth for pid, birth in killed.items()):
        time.sleep(0.01)


@contextmanager
def hugepages_locked():
    """Their number is read and written back, and stands in state files: one lab at a time."""
    with HUGEPAGES.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def hugepages_reserved():
    """Without those that were given back while a program still has them."""
    return int(HUGEPAGES.read_text()) - int(HUGEPAGES.with_name("surplus_hugepages").read_text())


def forget_lab(state):
    """The last that there is of it: its hugepages and its state file."""
    path = STATE_DIR / f"{state['name']}.json"
    try:
        if state.get("hugepages"):
            with hugepages_locked():
                if path.exists():  # else somebody else was faster
                    HUGEPAGES.write_text(str(max(0, hugepages_reserved() - state["hugepages"])))
                    path.unlink()
    except OSError:
        pass
    path.unlink(missing_ok=True)


def remove_lab(state):
    """Takes away everything of one lab. Idempotent."""
    for namespace in state["namespaces"]:
        if Path(f"/run/netns/{namespace}").exists():
            kill_namespace(namespace)
            run_command(["ip", "netns", "del", namespace], check=False)
        shutil.rmtree(ETC_NETNS / namespace, ignore_errors=True)
    if state["dir"]:
        shutil.rmtree(state["dir"], ignore_errors=True)
    forget_lab(state)
    try:
        ETC_NETNS.rmdir()  # only when empty
    except OSError:
        pass


def all_states():
    states = []
    for path in sorted(STATE_DIR.glob("*.json")):
        try:
            states.append(json.loads(path.read_text()))
        except (OSError, ValueError):
            continue  # another lab removed it, or it is none of ours
    return states


def hugepages_of_nobody():
    """The machine's, less those that labs have reserved at present; no lab changes that."""
    with hugepages_locked():
        return hugepages_reserved() - sum(state["hugepages"] for state in all_states())


def namespaces_of(pid):
    """Of the labs that a process has made, and not taken down."""
    listed = run_command(["ip", "netns", "list"])
    return [line.split()[0] for line in listed.stdout.splitlines()
            if line.startswith(f"millrace-{pid}-")]


def sweep():
    """Removes what labs left behind whose maker is dead. Never touches a living or kept one."""
    for state in all_states():
        if not state["kept"] and process_birth(state["pid"]) != state["birth"]:
            remove_lab(state)


def end_kept():
    """Ends the labs that were kept on purpose; returns their names."""
    kept = [s for s in all_states() if s["kept"]]
    for state in kept:
        remove_lab(state)
    return [s["name"] for s in kept]
