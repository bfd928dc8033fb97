# SPDX-License-Identifier: BSD-3-Clause
"""FTP and TFTP by real programs, with helpers and without, on 1, 2 and 4 workers.

    pc1 (clients)   --+                                           +-- srv (vsftpd, in.tftpd)
       198.18.0.9     +-- [ router: masquerade by 203.0.113.2 ] --+
    pc2 (vsftpd)    --+        port 21 forwarded to pc2           +-- far (clients)
       198.18.0.8

Both hosts have a short address beside their own, so that what they say of it grows on its way out:
all that follows on the control connection has other numbers at its two ends. The firewall lets
nothing pass but connections to ports 21 and 69, and SIP: every data connection that comes through
was announced.
"""

import ftplib
import hashlib
import os
import socket

import pytest
from conftest import cores_for
from home import PCS, ROUTER_WAN4, SERVER4, SERVER6
from lab import wait_for
from nat_lab import NatLab, socket_of

SHORT1, SHORT2 = "198.18.0.9", "198.18.0.8"
NAT = f"""
  - {{ masquerade: wan }}
  - {{ forward: {{ protocol: tcp, ports: 21, to: {SHORT2} }}, interface: wan }}
"""
FIREWALL = """
zones:
  house: { interfaces: lan }
  internet: { interfaces: wan }
firewall:
  input:
    - { from: house, action: accept }
    - { protocol: [icmp, icmp6], action: accept }
  forward:
    - { from: house, protocol: tcp, port: 21, action: accept }
    - { from: house, protocol: udp, port: [69, 5060], action: accept }
    - { from: internet, protocol: tcp, port: 21, dnat: true, action: accept }
    - { protocol: [icmp, icmp6], action: accept }
"""
HELPERS = """
flows:
  helpers: { ftp: 21, tftp: 69 }
"""
# without `pasv_address` a server inside says its own address, which nobody outside knows
VSFTPD_CONF = """
listen=NO
listen_ipv6=YES
background=NO
anonymous_enable=YES
local_enable=NO
anon_root={dir}/ftp
anon_upload_enable=YES
write_enable=YES
secure_chroot_dir={dir}/empty
connect_from_port_20=YES
seccomp_sandbox=NO
xferlog_enable=NO
session_support=NO
"""
FILE_BYTES = 1 << 20
MODES = {
    "passive-epsv": ("--ftp-pasv",),
    "passive-pasv": ("--ftp-pasv", "--disable-epsv"),
    "active-eprt": ("--ftp-port", "-"),
    "active-port": ("--ftp-port", "-", "--disable-eprt"),
    "active-port-grows": ("--ftp-port", SHORT1, "--disable-eprt", "--interface", SHORT1),
    "active-eprt-grows": ("--ftp-port", SHORT1, "--interface", SHORT1),
}
BY_MODE = pytest.mark.parametrize("mode", MODES)


def start_ftp_server(lab, host):
    conf = lab.dir / "vsftpd.conf"
    if not conf.exists():
        for name in ("ftp/in", "empty"):
            (lab.dir / name).mkdir(parents=True)
        (lab.dir / "ftp").chmod(0o555)
        (lab.dir / "ftp/in").chmod(0o777)
        lab.dir.chmod(0o755)
        (lab.dir / "ftp/file").write_bytes(os.urandom(FILE_BYTES))
        conf.write_text(VSFTPD_CONF.format(dir=lab.dir))
    server = lab.start(host, f"vsftpd-{host}", "vsftpd", conf)
    lab.wait_port(host, 21, server)


def start(lab, workers, helpers):
    for host in ("srv", "pc2"):
        start_ftp_server(lab, host)
    lab.ip("pc1", f"addr add {SHORT1}/24 dev eth0")
    lab.ip("pc2", f"addr add {SHORT2}/24 dev eth0")
    tftp = lab.start("srv", "tftpd", "in.tftpd", "-L", "-s", "-a", ":69", lab.dir / "ftp")
    lab.wait_port("srv", 69, tftp, "udp")
    lab.start_nat(cores_for(workers), nat=NAT, firewall=FIREWALL, extra=helpers)


@pytest.fixture(scope="module", params=[
    pytest.param(n, id=f"{n}w", marks=pytest.mark.xdist_group(f"helpers-{n}w")) for n in (1, 2, 4)])
def helped(request):
    with NatLab() as lab:
        start(lab, request.param, HELPERS)
        yield lab


@pytest.fixture(scope="module")
def unhelped():
    with NatLab() as lab:
        start(lab, 2, "")
        yield lab


def curl(lab, host, url, *options, seconds=8):
    """Its exit code, and the digest of what it got."""
    got = lab.dir / f"got-{host}"
    got.unlink(missing_ok=True)
    done = lab.run(host, "curl", "-sS", "--noproxy", "*", "--connect-timeout", 3, "--max-time", seconds,
                   *options, "-o", got, url, check=False, timeout=seconds + 5)
    return done, hashlib.sha256(got.read_bytes()).hexdigest() if got.exists() else None


def is_fetched(lab, host, server, *options):
    name = f"[{server}]" if ":" in server else server
    wanted = hashlib.sha256((lab.dir / "ftp/file").read_bytes()).hexdigest()
    done, got = curl(lab, host, f"ftp://{name}/file", *options)
    if done.returncode == 0:
        assert got == wanted
    return done.returncode == 0 or done.stderr


@BY_MODE
@pytest.mark.parametrize("server", [SERVER4, SERVER6], ids=["ipv4", "ipv6"])
def test_a_client_inside(helped, server, mode):
    """IPv4 masqueraded, IPv6 past the firewall alone; a session of three transfers each."""
    if ":" in server and mode not in ("passive-epsv", "active-eprt"):
        pytest.skip("IPv4 alone")
    for _ in range(3):
        assert is_fetched(helped, "pc1", server, *MODES[mode]) is True
    assert helped.counts("helper_refused")["helper_refused"] == 0


@pytest.mark.parametrize("mode", ["passive-epsv", "passive-pasv"])
def test_a_server_inside_behind_a_port_forward(helped, mode):
    """vsftpd says its own address, of which the router makes its."""
    before = helped.counts("helper_")
    for _ in range(3):
        assert is_fetched(helped, "far", ROUTER_WAN4, *MODES[mode]) is True
    after = helped.counts("helper_")
    for name in ("helper_expected", "helper_related"):
        assert after[name] - before[name] == 3, name


@pytest.mark.parametrize("mode", ["active-eprt", "active-port"])
def test_a_server_inside_calls_a_client_outside(helped, mode):
    assert is_fetched(helped, "far", ROUTER_WAN4, *MODES[mode]) is True


def fetched_at(lab, port):
    """What an FTP client of pc1's gets whose data connection is to come to that port of its."""
    pc1 = PCS["pc1"][0]
    listener = socket_of(lab, "pc1", socket.SOCK_STREAM, (pc1, port), timeout=8)
    control = socket_of(lab, "pc1", socket.SOCK_STREAM, (pc1, 0), timeout=8)
    with ftplib.FTP() as ftp, listener:
        listener.listen()
        control.connect((SERVER4, 21))
        ftp.sock, ftp.af, ftp.file = control, control.family, control.makefile("r", encoding=ftp.encoding)
        ftp.getresp()
        ftp.login()
        ftp.voidcmd("TYPE I")
        ftp.sendeprt(pc1, port)
        ftp.putcmd("RETR file")
        with listener.accept()[0] as data:
            got = b"".join(iter(lambda: data.recv(1 << 16), b""))
        ftp.getresp()
        ftp.voidresp()
    return got


def test_a_client_waits_at_the_same_port_again(helped):
    """The flow of the transfer before is there still, and has its tuple: another port of the
    server's tells the two apart. An ephemeral port that comes twice meets the same, now and then."""
    wanted = (helped.dir / "ftp/file").read_bytes()
    for _ in range(3):
        assert fetched_at(helped, 42000) == wanted


@pytest.mark.parametrize("passive", ["true", "false"])
def test_many_transfers_in_one_session(helped, passive):
    """Each PORT or PASV moves the numbers of the control connection a little further."""
    out = helped.dir / "lftp"
    gets = "".join(f"get file -o {out}-{i};" for i in range(6))
    helped.run("pc1", "lftp", "-e",
               f"set net:timeout 4; set net:max-retries 1; set ftp:passive-mode {passive};"
               f"set ftp:use-feat false; set net:socket-bind-ipv4 {SHORT1}; {gets} ls; quit",
               f"ftp://{SERVER4}", timeout=60)
    wanted = (helped.dir / "ftp/file").read_bytes()
    for i in range(6):
        got = helped.dir / f"lftp-{i}"
        assert got.read_bytes() == wanted
        got.unlink()


def test_an_upload(helped):
    name = os.urandom(4).hex()
    source = helped.dir / "ftp/file"
    helped.run("pc1", "curl", "-sS", "--noproxy", "*", "--max-time", 8, "--ftp-port", "-", "-T", source,
               f"ftp://{SERVER4}/in/{name}", timeout=12)
    assert (helped.dir / "ftp/in" / name).read_bytes() == source.read_bytes()


def test_tftp(helped):
    wanted = (helped.dir / "ftp/file").read_bytes()
    for server in (SERVER4, SERVER6):
        got = helped.dir / "tftp-got"
        got.unlink(missing_ok=True)
        helped.run("pc1", "tftp", "-m", "binary", server, "-c", "get", "file", got, timeout=20)
        assert got.read_bytes() == wanted


def test_two_transfers_of_one_tftp_client(helped):
    """The same port asks again: it is expected again."""
    wanted = (helped.dir / "ftp/file").read_bytes()
    got = [helped.dir / f"tftp-{i}" for i in range(2)]
    lines = "".join(f"get file {path}\n" for path in got)
    helped.run("pc1", "tftp", "-m", "binary", SERVER4, stdin=lines, timeout=20)
    for path in got:
        assert path.read_bytes() == wanted
        path.unlink()


def test_without_helpers_data_connections_are_strangers(unhelped):
    for mode in ("passive-epsv", "active-eprt", "active-port"):
        assert is_fetched(unhelped, "pc1", SERVER4, *MODES[mode]) is not True, mode
    assert is_fetched(unhelped, "far", ROUTER_WAN4, "--ftp-pasv") is not True
    done, _ = curl(unhelped, "pc1", f"tftp://{SERVER4}/file", seconds=3)
    assert done.returncode != 0
    assert unhelped.counts("helper_")["helper_expected"] == 0


def test_who_speaks_sip_is_named_once_and_left_alone(unhelped):
    server = socket_of(unhelped, "srv", socket.SOCK_DGRAM, (SERVER4, 5060))
    message = f"REGISTER sip:{SERVER4} SIP/2.0\r\nContact: <sip:{SHORT1}:5060>\r\n\r\n".encode()
    for port in (5060, 5062):
        phone = socket_of(unhelped, "pc1", socket.SOCK_DGRAM, (SHORT1, port))
        phone.sendto(message, (SERVER4, 5060))
        assert server.recvfrom(2000) == (message, (ROUTER_WAN4, port))
        phone.close()
    server.close()
    wait_for(lambda: "speaks SIP" in unhelped.router.output(), "a line in the log", 5)
    assert unhelped.router.output().count(f"{SHORT1}: speaks SIP") == 1
    assert unhelped.counts("sip_seen")["sip_seen"] == 2
