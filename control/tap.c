// SPDX-License-Identifier: BSD-3-Clause
#include "control/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netlink/route/link.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cfg/base/log.h"

enum { TX_QUEUE_PACKETS = 1000 };

// Of this device only: the machine's own forwarding switch is none of our business. It decides
// what becomes of packets that go up because their route leads over another of its devices.
static const struct setting {
	const char *family;
	const char *name;
	const char *value;
	bool is_needed; // worth a warning; the others have the right value nearly everywhere
} settings[] = {
	// Replies may come by another interface than the kernel's own reverse path; the workers see
	// to spoofed sources.
	{"ipv4", "rp_filter", "0", false},
	// RFC 4861 6.2.2: a router's advertisements carry the R flag, which the kernel sets for a
	// device that forwards. It forwards nothing as long as net.ipv6.conf.all.forwarding is 0.
	{"ipv6", "forwarding", "1", true},
	{"ipv6", "accept_ra", "0", true},
	{"ipv6", "accept_redirects", "0", false},
	{"ipv6", "addr_gen_mode", "0", false}, // link-local address by EUI-64 of the MAC
	{"ipv6", "ndisc_notify", "1", false},  // as announce.c does for IPv4
	{"ipv6", "disable_ipv6", "0", false},
};

static void path_of(
	char *out, size_t out_bytes, const char *family, const char *device, const char *name)
{
	snprintf(out, out_bytes, "/proc/sys/net/%s/conf/%s/%s", family, device, name);
}

static int write_file(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t done;
	int saved;

	if (fd < 0)
		return -errno;
	done = write(fd, value, strlen(value));
	saved = errno;
	close(fd);
	return done < 0 ? -saved : 0;
}

// Whether that is what it says already. To write it again may do more than nothing.
static bool file_says(const char *path, const char *value)
{
	char text[16] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return strcmp(text, value) == 0;
}

static int write_setting(const char *device, const struct setting *setting)
{
	char path[128];

	path_of(path, sizeof(path), setting->family, device, setting->name);
	return file_says(path, setting->value) ? 0 : write_file(path, setting->value);
}

static void write_settings(const char *device)
{
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		const struct setting *s = &settings[i];
		int rc = write_setting(device, s);

		if (rc == 0)
			continue;
		if (s->is_needed)
			log_warning(log_object("interface", device).text,
				"cannot set net.%s.conf.%s.%s to %s: %s", s->family, device,
				s->name, s->value, strerror(-rc));
		else
			log_debug(log_object("interface", device).text,
				"cannot set net.%s.conf.%s.%s to %s: %s", s->family, device,
				s->name, s->value, strerror(-rc));
	}
}

// The device forwards IPv6 from its birth: who turns that on later, on any device, makes the kernel
// forget what all others have learned from advertisements, the machine's own default route too.
static int make_device(int fd, struct ifreq *req)
{
	char path[128];
	bool is_changed;
	int rc;

	path_of(path, sizeof(path), "ipv6", "default", "forwarding");
	is_changed = file_says(path, "0") && write_file(path, "1") == 0;
	rc = ioctl(fd, TUNSETIFF, req) == 0 ? 0 : -errno;
	if (is_changed)
		write_file(path, "0");
	return rc;
}

// RFC 4291 2.8: a router is required to recognize the All-Routers addresses of 2.7.1. Of these
// the kernel joins ff02::2 by itself.
static int join_routers(const char *name, int ifindex)
{
	static const struct in6_addr groups[] = {
		{.s6_addr = {0xff, 0x01, [15] = 2}}, {.s6_addr = {0xff, 0x05, [15] = 2}}};
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	for (size_t i = 0; fd >= 0 && i < sizeof(groups) / sizeof(groups[0]); i++) {
		struct ipv6_mreq join = {
			.ipv6mr_multiaddr = groups[i], .ipv6mr_interface = (unsigned)ifindex};

		if (setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &join, sizeof(join)) != 0)
			log_debug(log_object("interface", name).text, "cannot join all routers: %s",
				strerror(errno));
	}
	return fd;
}

int tap_open(struct tap *tap, const char *name, struct error *err)
{
	// TUN_EXCL: never join a device that somebody else has made persistent
	struct ifreq req = {.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_TUN_EXCL)};
	int rc;

	tap->fd = tap->groups_fd = -1;
	tap->ifindex = 0;
	if (strlen(name) >= sizeof(req.ifr_name))
		return error_set(err, "'%s' is too long for a network device's name", name);
	if (if_nametoindex(name) != 0)
		return error_set(err,
			"a network device named '%s' is there already, so the interface '%s' "
			"cannot "
			"have its own: rename one of them, or end the router that made it",
			name, name);
	tap->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (tap->fd < 0)
		return error_set(err, "cannot open /dev/net/tun: %s%s", strerror(errno),
			errno == ENOENT || errno == ENODEV ? " (modprobe tun)" : "");
	memcpy(req.ifr_name, name, strlen(name));
	rc = make_device(tap->fd, &req);
	if (rc != 0) {
		error_set(err, "cannot make the network device '%s': %s", name, strerror(-rc));
		tap_close(tap);
		return -1;
	}
	tap->ifindex = (int)if_nametoindex(name);
	tap->groups_fd = join_routers(name, tap->ifindex);
	if (tap_set_carrier(tap, false) != 0)
		log_warning(
			log_object("interface", name).text, "this kernel lets no carrier be set");
	return 0;
}

void tap_close(struct tap *tap)
{
	if (tap->fd >= 0)
		close(tap->fd);
	if (tap->groups_fd >= 0)
		close(tap->groups_fd);
	tap->fd = tap->groups_fd = -1;
	tap->ifindex = 0;
}

int tap_configure(const struct tap *tap, struct netlink *netlink, const char *name,
	const struct mac_addr *mac, uint16_t mtu, struct error *err)
{
	struct rtnl_link *which = rtnl_link_alloc();
	struct rtnl_link *change = rtnl_link_alloc();
	struct nl_addr *lladdr = nl_addr_build(AF_LLC, mac->bytes, sizeof(mac->bytes));
	int rc = -NLE_NOMEM;

	write_settings(name);
	if (which != NULL && change != NULL && lladdr != NULL) {
		rtnl_link_set_ifindex(which, tap->ifindex);
		rtnl_link_set_addr(change, lladdr);
		rtnl_link_set_mtu(change, mtu);
		rtnl_link_set_txqlen(change, TX_QUEUE_PACKETS);
		rc = rtnl_link_change(netlink_requests(netlink), which, change, 0);
	}
	nl_addr_put(lladdr);
	rtnl_link_put(change);
	rtnl_link_put(which);
	if (rc < 0)
		return error_set(err, "cannot set MAC and MTU %u of the network device '%s': %s",
			mtu, name, nl_geterror(rc));
	return 0;
}

static int change_link(const struct tap *tap, struct netlink *netlink, struct rtnl_link *change)
{
	struct rtnl_link *which = rtnl_link_alloc();
	int rc = -NLE_NOMEM;

	if (which != NULL) {
		rtnl_link_set_ifindex(which, tap->ifindex);
		rc = rtnl_link_change(netlink_requests(netlink), which, change, 0);
	}
	rtnl_link_put(which);
	return rc;
}

int tap_set_up(const struct tap *tap, struct netlink *netlink, struct error *err)
{
	struct rtnl_link *change = rtnl_link_alloc();
	int rc = -NLE_NOMEM;

	if (change != NULL) {
		rtnl_link_set_flags(change, IFF_UP);
		rc = change_link(tap, netlink, change);
	}
	rtnl_link_put(change);
	if (rc < 0)
		return error_set(err, "cannot set the device up: %s", nl_geterror(rc));
	return 0;
}

int tap_set_mtu(const struct tap *tap, struct netlink *netlink, uint16_t mtu)
{
	struct rtnl_link *change = rtnl_link_alloc();
	int rc = -NLE_NOMEM;

	if (change != NULL) {
		rtnl_link_set_mtu(change, mtu);
		rc = change_link(tap, netlink, change);
	}
	rtnl_link_put(change);
	return rc < 0 ? -EINVAL : 0;
}

int tap_set_carrier(const struct tap *tap, bool is_on)
{
	int value = is_on;

	return ioctl(tap->fd, TUNSETCARRIER, &value) == 0 ? 0 : -errno;
}
