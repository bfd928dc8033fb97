// SPDX-License-Identifier: BSD-3-Clause
// All by ioctl, so that it works in whichever network namespace the thread is; sysfs shows the one
// it was mounted in and is asked only for what ioctls do not tell.
#include "drivers/netdev.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cfg/base/log.h"
#include "drivers/block.h"
#include "drivers/card_rules.h"
#include "drivers/port.h"

static int request(const char *name, unsigned long what, struct ifreq *ifr)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc;

	if (fd < 0)
		return -errno;
	snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%s", name);
	rc = ioctl(fd, what, ifr) < 0 ? -errno : 0;
	close(fd);
	return rc;
}

int netdev_mtu(const char *name)
{
	struct ifreq ifr = {0};
	int rc = request(name, SIOCGIFMTU, &ifr);

	return rc < 0 ? rc : ifr.ifr_mtu;
}

int netdev_set_mtu(const char *name, uint16_t mtu)
{
	struct ifreq ifr = {.ifr_mtu = mtu};

	return request(name, SIOCSIFMTU, &ifr);
}

int netdev_rename(const char *name, const char *to)
{
	struct ifreq ifr = {0};

	snprintf(ifr.ifr_newname, sizeof(ifr.ifr_newname), "%s", to);
	return request(name, SIOCSIFNAME, &ifr);
}

int netdev_mac(const char *name, struct mac_addr *mac)
{
	struct ifreq ifr = {0};
	int rc = request(name, SIOCGIFHWADDR, &ifr);

	if (rc == 0 && ifr.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		rc = -EPROTOTYPE;
	if (rc == 0)
		memcpy(mac->bytes, ifr.ifr_hwaddr.sa_data, sizeof(mac->bytes));
	return rc;
}

int netdev_set_flag(const char *name, short flag, bool on)
{
	struct ifreq ifr = {0};
	int rc = request(name, SIOCGIFFLAGS, &ifr);

	if (rc < 0)
		return rc;
	if (((ifr.ifr_flags & flag) != 0) == on)
		return 0;
	ifr.ifr_flags ^= flag;
	rc = request(name, SIOCSIFFLAGS, &ifr);
	return rc < 0 ? rc : 1;
}

int netdev_set_mac(const char *name, const struct mac_addr *mac)
{
	struct ifreq ifr = {.ifr_hwaddr = {.sa_family = ARPHRD_ETHER}};
	int rc;

	memcpy(ifr.ifr_hwaddr.sa_data, mac->bytes, sizeof(mac->bytes));
	rc = request(name, SIOCSIFHWADDR, &ifr);
	if (rc == -EBUSY && netdev_set_flag(name, IFF_UP, false) == 1) {
		// many cards take a new address only while they are down
		rc = request(name, SIOCSIFHWADDR, &ifr);
		netdev_set_flag(name, IFF_UP, true);
	}
	return rc;
}

static bool permanent_mac(const char *name, struct mac_addr *mac)
{
	// struct ethtool_perm_addr with room for its end
	struct {
		uint32_t cmd;
		uint32_t size;
		uint8_t data[32];
	} perm = {.cmd = ETHTOOL_GPERMADDR, .size = sizeof(perm.data)};
	struct ifreq ifr = {.ifr_data = (char *)&perm};

	if (request(name, SIOCETHTOOL, &ifr) < 0 || perm.size != sizeof(mac->bytes))
		return false;
	memcpy(mac->bytes, perm.data, sizeof(mac->bytes));
	return true;
}

static bool driver_info(const char *name, struct ethtool_drvinfo *info)
{
	struct ifreq ifr = {.ifr_data = (char *)info};

	memset(info, 0, sizeof(*info));
	info->cmd = ETHTOOL_GDRVINFO;
	return request(name, SIOCETHTOOL, &ifr) == 0;
}

bool netdev_pci(const char *name, char pci[16])
{
	struct ethtool_drvinfo info;
	unsigned domain, bus, device, function;
	int used = 0;

	if (!driver_info(name, &info))
		return false;
	// "usb-0000:00:14.0-1" and the like must not pass for the PCI device that carries them
	if (sscanf(info.bus_info, "%4x:%2x:%2x.%1x%n", &domain, &bus, &device, &function, &used) !=
			4 ||
		info.bus_info[used] != '\0')
		return false;
	snprintf(pci, 16, "%04x:%02x:%02x.%x", domain, bus & 0xff, device & 0xff, function & 0xf);
	return true;
}

bool netdev_is_virtual(const char *name)
{
	struct ethtool_drvinfo info;

	return !driver_info(name, &info) || info.bus_info[0] == '\0' ||
	       strcmp(info.bus_info, "tap") == 0;
}

// Our own TAPs wear their port's MAC, a VLAN or bridge wears a card's: none of them is the card.
static bool is_stacked(const char *name)
{
	static const char *const drivers[] = {
		"tun", "bridge", "802.1Q VLAN Support", "bonding", "macvlan", "team"};
	struct ethtool_drvinfo info;

	if (!driver_info(name, &info))
		return false;
	for (unsigned i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		if (strcmp(info.driver, drivers[i]) == 0)
			return true;
	}
	return false;
}

static int find_mac(const struct mac_addr *mac, char out[IFNAMSIZ], struct error *err)
{
	struct if_nameindex *all = if_nameindex();
	char text[ADDR_STR_BYTES];
	char current[IFNAMSIZ] = "";
	bool is_ambiguous = false;

	out[0] = '\0';
	for (struct if_nameindex *i = all; i != NULL && i->if_index != 0; i++) {
		struct mac_addr has;

		if (permanent_mac(i->if_name, &has) && memcmp(&has, mac, sizeof(has)) == 0) {
			snprintf(out, IFNAMSIZ, "%s", i->if_name);
			break;
		}
		if (netdev_mac(i->if_name, &has) == 0 && memcmp(&has, mac, sizeof(has)) == 0 &&
			!is_stacked(i->if_name)) {
			is_ambiguous |= current[0] != '\0';
			snprintf(current, sizeof(current), "%s", i->if_name);
		}
	}
	if_freenameindex(all);
	mac_addr_str(mac, text);
	if (out[0] != '\0')
		return 0;
	if (is_ambiguous)
		return error_set(err,
			"more than one network device has MAC %s: match it by name or PCI address "
			"instead",
			text);
	if (current[0] == '\0')
		return error_set(err,
			"no network device has MAC %s in this network namespace (`ip link` lists "
			"those there are)",
			text);
	memcpy(out, current, IFNAMSIZ);
	return 0;
}

int netdev_find(const char *name, const struct mac_addr *mac, char out[IFNAMSIZ], struct error *err)
{
	struct mac_addr has;

	if (name == NULL)
		return find_mac(mac, out, err);
	if (strlen(name) >= IFNAMSIZ || if_nametoindex(name) == 0)
		return error_set(err,
			"no network device %s in this network namespace (`ip link` lists those "
			"there are)",
			name);
	if (netdev_mac(name, &has) < 0)
		return error_set(err, "%s is not an Ethernet device", name);
	snprintf(out, IFNAMSIZ, "%s", name);
	return 0;
}

static bool sysfs_link(const char *name, const char *what, char *out, size_t out_bytes)
{
	char path[128];
	char target[256];
	const char *base;
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/class/net/%s/%s", name, what);
	n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0)
		return false;
	target[n] = '\0';
	base = strrchr(target, '/');
	snprintf(out, out_bytes, "%.*s", (int)out_bytes - 1, base != NULL ? base + 1 : target);
	return true;
}

int netdev_check_free(const char *name, struct error *err)
{
	struct ifaddrs *all = NULL;
	char text[ADDR_STR_BYTES] = "";
	char master[64];

	if (!sysfs_link(name, "master", master, sizeof(master)))
		master[0] = '\0';
	if (getifaddrs(&all) < 0)
		return error_set(err, "cannot list addresses: %s", strerror(errno));
	for (struct ifaddrs *i = all; i != NULL && text[0] == '\0'; i = i->ifa_next) {
		struct ip_addr addr = {0};

		if (i->ifa_addr == NULL || strcmp(i->ifa_name, name) != 0)
			continue;
		if (i->ifa_addr->sa_family == AF_INET) {
			addr.family = IP_V4;
			memcpy(addr.v4, &((struct sockaddr_in *)i->ifa_addr)->sin_addr, 4);
		} else if (i->ifa_addr->sa_family == AF_INET6) {
			addr.family = IP_V6;
			memcpy(addr.v6, &((struct sockaddr_in6 *)i->ifa_addr)->sin6_addr, 16);
			if (ip_addr_is_link_local(&addr))
				continue; // the kernel makes these by itself
		} else {
			continue;
		}
		ip_addr_str(&addr, text);
	}
	freeifaddrs(all);
	return card_check_free(name, master, text, err);
}

// An abstract socket is a lock that lives in the network namespace, as the netdev does, and that
// ends with its process.
static int lock_take(const char *name, int ifindex, struct error *err)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int len = snprintf(
		addr.sun_path + 1, sizeof(addr.sun_path) - 1, "millrace-netdev-%d", ifindex);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return error_set(err, "cannot make a socket: %s", strerror(errno));
	if (bind(fd, (struct sockaddr *)&addr,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)) == 0)
		return fd;
	if (errno == EADDRINUSE)
		error_set(err,
			"%s is already taken by another millrace (or another port of this one)",
			name);
	else
		error_set(err, "cannot lock %s: %s", name, strerror(errno));
	close(fd);
	return -1;
}

int netdev_lock(const char *name, struct error *err)
{
	unsigned ifindex = if_nametoindex(name);

	if (ifindex == 0)
		return error_set(err, "%s: %s", name, strerror(errno));
	return lock_take(name, (int)ifindex, err);
}

// Returns what it was, -1 when unknown (no IPv6 in this kernel, or /proc is read-only).
static int disable_ipv6(const char *name, int value)
{
	char path[128];
	int before = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", name);
	f = fopen(path, value < 0 ? "re" : "r+e");
	if (f == NULL)
		return -1;
	if (fscanf(f, "%d", &before) != 1)
		before = -1;
	if (value >= 0) {
		rewind(f);
		fprintf(f, "%d\n", value);
	}
	fclose(f);
	return before;
}

static int set_mac(struct netdev *dev, const struct mac_addr *mac, struct error *err)
{
	char text[ADDR_STR_BYTES];
	int rc;

	if (netdev_mac(dev->name, &dev->mac_before) < 0 ||
		memcmp(&dev->mac_before, mac, sizeof(*mac)) == 0)
		return 0;
	rc = netdev_set_mac(dev->name, mac);
	if (rc < 0)
		return error_set(err, "%s does not take MAC %s: %s", dev->name,
			mac_addr_str(mac, text), strerror(-rc));
	dev->has_mac_before = true;
	return 0;
}

static int set_mtu(struct netdev *dev, uint16_t mtu, struct error *err)
{
	int before = netdev_mtu(dev->name);
	int rc;

	if (before < 0 || before == mtu)
		return 0;
	rc = netdev_set_mtu(dev->name, mtu);
	if (rc < 0)
		return error_set(err, "%s does not take MTU %u: %s%s", dev->name, mtu,
			strerror(-rc), rc == -EINVAL ? " (larger than its driver allows)" : "");
	dev->has_mtu_before = true;
	dev->mtu_before = (uint16_t)before;
	return 0;
}

int netdev_take(struct netdev *dev, const char *name, const struct mac_addr *mac, uint16_t mtu,
	struct error *err)
{
	bool was_left_blocked;
	int rc;

	memset(dev, 0, sizeof(*dev));
	dev->disable_ipv6_before = -1;
	dev->lock_fd = -1;
	snprintf(dev->name, sizeof(dev->name), "%s", name);
	dev->ifindex = (int)if_nametoindex(name);
	if (dev->ifindex == 0)
		return error_set(err, "network device %s is gone", name);
	dev->lock_fd = lock_take(name, dev->ifindex, err);
	if (dev->lock_fd < 0)
		return -1;
	if (netdev_check_free(name, err) < 0)
		goto fail;
	was_left_blocked = block_is_attached(dev->ifindex);
	if (block_attach(name, dev->ifindex, &dev->made_clsact, err) < 0)
		goto fail;
	dev->is_blocked = true;
	dev->disable_ipv6_before = disable_ipv6(name, 1);
	if (was_left_blocked) {
		// one of us was killed here: what is set now is not what the operator had
		log_info("drivers", "%s was left taken by a process that did not end well", name);
		dev->disable_ipv6_before = disable_ipv6("default", -1);
	}
	if (mac != NULL && set_mac(dev, mac, err) < 0)
		goto fail;
	if (mtu != 0 && set_mtu(dev, mtu, err) < 0)
		goto fail;
	rc = offloads_disable(name, &dev->offloads);
	if (rc < 0)
		log_warning("drivers", "%s keeps its offloads, frames may arrive merged: %s", name,
			strerror(-rc));
	rc = netdev_set_flag(name, IFF_UP, true);
	if (rc < 0) {
		error_set(err, "cannot bring %s up: %s", name, strerror(-rc));
		goto fail;
	}
	dev->is_up_changed = rc == 1;
	// ND goes to as many groups as there are addresses; what a killed one of us set is ours too
	rc = netdev_set_flag(name, IFF_ALLMULTI, true);
	dev->is_allmulti_changed = rc == 1 || (rc == 0 && was_left_blocked);
	return 0;
fail:
	netdev_give_back(dev);
	return -1;
}

void netdev_give_back(struct netdev *dev)
{
	if (dev->lock_fd < 0)
		return;
	if (dev->is_up_changed)
		netdev_set_flag(dev->name, IFF_UP, false);
	if (dev->is_allmulti_changed)
		netdev_set_flag(dev->name, IFF_ALLMULTI, false);
	offloads_restore(dev->name, &dev->offloads);
	if (dev->has_mtu_before)
		netdev_set_mtu(dev->name, dev->mtu_before);
	if (dev->has_mac_before)
		netdev_set_mac(dev->name, &dev->mac_before);
	if (dev->disable_ipv6_before >= 0)
		disable_ipv6(dev->name, dev->disable_ipv6_before);
	if (dev->is_blocked)
		block_detach(dev->ifindex, dev->made_clsact);
	close(dev->lock_fd);
	dev->lock_fd = -1;
}

bool netdev_is_up(const char *name)
{
	struct ifreq ifr = {0};

	return request(name, SIOCGIFFLAGS, &ifr) == 0 && (ifr.ifr_flags & IFF_UP) != 0;
}

void netdev_link(const char *name, struct port_link *out)
{
	struct ethtool_value carrier = {.cmd = ETHTOOL_GLINK};
	struct ethtool_cmd cmd = {.cmd = ETHTOOL_GSET};
	struct ifreq ifr = {0};
	bool is_admin_up;

	memset(out, 0, sizeof(*out));
	if (request(name, SIOCGIFFLAGS, &ifr) < 0)
		return;
	is_admin_up = (ifr.ifr_flags & IFF_UP) != 0;
	out->is_up = is_admin_up && (ifr.ifr_flags & IFF_RUNNING) != 0;
	// IFF_RUNNING follows the carrier a second late; who has ethtool says what is true now
	ifr.ifr_data = (char *)&carrier;
	if (request(name, SIOCETHTOOL, &ifr) == 0)
		out->is_up = is_admin_up && carrier.data != 0;
	ifr.ifr_data = (char *)&cmd;
	if (request(name, SIOCETHTOOL, &ifr) < 0)
		return;
	out->speed_mbps = ethtool_cmd_speed(&cmd);
	if (out->speed_mbps == (uint32_t)SPEED_UNKNOWN || out->speed_mbps == UINT16_MAX)
		out->speed_mbps = 0;
	out->is_full_duplex = cmd.duplex == DUPLEX_FULL;
}
