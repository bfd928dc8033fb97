# SPDX-License-Identifier: BSD-3-Clause
"""systemd-networkd as a DHCP client in a lab's host: alone, without systemd around it or a bus.

It has a /run of its own, and /sys read-only, which tells it that no udev names its interfaces.
"""

SETUP = """
mount -t tmpfs none /run
mount -o remount,ro,bind /sys
mkdir -p /run/systemd/network /run/systemd/netif/links /run/systemd/netif/leases /run/systemd/netif/lldp
chown -R systemd-network:systemd-network /run/systemd/netif
cp {network} /run/systemd/network/
export SYSTEMD_LOG_LEVEL=debug SYSTEMD_LOG_TARGET=console
exec /lib/systemd/systemd-networkd
"""

NETWORK = """[Match]
Name=eth0
[Network]
DHCP=ipv4
LinkLocalAddressing=no
IPv6AcceptRA=no
[DHCPv4]
Hostname={hostname}
{more}
"""


def start_networkd(lab, host, hostname, more=""):
    """Its output tells what it does; ended by SIGTERM, it gives its address back."""
    network = lab.dir / f"{host}.network"
    network.write_text(NETWORK.format(hostname=hostname, more=more))
    return lab.start(host, "networkd", "unshare", "-m", "sh", "-ec", SETUP.format(network=network))
