# SPDX-License-Identifier: BSD-3-Clause
"""A virtual machine with network cards of its own, for what no network namespace has: PCI.

QEMU without KVM runs Debian's kernel, out of its package, never installed. The guest sees this
machine's root read-only over 9p, with memory laid over it, so that programs and libraries are the
ones here. Commands reach it over a virtio serial port (guest_agent.py), QEMU itself over QMP.
"""

import fcntl
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from lab import LabError, run_command, wait_for

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or "/var/cache") / "millrace-lab"
KERNEL_PACKAGE = "linux-image-amd64"
AGENT = Path(__file__).with_name("guest_agent.py")
CPU = "Nehalem"  # all that DPDK needs; to emulate AVX takes twice the time
SHELL_PACKAGE = "busybox-static"  # unpacked too: installed, it would push `busybox` out
BOOT_MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay", "virtio_console")

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
fail() {{ echo "guest: $*"; exec sleep 1000; }}
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
for module in {modules}; do insmod /modules/$module || fail "no module $module"; done
mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=512000 host /lower || fail "no 9p"
mount -t tmpfs tmpfs /upper
mkdir /upper/data /upper/work
mount -t overlay -o lowerdir=/lower,upperdir=/upper/data,workdir=/upper/work overlay /root ||
	fail "no overlay"
for dir in proc sys dev run lib/modules; do mkdir -p /root/$dir; done
mount -t tmpfs tmpfs /root/run
mount --bind /lower{kernel}/lib/modules /root/lib/modules || fail "no modules"
for dir in proc sys dev; do mount --move /$dir /root/$dir; done
mkdir -p /root/dev/shm
mount -t tmpfs tmpfs /root/dev/shm
hostname router
ip link set lo up
exec chroot /root /usr/bin/python3 -B {agent} /dev/vport{port} || fail "no agent"
"""


class locked:
    """One lab at a time fills the cache."""

    def __enter__(self):
        CACHE.mkdir(parents=True, exist_ok=True)
        self.file = (CACHE / "lock").open("w")
        fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *exception):
        self.file.close()


def download(package, into):
    """A package's file, unpacked; the lists are fetched anew when they are stale."""
    print(f"Downloading {package} for the guest", flush=True)
    for attempt in range(2):
        for old in into.parent.glob(f"{package}_*.deb"):  # of one that was cut off
            old.unlink()
        done = subprocess.run(["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", package],
                              cwd=into.parent, capture_output=True, text=True, timeout=300)
        if done.returncode == 0:
            break
        if attempt == 0:
            run_command(["apt-get", "update", "-qq"], timeout=300, check=False)
    else:
        raise LabError(f"apt-get download {package}: {done.stderr.strip()}")
    [file] = into.parent.glob(f"{package}_*.deb")
    run_command(["dpkg-deb", "-x", file, into], timeout=120)
    file.unlink()


def kernel_package():
    """The package that KERNEL_PACKAGE stands for at present."""
    for attempt in range(2):
        depends = run_command(["apt-cache", "depends", KERNEL_PACKAGE], check=False).stdout
        names = re.findall(r"Depends: (linux-image-\d\S*)", depends)
        if names:
            return names[0]
        if attempt == 0:
            run_command(["apt-get", "update", "-qq"], timeout=300, check=False)
    raise LabError(f"apt knows no package {KERNEL_PACKAGE}")


def unpacked(package):
    """The directory of a package that is used without being installed."""
    into = CACHE / package
    with locked():
        if not (into / "complete").exists():
            kind = re.match(r"[a-z-]+", package)[0]
            for old in CACHE.glob(f"{kind}*"):  # kernels come and go
                shutil.rmtree(old, ignore_errors=True)
            download(package, into)
            for version in into.glob("lib/modules/*"):
                run_command(["depmod", "-b", into, version.name], timeout=60)
            (into / "complete").touch()
    return into


def boot_modules(kernel):
    """The modules that the guest needs to see its root, each after those that it needs."""
    [root] = (kernel / "lib/modules").iterdir()
    needs = {}
    for line in (root / "modules.dep").read_text().splitlines():
        path, _, rest = line.partition(":")
        needs[Path(path).name.split(".")[0].replace("-", "_")] = (path, rest.split())
    builtin = {Path(line).name.split(".")[0].replace("-", "_")
               for line in (root / "modules.builtin").read_text().splitlines()}
    files = []
    for name in BOOT_MODULES:
        if name in builtin:
            continue
        if name not in needs:
            raise LabError(f"{kernel.name} has no module {name}")
        path, before = needs[name]
        files += [root / p for p in (*reversed(before), path) if root / p not in files]
    return files


def initramfs(kernel, busybox, out):
    """BusyBox, the modules that lead to the root, and a script."""
    tree = out.with_suffix(".tree")
    for folder in ("bin", "proc", "sys", "dev", "lower", "upper", "root", "modules"):
        (tree / folder).mkdir(parents=True)
    shutil.copy(busybox, tree / "bin/busybox")
    files = boot_modules(kernel)
    for file in files:
        shutil.copy(file, tree / "modules")
    init = tree / "init"
    init.write_text(INIT.format(modules=" ".join(file.name for file in files), kernel=kernel,
                                agent=AGENT, port="0p1"))
    init.chmod(0o755)
    names = "\n".join(str(path.relative_to(tree)) for path in sorted(tree.rglob("*")))
    with out.open("wb") as archive:
        subprocess.run([busybox, "cpio", "-o", "-H", "newc"], cwd=tree, input=names.encode(),
                       stdout=archive, stderr=subprocess.DEVNULL, check=True, timeout=60)
    shutil.rmtree(tree)


class GuestProcess:
    """A program in the guest; what lab.Process is for one here."""

    def __init__(self, guest, name, pid, log):
        self.guest, self.name, self.pid, self.log = guest, name, pid, log
        self.code = None

    def is_alive(self):
        if self.code is None:
            self.code = self.guest.ask("poll", pid=self.pid)["code"]
        return self.code is None

    def output(self):
        return self.guest.run("cat", self.log).stdout

    def tail(self, lines=40):
        return "\n".join(self.output().splitlines()[-lines:])

    def stop(self, signum=15, timeout=20.0):
        self.code = self.guest.ask("stop", pid=self.pid, signum=signum, timeout=timeout,
                                   patience=timeout + 10)["code"]
        if self.code is None:
            raise LabError(f"{self.name}: still running {timeout:g} s after signal {signum}; "
                           f"killed. Its last words:\n{self.tail()}")
        return self.code


class Channel:
    """A unix socket of QEMU's that speaks JSON, a line each."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.pending = b""

    def send(self, message):
        self.socket.sendall(json.dumps(message).encode() + b"\n")

    def receive(self, timeout):
        """The next message; None when none came in time."""
        self.socket.settimeout(timeout)
        while b"\n" not in self.pending:
            try:
                part = self.socket.recv(65536)
            except TimeoutError:
                return None
            if not part:
                raise LabError("QEMU closed the line")
            self.pending += part
        line, _, self.pending = self.pending.partition(b"\n")
        return json.loads(line)


def channel_to(path):
    """None while nobody listens there: QEMU makes the file before it does."""
    try:
        return Channel(path)
    except (FileNotFoundError, ConnectionRefusedError):
        return None


class Guest:
    """`arguments`: what QEMU gets beside what every guest needs (network cards, an IOMMU)."""

    def __init__(self, lab, host, arguments, command_line="", cores=2, megabytes=2048):
        self.lab, self.n_started = lab, 0
        kernel = unpacked(kernel_package())
        initrd = lab.dir / "initrd"
        initramfs(kernel, unpacked(SHELL_PACKAGE) / "bin/busybox", initrd)
        [image] = (kernel / "boot").glob("vmlinuz-*")
        agent, qmp = lab.dir / "agent.sock", lab.dir / "qmp.sock"
        self.console = lab.dir / "console.log"
        self.process = lab.start(
            host, "qemu", "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none",
            "-machine", "q35,accel=tcg",
            "-cpu", CPU, "-smp", cores, "-m", megabytes, "-no-reboot",
            "-kernel", image, "-initrd", initrd,
            "-append", f"console=ttyS0 panic=-1 mitigations=off no_timer_check net.ifnames=0 {command_line}",
            "-serial", f"file:{self.console}",
            "-qmp", f"unix:{qmp},server=on,wait=off",
            "-chardev", f"socket,id=agent,path={agent},server=on,wait=off",
            "-device", "virtio-serial-pci", "-device", "virtserialport,chardev=agent,name=agent",
            "-fsdev", "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap",
            "-device", "virtio-9p-pci,fsdev=host,mount_tag=host", *arguments)
        self.qmp = self._wait(lambda: channel_to(qmp), "QEMU to start", 10)
        self.qmp.receive(10)
        self.monitor("qmp_capabilities")
        self.agent = self._wait(lambda: channel_to(agent), "QEMU to take an agent", 10)

    def _wait(self, condition, what, timeout):
        def is_true():
            if not self.process.is_alive():
                raise LabError(f"QEMU ended with code {self.process.popen.returncode}:\n"
                               f"{self.process.tail()}\n{self.said()}")
            return condition()

        return wait_for(is_true, what, timeout)

    def said(self):
        """The last lines on its console."""
        if not self.console.exists():
            return ""
        return "\n".join(self.console.read_text(errors="replace").splitlines()[-30:])

    def wait_boot(self, timeout=150):
        try:
            self._wait(lambda: self.agent.receive(1), "the guest to boot", timeout)
        except LabError as e:
            raise LabError(f"{e}\n{self.said()}") from None

    def monitor(self, command, **arguments):
        """A QMP command's answer."""
        self.qmp.send({"execute": command, "arguments": arguments})
        while True:
            answer = self.qmp.receive(10)
            if answer is None or "error" in answer:
                raise LabError(f"QEMU: {command}: {answer}")
            if "return" in answer:
                return answer["return"]

    def ask(self, verb, patience=30.0, **words):
        self.agent.send({"verb": verb, **words})
        answer = self.agent.receive(patience)
        if answer is None:
            raise LabError(f"the guest does not answer to {verb} {words}:\n{self.said()}")
        if "error" in answer:
            raise LabError(f"guest: {words.get('argv', verb)}: {answer['error']}")
        return answer

    def run(self, *argv, timeout=30, check=True, stdin=None):
        """Runs a command in the guest to its end; like lab.run_command."""
        argv = [str(a) for a in argv]
        answer = self.ask("run", argv=argv, stdin=stdin, timeout=timeout, patience=timeout + 10)
        if check and answer["code"] != 0:
            said = (answer["stderr"].strip() or answer["stdout"].strip())[-2000:]
            raise LabError(f"guest: {' '.join(argv)}: exit code {answer['code']}: {said}")
        return subprocess.CompletedProcess(argv, answer["code"], answer["stdout"], answer["stderr"])

    def start(self, name, *argv, env=None):
        self.n_started += 1
        log = f"/run/{name}-{self.n_started}.log"
        pid = self.ask("start", argv=[str(a) for a in argv], log=log, env=env or {})["pid"]
        return GuestProcess(self, name, pid, log)

    def write(self, path, text):
        self.ask("write", path=str(path), text=text)


if __name__ == "__main__":  # tests/run, before the first lab: what the guest boots is there
    try:
        unpacked(kernel_package())
        unpacked(SHELL_PACKAGE)
    except LabError as e:
        sys.exit(str(e))
