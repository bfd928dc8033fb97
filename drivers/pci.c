// SPDX-License-Identifier: BSD-3-Clause
#include "drivers/pci.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rte_eal.h>

#include "cfg/base/log.h"
#include "drivers/card_rules.h"
#include "drivers/eal.h"
#include "drivers/netdev.h"
#include "drivers/port.h"

#define SYS_PCI	    "/sys/bus/pci/devices/"
#define SYS_DRIVERS "/sys/bus/pci/drivers/"
#define NO_IOMMU    "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode"
#define VFIO	    "vfio-pci"
// Debian's kernels have a vfio without no-IOMMU mode; this one asks for no IOMMU to begin with.
#define UIO	    "uio_pci_generic"

enum { NETDEV_WAIT_MS = 1500, CLASS_ETHERNET = 0x0200, PATH_BYTES = 512 };

extern char **environ;

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

static bool read_text(const char *path, char *out, size_t out_bytes)
{
	FILE *f = fopen(path, "re");
	bool ok = f != NULL && fgets(out, (int)out_bytes, f) != NULL;

	if (f != NULL)
		fclose(f);
	if (ok)
		out[strcspn(out, "\n")] = '\0';
	return ok;
}

// The last part of where a link of the card's directory points; "" when there is none.
static void link_name(const char *address, const char *what, char *out, size_t out_bytes)
{
	char path[PATH_BYTES];
	char target[256];
	const char *base;
	ssize_t n;

	snprintf(path, sizeof(path), SYS_PCI "%s/%s", address, what);
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	base = strrchr(target, '/');
	snprintf(out, out_bytes, "%.*s", (int)out_bytes - 1, base != NULL ? base + 1 : target);
}

static int attribute(const char *address, const char *what, const char *text)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), SYS_PCI "%s/%s", address, what);
	return write_text(path, text);
}

int pci_parse(const char *text, char out[16], struct error *err)
{
	unsigned domain = 0, bus, device, function;
	int used = 0;

	if ((sscanf(text, "%4x:%2x:%2x.%1x%n", &domain, &bus, &device, &function, &used) != 4 ||
		    text[used] != '\0') &&
		(domain = 0, used = 0,
			sscanf(text, "%2x:%2x.%1x%n", &bus, &device, &function, &used) != 3 ||
				text[used] != '\0'))
		return error_set(err, "%s is no PCI address; one looks like 0000:03:00.0", text);
	snprintf(out, 16, "%04x:%02x:%02x.%x", domain & 0xffff, bus & 0xff, device & 0xff,
		function & 0xf);
	return 0;
}

static bool first_entry(const char *path, const char *prefix, char *out, size_t out_bytes)
{
	DIR *d = opendir(path);
	struct dirent *e;
	bool found = false;

	while (d != NULL && !found && (e = readdir(d)) != NULL) {
		found = e->d_name[0] != '.' && strncmp(e->d_name, prefix, strlen(prefix)) == 0;
		if (found)
			snprintf(out, out_bytes, "%.*s", (int)out_bytes - 1, e->d_name);
	}
	if (d != NULL)
		closedir(d);
	return found;
}

static bool is_ethernet(const char *address)
{
	char path[PATH_BYTES];
	char text[32];

	snprintf(path, sizeof(path), SYS_PCI "%s/class", address);
	return read_text(path, text, sizeof(text)) &&
	       strtoul(text, NULL, 16) >> 8 == CLASS_ETHERNET;
}

bool pci_netdev(const char *address, char *out, unsigned out_bytes)
{
	char path[PATH_BYTES];
	char virtio[32];

	snprintf(path, sizeof(path), SYS_PCI "%s/net", address);
	if (first_entry(path, "", out, out_bytes))
		return true;
	snprintf(path, sizeof(path), SYS_PCI "%s", address);
	if (!first_entry(path, "virtio", virtio, sizeof(virtio)))
		return false;
	snprintf(path, sizeof(path), SYS_PCI "%s/%s/net", address, virtio);
	return first_entry(path, "", out, out_bytes);
}

// The kernel driver `name`, loaded when it is not.
static bool is_loaded(const char *name)
{
	char *const argv[] = {"modprobe", "-q", (char *)name, NULL};
	char path[PATH_BYTES];
	int status;
	pid_t pid;

	snprintf(path, sizeof(path), SYS_DRIVERS "%s", name);
	if (access(path, F_OK) == 0)
		return true;
	if (posix_spawnp(&pid, "modprobe", NULL, NULL, argv, environ) == 0)
		waitpid(pid, &status, 0);
	return access(path, F_OK) == 0;
}

// While it is bound, vfio's no-IOMMU mode gives a card a group too, but no IOMMU.
static bool has_iommu(const char *address)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), SYS_PCI "%s/iommu", address);
	return access(path, F_OK) == 0;
}

bool pci_prepare(void)
{
	DIR *d = opendir(SYS_PCI);
	struct dirent *e;
	bool found = false;

	while (d != NULL && !found && (e = readdir(d)) != NULL)
		found = e->d_name[0] != '.' && is_ethernet(e->d_name);
	if (d != NULL)
		closedir(d);
	return found && geteuid() == 0 && is_loaded(VFIO);
}

// What else is in the card's group and in the kernel's use.
static void find_blocker(const char *address, struct card_pci_facts *facts)
{
	char path[PATH_BYTES];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%s/devices", facts->iommu_group);
	d = opendir(path);
	while (d != NULL && (e = readdir(d)) != NULL) {
		char driver[64];

		if (e->d_name[0] == '.' || strcmp(e->d_name, address) == 0)
			continue;
		link_name(e->d_name, "driver", driver, sizeof(driver));
		if (card_may_share_group(driver))
			continue;
		snprintf(facts->blocker, sizeof(facts->blocker), "%.63s", e->d_name);
		snprintf(facts->blocker_driver, sizeof(facts->blocker_driver), "%s", driver);
	}
	if (d != NULL)
		closedir(d);
}

static int check_group_is_free(const char *address, const char *group, struct error *err)
{
	char path[PATH_BYTES];
	int fd;

	snprintf(path, sizeof(path), "/dev/vfio/%s", group);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 && errno == EBUSY)
		return error_set(err,
			"PCI card %s is already taken by another program (%s is in use)", address,
			path);
	if (fd >= 0)
		close(fd);
	return 0;
}

// The kernel driver that hands the card to user space; NULL when this kernel has none for it.
static const char *stand_in_for(const char *address)
{
	if (has_iommu(address))
		return VFIO;
	if (is_loaded(VFIO) && access(NO_IOMMU, W_OK) == 0)
		return VFIO;
	return is_loaded(UIO) ? UIO : NULL;
}

// No more is asked than the rules want to know: asking for a driver loads it.
static void gather(const char *address, bool allow_no_iommu, struct card_pci_facts *facts)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), SYS_PCI "%s/class", address);
	*facts = (struct card_pci_facts){
		.is_there = access(path, F_OK) == 0,
		.is_ethernet = is_ethernet(address),
		.is_root = geteuid() == 0,
		.has_iommu = has_iommu(address),
		.allow_no_iommu = allow_no_iommu,
	};
	link_name(address, "driver", facts->driver, sizeof(facts->driver));
	if (!facts->is_ethernet || card_is_bifurcated(facts->driver) || !facts->is_root)
		return;
	if (facts->has_iommu) {
		facts->has_vfio = is_loaded(VFIO);
		link_name(address, "iommu_group", facts->iommu_group, sizeof(facts->iommu_group));
		find_blocker(address, facts);
	} else if (allow_no_iommu) {
		facts->has_hugepages = drivers_have_hugepages();
		facts->is_iova_pa = rte_eal_iova_mode() == RTE_IOVA_PA;
		facts->has_stand_in = stand_in_for(address) != NULL;
	}
}

int pci_check(const char *address, bool allow_no_iommu, struct error *err)
{
	struct card_pci_facts facts;

	gather(address, allow_no_iommu, &facts);
	if (card_check_pci(address, &facts, err) < 0)
		return -1;
	if (facts.iommu_group[0] == '\0')
		return 0;
	return check_group_is_free(address, facts.iommu_group, err);
}

static int bind_stand_in(struct pci *pci, struct error *err)
{
	const char *address = pci->address;
	const char *stand_in = stand_in_for(address);
	char now[64];
	char text[8];
	int rc = 0;

	if (stand_in == NULL)
		return error_set(err, "there is no kernel driver to bind PCI card %s to", address);
	snprintf(pci->stand_in, sizeof(pci->stand_in), "%s", stand_in);
	if (!has_iommu(address)) {
		if (strcmp(stand_in, VFIO) == 0 && read_text(NO_IOMMU, text, sizeof(text)) &&
			text[0] == 'N') {
			if (write_text(NO_IOMMU, "Y") < 0)
				return error_set(err, "cannot allow vfio without IOMMU");
			pci->set_no_iommu = true;
		}
		log_warning("drivers",
			"PCI card %s runs without IOMMU: it can read and write all memory",
			address);
	}
	link_name(address, "driver", now, sizeof(now));
	if (strcmp(now, stand_in) == 0)
		return 0;
	pci->is_rebound = true;
	rc = pci_record_write(pci->record_fd, &pci->before);
	if (rc == 0)
		rc = attribute(address, "driver_override", stand_in);
	if (rc == 0 && now[0] != '\0')
		rc = attribute(address, "driver/unbind", address);
	if (rc == 0)
		rc = write_text("/sys/bus/pci/drivers_probe", address);
	link_name(address, "driver", now, sizeof(now));
	if (strcmp(now, stand_in) == 0)
		return 0;
	return error_set(err, "PCI card %s cannot be bound to %s%s%s", address, stand_in,
		rc < 0 ? ": " : "", rc < 0 ? strerror(-rc) : "");
}

static bool is_stand_in(const char *driver)
{
	return strcmp(driver, VFIO) == 0 || strcmp(driver, UIO) == 0;
}

static void note(struct pci *pci, const char *netdev)
{
	struct pci_record *before = &pci->before;
	int mtu;

	link_name(pci->address, "driver", before->driver, sizeof(before->driver));
	if (is_stand_in(before->driver) && pci_record_read(pci->address, before)) {
		log_info("drivers", "PCI card %s was left taken by a process that did not end well",
			pci->address);
		pci->is_rebound = true;
		return;
	}
	if (netdev[0] == '\0')
		return;
	mtu = netdev_mtu(netdev);
	snprintf(before->netdev, sizeof(before->netdev), "%s", netdev);
	before->mtu = mtu > 0 ? (uint16_t)mtu : 0;
	before->was_up = netdev_is_up(netdev);
	netdev_mac(netdev, &before->mac);
}

int pci_take(struct pci *pci, const char *address, const char *netdev, bool allow_no_iommu,
	struct error *err)
{
	int netdev_fd = -1;
	int rc = 0;

	memset(pci, 0, sizeof(*pci));
	if (pci_check(address, allow_no_iommu, err) < 0)
		return -1;
	if (netdev[0] != '\0') {
		if (netdev_check_free(netdev, err) < 0)
			return -1;
		netdev_fd = netdev_lock(netdev, err);
		if (netdev_fd < 0)
			return -1;
	}
	pci->record_fd = pci_record_lock(address, err);
	if (pci->record_fd < 0) {
		rc = -1;
	} else {
		snprintf(pci->address, sizeof(pci->address), "%s", address);
		note(pci, netdev);
		if (!card_is_bifurcated(pci->before.driver))
			rc = bind_stand_in(pci, err);
	}
	if (netdev_fd >= 0)
		close(netdev_fd);
	if (rc < 0)
		pci_give_back(pci);
	return rc;
}

bool pci_find_left(const char *netdev, const struct mac_addr *mac, char address[16])
{
	char driver[64];

	if (!pci_record_find(netdev, mac, address))
		return false;
	link_name(address, "driver", driver, sizeof(driver));
	return is_stand_in(driver);
}

// The kernel driver makes the netdev anew, some time after it is bound, with a name of the
// kernel's. The rename comes before the flag: udev, where it has yet to name it, could not any
// more while it is up.
static void restore_netdev(const struct pci *pci)
{
	char name[IFNAMSIZ];
	unsigned ms = 0;
	int rc;

	while (!pci_netdev(pci->address, name, sizeof(name))) {
		if (ms >= NETDEV_WAIT_MS) {
			log_warning("drivers",
				"PCI card %s is with %s again, but %s has not come back",
				pci->address, pci->before.driver, pci->before.netdev);
			return;
		}
		usleep(20000);
		ms += 20;
	}
	// where udev was faster, this finds nothing to rename, and the name is right already
	rc = netdev_rename(name, pci->before.netdev);
	if (pci_netdev(pci->address, name, sizeof(name)) && strcmp(name, pci->before.netdev) != 0)
		log_warning("drivers", "%s is called %s now: %s", pci->before.netdev, name,
			strerror(-rc));
	if (pci->before.mtu != 0)
		netdev_set_mtu(name, pci->before.mtu);
	if (pci->before.was_up)
		netdev_set_flag(name, IFF_UP, true);
}

void pci_give_back(struct pci *pci)
{
	char now[64];

	if (pci->address[0] == '\0')
		return;
	if (pci->is_rebound) {
		attribute(pci->address, "driver_override", "\n");
		link_name(pci->address, "driver", now, sizeof(now));
		if (strcmp(now, pci->stand_in) == 0)
			attribute(pci->address, "driver/unbind", pci->address);
		if (pci->before.driver[0] != '\0') {
			write_text("/sys/bus/pci/drivers_probe", pci->address);
			link_name(pci->address, "driver", now, sizeof(now));
			if (strcmp(now, pci->before.driver) != 0)
				log_warning("drivers", "PCI card %s did not go back to %s",
					pci->address, pci->before.driver);
			else if (pci->before.netdev[0] != '\0')
				restore_netdev(pci);
		}
	}
	if (pci->set_no_iommu)
		write_text(NO_IOMMU, "N");
	pci_record_drop(pci->address, pci->record_fd);
	memset(pci, 0, sizeof(*pci));
}
