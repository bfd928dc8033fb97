// SPDX-License-Identifier: BSD-3-Clause
// Ports without a card: a TAP made for a lab's host, memif between two DPDK processes, files of
// packets, and the null port, which swallows what it is sent and never receives.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cfg/base/log.h"
#include "drivers/eal.h"
#include "drivers/guard.h"
#include "drivers/port_private.h"
#include "drivers/tap_poll.h"

enum {
	TAP_QUEUES_MAX = 16, // of the driver
	MEMIF_BUFFERS_LOG2 = 10,
};

static int common(
	struct port *port, const struct port_spec *spec, uint16_t queues_max, struct error *err)
{
	port->info.mtu = spec->mtu != 0 ? spec->mtu : 1500;
	port->mtu_max = eal_mtu_max();
	port->info.n_rxq = port->info.n_txq = RTE_MIN(spec->n_queues, queues_max);
	if (port->info.mtu > port->mtu_max)
		return error_set(err, "MTU %u is larger than the %u that buffers were made for",
			port->info.mtu, port->mtu_max);
	return 0;
}

static int guard(struct port *port, const struct port_spec *spec, struct error *err)
{
	guard_rx(port);
	return 0;
}

static int tap_plug(struct port *port, const struct port_spec *spec, struct error *err)
{
	const char *name = spec->tap_name != NULL ? spec->tap_name : spec->name;
	char text[ADDR_STR_BYTES];
	char args[128];

	if (common(port, spec, TAP_QUEUES_MAX, err) < 0 ||
		port_check_argument(name, "TAP name", err) < 0)
		return -1;
	if (strlen(name) >= IFNAMSIZ)
		return error_set(
			err, "TAP name %s is longer than %d characters", name, IFNAMSIZ - 1);
	if (if_nametoindex(name) != 0)
		return error_set(err,
			"there is a network device %s already: give the TAP another name", name);
	if (access("/dev/net/tun", R_OK | W_OK) < 0)
		return error_set(err, "cannot make a TAP: /dev/net/tun: %s%s", strerror(errno),
			errno == ENOENT ? " (is the kernel module tun loaded?)"
					: " (this needs root)");
	if (spec->mac != NULL)
		snprintf(
			args, sizeof(args), "iface=%s,mac=%s", name, mac_addr_str(spec->mac, text));
	else
		snprintf(args, sizeof(args), "iface=%s", name);
	if (port_plug_vdev(port, "net_tap", args, "tap", err) < 0)
		return -1;
	snprintf(port->info.netdev, sizeof(port->info.netdev), "%s", name);
	return 0;
}

// The kernel's end is another host's card, so it must not have our port's address, which is what
// the driver gives it when it starts.
static int tap_started(struct port *port, struct error *err)
{
	const char *name = port->info.netdev;
	struct mac_addr mac = port->info.mac;
	int rc;

	mac.bytes[0] |= 2;
	mac.bytes[5] ^= 0x80;
	rc = netdev_set_mac(name, &mac);
	if (rc == 0)
		rc = netdev_set_mtu(name, port->info.mtu);
	if (rc < 0)
		return error_set(err, "cannot set up TAP %s: %s", name, strerror(-rc));
	return tap_poll_install(port, err);
}

// Removes the socket of a server that ended without doing so; one that answers is in use.
static int memif_clear_path(const char *path, struct error *err)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	bool is_alive;
	struct stat st;
	int fd;

	if (stat(path, &st) < 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return error_set(err, "%s is there and is no socket", path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_set(err, "cannot make a socket: %s", strerror(errno));
	snprintf(
		addr.sun_path, sizeof(addr.sun_path), "%.*s", (int)sizeof(addr.sun_path) - 1, path);
	is_alive = connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0;
	close(fd);
	if (is_alive)
		return error_set(err, "memif socket %s is already taken by another server", path);
	return unlink(path) < 0 ? error_set(err, "cannot remove %s: %s", path, strerror(errno)) : 0;
}

static int memif_plug(struct port *port, const struct port_spec *spec, struct error *err)
{
	const char *path = spec->memif_socket;
	char text[ADDR_STR_BYTES];
	char args[320];
	bool is_abstract;

	if (path == NULL || path[0] == '\0')
		return error_set(err, "a memif port needs a socket");
	is_abstract = path[0] == '@';
	if (common(port, spec, 8, err) < 0 || port_check_argument(path, "memif socket", err) < 0)
		return -1;
	if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return error_set(err, "memif socket %s is too long a path", path);
	if (!is_abstract && spec->memif_is_server && memif_clear_path(path, err) < 0)
		return -1;
	snprintf(args, sizeof(args),
		"role=%s,id=0,socket=%s,socket-abstract=%s,rsize=%d,bsize=%u%s%s",
		spec->memif_is_server ? "server" : "client", path + is_abstract,
		is_abstract ? "yes" : "no", MEMIF_BUFFERS_LOG2,
		RTE_ALIGN_CEIL((unsigned)port->mtu_max + EAL_FRAME_OVERHEAD, 1024u),
		spec->mac != NULL ? ",mac=" : "",
		spec->mac != NULL ? mac_addr_str(spec->mac, text) : "");
	return port_plug_vdev(port, "net_memif", args, "memif", err);
}

static int null_plug(struct port *port, const struct port_spec *spec, struct error *err)
{
	if (common(port, spec, 16, err) < 0)
		return -1;
	return port_plug_vdev(port, "net_null", "size=64,copy=0,no-rx=1", "null", err);
}

static int pcap_plug(struct port *port, const struct port_spec *spec, struct error *err)
{
	char args[1024];
	int n = 0;

	if (common(port, spec, 1, err) < 0)
		return -1;
	if (spec->pcap_rx == NULL && spec->pcap_tx == NULL)
		return error_set(err, "a pcap port needs a file to read or a file to write");
	if ((spec->pcap_rx != NULL && port_check_argument(spec->pcap_rx, "pcap file", err) < 0) ||
		(spec->pcap_tx != NULL && port_check_argument(spec->pcap_tx, "pcap file", err) < 0))
		return -1;
	if (spec->pcap_rx != NULL && access(spec->pcap_rx, R_OK) < 0)
		return error_set(err, "cannot read %s: %s", spec->pcap_rx, strerror(errno));
	args[0] = '\0';
	if (spec->pcap_rx != NULL)
		n = snprintf(args, sizeof(args), "rx_pcap=%s%s", spec->pcap_rx,
			spec->pcap_repeat ? ",infinite_rx=1" : "");
	if (spec->pcap_tx != NULL && n < (int)sizeof(args))
		n += snprintf(args + n, sizeof(args) - (size_t)n, "%stx_pcap=%s", n > 0 ? "," : "",
			spec->pcap_tx);
	if (n >= (int)sizeof(args))
		return error_set(err, "the names of the pcap files are too long");
	return port_plug_vdev(port, "net_pcap", args, "pcap", err);
}

static void nothing(struct port *port)
{
}

const struct driver tap_driver = {.kind = PORT_DRIVER_TAP,
	.plug = tap_plug,
	.ready = guard,
	.started = tap_started,
	.unplug = nothing};
const struct driver memif_driver = {
	.kind = PORT_DRIVER_MEMIF, .plug = memif_plug, .ready = guard, .unplug = nothing};
const struct driver null_driver = {.kind = PORT_DRIVER_NULL, .plug = null_plug, .unplug = nothing};
const struct driver pcap_driver = {
	.kind = PORT_DRIVER_PCAP, .plug = pcap_plug, .ready = guard, .unplug = nothing};
