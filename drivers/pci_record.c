// SPDX-License-Identifier: BSD-3-Clause
#include "drivers/pci_record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "/run/millrace-cards"

enum { PATH_BYTES = 64 };

static void path_of(const char *address, char out[PATH_BYTES])
{
	snprintf(out, PATH_BYTES, FOLDER "/%.15s", address);
}

int pci_record_lock(const char *address, struct error *err)
{
	char path[PATH_BYTES];
	struct stat st;
	int fd;

	path_of(address, path);
	mkdir(FOLDER, 0755);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return error_set(err, "cannot note in %s what PCI card %s is: %s", path, address,
			strerror(errno));
	// without a name it is another's, who has just given the card back
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &st) == 0 && st.st_nlink > 0)
		return fd;
	close(fd);
	return error_set(err,
		"PCI card %s is already taken by another millrace (or another port of this one)",
		address);
}

int pci_record_write(int fd, const struct pci_record *r)
{
	char mac[ADDR_STR_BYTES];
	int rc = ftruncate(fd, 0);

	if (rc == 0)
		rc = dprintf(fd, "%s %s %s %u %d\n", r->driver[0] != '\0' ? r->driver : "-",
			r->netdev[0] != '\0' ? r->netdev : "-", mac_addr_str(&r->mac, mac), r->mtu,
			r->was_up);
	return rc < 0 ? -errno : 0;
}

bool pci_record_read(const char *address, struct pci_record *out)
{
	char path[PATH_BYTES];
	char mac[32];
	unsigned mtu;
	int was_up;
	FILE *f;
	bool ok;

	memset(out, 0, sizeof(*out));
	path_of(address, path);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	ok = fscanf(f, "%63s %15s %31s %5u %1d", out->driver, out->netdev, mac, &mtu, &was_up) ==
		     5 &&
	     strchr(out->driver, '/') == NULL && mac_addr_parse(mac, &out->mac) == 0;
	fclose(f);
	if (!ok)
		return false;
	if (strcmp(out->driver, "-") == 0)
		out->driver[0] = '\0';
	if (strcmp(out->netdev, "-") == 0)
		out->netdev[0] = '\0';
	out->mtu = (uint16_t)mtu;
	out->was_up = was_up != 0;
	return true;
}

void pci_record_drop(const char *address, int fd)
{
	char path[PATH_BYTES];

	path_of(address, path);
	unlink(path);
	close(fd);
	rmdir(FOLDER); // only when it was the last
}

bool pci_record_find(const char *name, const struct mac_addr *mac, char address[16])
{
	DIR *d = opendir(FOLDER);
	struct pci_record r;
	struct dirent *e;
	bool found = false;

	while (d != NULL && !found && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.' || !pci_record_read(e->d_name, &r))
			continue;
		found = (name != NULL && strcmp(r.netdev, name) == 0) ||
			(mac != NULL && memcmp(&r.mac, mac, sizeof(*mac)) == 0);
		if (found)
			snprintf(address, 16, "%.15s", e->d_name);
	}
	if (d != NULL)
		closedir(d);
	return found;
}
