# SPDX-License-Identifier: BSD-3-Clause
"""The lab of the main job: a house, its router and an internet.

    pc1 --+                     rtr                       inet      +--- srv 198.51.100.10
          sw --- port-lan [ the router ] port-wan --- 203.0.113.1 --+
    pc2 --+     198.18.0.1             203.0.113.2                  +--- far 198.51.100.138

IPv6 beside it: 2001:db8:0:2::/64 in the house, 2001:db8:0:1::/64 to the internet, and
2001:db8:0:f::/64 and :e::/64 where the servers are. The internet has no route to 198.18.0.0/24:
who is not translated gets no answer. The wire to `far` has an MTU of 1400, and `far` does not say
so in its MSS: only path MTU discovery gets a bulk transfer there.
"""

import json
import os
from pathlib import Path

from lab import Lab, LabError, run_command, wait_for
from tools import UDP_REPORTER

REPO = Path(__file__).resolve().parents[2]
QUICKSTART = REPO / "cfg/examples/quickstart.yaml"

ROUTER_LAN4, ROUTER_LAN6 = "198.18.0.1", "2001:db8:0:2::1"
ROUTER_WAN4, ROUTER_WAN6 = "203.0.113.2", "2001:db8:0:1::2"
INET4, INET6 = "203.0.113.1", "2001:db8:0:1::1"
SERVER4, SERVER6 = "198.51.100.10", "2001:db8:0:f::10"
FAR4, FAR6 = "198.51.100.138", "2001:db8:0:e::10"
FAR_MTU = 1400
PCS = {"pc1": ("198.18.0.11", "2001:db8:0:2::11"), "pc2": ("198.18.0.12", "2001:db8:0:2::12")}
TAP_MACS = {"wan": "02:00:5e:00:53:01", "lan": "02:00:5e:00:53:02"}
SERVER_NAME = "www.millrace.test"
BIG_FILE_BYTES = 8 << 20

NFT_RULES = """
table ip nat {
	chain postrouting {
		type nat hook postrouting priority srcnat
		oifname "port-wan" masquerade
	}
}
"""

NGINX_CONF = """
user root;
worker_processes 1;
pid {dir}/nginx.pid;
error_log {dir}/nginx-error.log;
events {{ worker_connections 1024; }}
http {{
	access_log off;
	client_body_temp_path {dir}/nginx-body;
	proxy_temp_path {dir}/nginx-proxy;
	fastcgi_temp_path {dir}/nginx-fastcgi;
	uwsgi_temp_path {dir}/nginx-uwsgi;
	scgi_temp_path {dir}/nginx-scgi;
	default_type text/plain;
	server {{
		listen 80;
		listen [::]:80;
		root {dir}/www;
		location = / {{ return 200 "Hello from the internet, you are $remote_addr.\\n"; }}
		location = /address {{ return 200 "$remote_addr\\n"; }}
	}}
}}
"""


def build_dir():
    """Where millraced is; tests/run --sanitize points it elsewhere."""
    return Path(os.environ.get("MILLRACE_BUILD", REPO / "build"))


class HomeLab(Lab):
    """`wires`: "veth", or "tap" where the router makes the far ends itself."""

    def __init__(self, kept=False, wires="veth"):
        super().__init__(kept)
        self.wires = wires
        self.router = None  # the millraced under test
        self.socket = None

    def setup(self):
        for host in ("sw", "rtr", "inet", "srv", "far", *PCS):
            self.add_host(host)
        self.ip("sw", "link add br0 type bridge mcast_snooping 0 forward_delay 0")
        self.switch_without_opinions()
        self.ip("sw", "link set br0 up")
        for pc, (addr4, addr6) in PCS.items():
            self.add_wire("sw", pc, pc, "eth0")
            self.ip("sw", f"link set {pc} master br0")
            self.ip(pc, f"addr add {addr4}/24 dev eth0")
            self.ip(pc, f"addr add {addr6}/64 dev eth0 nodad")
            self.ip(pc, f"route add default via {ROUTER_LAN4}")
            self.ip(pc, f"route add default via {ROUTER_LAN6}")
            self.set_resolver(pc, SERVER4)
        self._add_internet()
        if self.wires == "veth":
            self.add_wire("rtr", "port-lan", "sw", "router")
            self.ip("sw", "link set router master br0")
            self.add_wire("rtr", "port-wan", "inet", "router")
            self._address_inet()

    def switch_without_opinions(self):
        """Where the kernel has br_netfilter, a bridge drops IP packets that it finds malformed."""
        for family in ("ip", "ip6", "arp"):
            if self.run("sw", "test", "-e", f"/proc/sys/net/bridge/bridge-nf-call-{family}tables",
                        check=False).returncode == 0:
                self.sysctl("sw", {f"net.bridge.bridge-nf-call-{family}tables": 0})

    def _add_internet(self):
        for host, mtu, net4, net6, addr4, addr6 in (
                ("srv", 1500, "198.51.100.1", "2001:db8:0:f::1", SERVER4, SERVER6),
                ("far", FAR_MTU, "198.51.100.129", "2001:db8:0:e::1", FAR4, FAR6)):
            self.add_wire("inet", host, host, "eth0", mtu=mtu)
            self.ip("inet", f"addr add {net4}/25 dev {host}")
            self.ip("inet", f"addr add {net6}/64 dev {host} nodad")
            self.ip(host, f"addr add {addr4}/25 dev eth0")
            self.ip(host, f"addr add {addr6}/64 dev eth0 nodad")
            self.ip(host, f"route add default via {net4} advmss 1460")
            self.ip(host, f"route add default via {net6} advmss 1440")
        self.sysctl("inet", {"net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1})

    def _address_inet(self):
        self.ip("inet", f"addr add {INET4}/24 dev router")
        self.ip("inet", f"addr add {INET6}/64 dev router nodad")
        self.ip("inet", f"route add 2001:db8:0:2::/64 via {ROUTER_WAN6}")

    # --- the internet's servers ---

    def start_servers(self):
        www = self.dir / "www"
        www.mkdir()
        (www / "big").write_bytes(os.urandom(1 << 20) * (BIG_FILE_BYTES >> 20))
        conf = self.dir / "nginx.conf"
        conf.write_text(NGINX_CONF.format(dir=self.dir))
        web = self.start("srv", "nginx", "nginx", "-c", conf, "-g", "daemon off;",
                         "-e", self.dir / "nginx-error.log")
        dns = self.start("srv", "dnsmasq", "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null",
                         "--user=root", "--pid-file=", "--no-resolv", "--no-hosts",
                         f"--listen-address={SERVER4},{SERVER6}", "--bind-interfaces",
                         f"--host-record={SERVER_NAME},{SERVER4},{SERVER6}")
        iperf = self.start("srv", "iperf3", "iperf3", "-s")
        far = self.start("far", "iperf3", "iperf3", "-s")
        udp = self.start("srv", "udp-reporter", "/usr/bin/python3", UDP_REPORTER, "serve", 7777)
        self.wait_port("srv", 80, web)
        self.wait_port("srv", 53, dns, "udp")
        self.wait_port("srv", 5201, iperf)
        self.wait_port("far", 5201, far)
        self.wait_port("srv", 7777, udp, "udp")

    # --- the router: ours, or the kernel's own for comparison ---

    def start_kernel_router(self):
        """The same job done by the kernel: forwarding, and masquerade by nftables."""
        for dev, addr4, addr6 in (("port-lan", f"{ROUTER_LAN4}/24", f"{ROUTER_LAN6}/64"),
                                  ("port-wan", f"{ROUTER_WAN4}/24", f"{ROUTER_WAN6}/64")):
            self.ip("rtr", f"addr add {addr4} dev {dev}")
            self.ip("rtr", f"addr add {addr6} dev {dev} nodad")
        self.ip("rtr", f"route add default via {INET4}")
        self.ip("rtr", f"route add default via {INET6}")
        self.sysctl("rtr", {"net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1})
        self.run("rtr", "nft", "-f", "-", stdin=NFT_RULES)

    def start_router(self, config, host="rtr", name="millraced", timeout=15, env=None, args=()):
        """Starts millraced on a config (a path, or the text) and waits until it forwards."""
        path = config
        if not isinstance(config, Path):
            path = self.dir / f"{name}.yaml"
            path.write_text(config)
        self.socket = self.dir / f"{name}.sock"
        self.router = self.start(host, name, build_dir() / "millraced", "-c", path,
                                 "-s", self.socket, *args, env=env)
        self.wait_router(timeout)
        if self.wires == "tap":
            self._plug_taps()
        return self.router

    def wait_router(self, timeout=15):
        def is_ready():
            if not self.router.is_alive():
                raise LabError(f"millraced ended with code {self.router.popen.returncode}:\n"
                               f"{self.router.tail()}")
            return self.socket.exists() and self.millrace("show", "interfaces", check=False) is not None

        wait_for(is_ready, "millraced to answer on its socket", timeout)

    def _plug_taps(self):
        self._plug_tap("port-lan", "sw")
        self._plug_tap("port-wan", "inet")
        self.ip("sw", "link set router master br0")
        self._address_inet()

    def _plug_tap(self, dev, host):
        """The kernel's end of a TAP port of the router's goes to where a veth's far end would be."""
        wait_for(lambda: self.has_device("rtr", dev), f"the router to make {dev}")
        self.ip("rtr", f"link set {dev} netns {self.namespace(host)}")
        self.ip(host, f"link set {dev} name router")
        self.offloads_off(host, "router")
        self.ip(host, "link set router up")

    def stop_router(self, timeout=10):
        """SIGTERM; the daemon must end by itself, with code 0 and nothing from a sanitizer."""
        router, self.router = self.router, None
        code = router.stop(timeout=timeout)
        self.processes.remove(router)
        router.check_sanitizers()
        if code != 0:
            raise LabError(f"millraced ended with code {code} on SIGTERM:\n{router.tail()}")
        return router

    def finish(self):
        if self.router and not self.is_kept:
            self.stop_router()

    def has_link_locals(self):
        """They come a moment after the interfaces."""
        interfaces = self.millrace("show", "interfaces")["interfaces"]
        return all(any(address.startswith("fe80:") for address in interface["addresses"])
                   for interface in interfaces)

    def millrace(self, *words, check=True):
        """What `millrace --json <words>` says, parsed; None when it failed and `check` is off."""
        done = run_command([build_dir() / "millrace", "-s", self.socket, "--json", *words],
                           check=check)
        if done.returncode != 0:
            return None
        return json.loads(done.stdout)

    def counts(self, *prefixes):
        """The packets of each counter whose name begins like that: drop_, punt_, ..."""
        return {counter["name"]: counter["packets"]
                for counter in self.millrace("show", "drops")["counters"]
                if counter["name"].startswith(prefixes)}

    def wait_path(self, timeout=15, targets=(SERVER4, SERVER6)):
        """Until a packet of each family gets from pc1 to the server and back."""
        for target in targets:
            wait_for(lambda t=target: self.run("pc1", "ping", "-n", "-c", 1, "-W", 1, t,
                                               check=False).returncode == 0,
                     f"pc1 to reach {target} through the router", timeout)


def port_words(driver, port):
    """Which device a port of a lab's router is on."""
    if driver == "tap":  # a MAC of its own, so that hosts know the router again when it restarts
        return f"tap-name: port-{port}, mac: {TAP_MACS[port]}"
    return f"match: {{ name: port-{port} }}"


def home_config(driver="auto", cores=(0,), wan_mtu=None):
    """What cfg/examples/quickstart.yaml says, with a driver, cores and an MTU of one's choice."""
    lines = [f"workers: {{ cores: [{', '.join(str(core) for core in cores)}] }}", "ports:"]
    for port in ("wan", "lan"):
        mtu = f", mtu: {wan_mtu}" if wan_mtu and port == "wan" else ""
        lines.append(f"  {port}: {{ driver: {driver}, {port_words(driver, port)}{mtu} }}")
    lines += [
        "interfaces:",
        f"  wan: {{ port: wan, addresses: [{ROUTER_WAN4}/24, '{ROUTER_WAN6}/64'] }}",
        f"  lan: {{ port: lan, addresses: [{ROUTER_LAN4}/24, '{ROUTER_LAN6}/64'] }}",
        "routes:",
        f"  - {{ to: 0.0.0.0/0, via: {INET4} }}",
        f"  - {{ to: '::/0', via: '{INET6}' }}",
        "nat:",
        "  - masquerade: wan",
    ]
    return "\n".join(lines) + "\n"
