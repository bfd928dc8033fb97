// SPDX-License-Identifier: BSD-3-Clause
#include "control/doctor/pmd_info.h"

#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARK "PMD_INFO_STRING= "

enum { TEXT_MAX = 64 << 10, LIBRARY_MAX = 64 << 20, IDS_STEP = 256 };

static bool read_id(const json_t *four, struct pmd_id *id)
{
	uint16_t *const parts[] = {&id->vendor, &id->device, &id->subvendor, &id->subdevice};

	if (json_array_size(four) != 4)
		return false;
	for (size_t i = 0; i < 4; i++) {
		const json_t *part = json_array_get(four, i);
		json_int_t value = json_integer_value(part);

		if (!json_is_integer(part) || value < 0 || value > UINT16_MAX)
			return false;
		*parts[i] = (uint16_t)value;
	}
	return true;
}

static bool make_room(struct pmd_info *info)
{
	struct pmd_id *ids;

	if (info->n >= PMD_IDS_MAX)
		return false;
	if (info->n % IDS_STEP != 0)
		return true;
	ids = realloc(info->ids, (info->n + IDS_STEP) * sizeof(*ids));
	if (ids != NULL)
		info->ids = ids;
	return ids != NULL;
}

static void add_driver(struct pmd_info *info, const json_t *driver)
{
	const char *name = json_string_value(json_object_get(driver, "name"));
	const json_t *ids = json_object_get(driver, "pci_ids"), *four;
	size_t i;

	if (name == NULL || strlen(name) >= PMD_NAME_BYTES ||
		name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-")] != '\0')
		return;
	json_array_foreach((json_t *)ids, i, four)
	{
		struct pmd_id id = {0};

		if (!read_id(four, &id) || !make_room(info))
			continue;
		memcpy(id.driver, name, strlen(name) + 1);
		info->ids[info->n++] = id;
	}
}

void pmd_info_add(struct pmd_info *info, const char *bytes, size_t n_bytes)
{
	const char *end = bytes + n_bytes;
	unsigned before = info->n;

	while ((bytes = memmem(bytes, (size_t)(end - bytes), MARK, strlen(MARK))) != NULL) {
		size_t room, len;
		json_t *driver;

		bytes += strlen(MARK);
		room = (size_t)(end - bytes);
		len = strnlen(bytes, room < TEXT_MAX ? room : TEXT_MAX);
		driver = json_loadb(bytes, len, JSON_DISABLE_EOF_CHECK, NULL);
		if (driver != NULL)
			add_driver(info, driver);
		json_decref(driver);
	}
	info->n_libraries += info->n > before;
}

static void add_library(struct pmd_info *info, int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *bytes;

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
		st.st_size <= LIBRARY_MAX) {
		bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (bytes != MAP_FAILED) {
			pmd_info_add(info, bytes, (size_t)st.st_size);
			munmap(bytes, (size_t)st.st_size);
		}
	}
	close(fd);
}

// The library itself: the shorter names are links to it.
static bool is_net_driver(int dir, const char *name)
{
	struct stat st;

	return strncmp(name, "librte_net_", strlen("librte_net_")) == 0 &&
	       strstr(name, ".so") != NULL && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode);
}

void pmd_info_load(struct pmd_info *info, const char *dir)
{
	DIR *d = opendir(dir != NULL ? dir : DPDK_DRIVERS);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (is_net_driver(dirfd(d), e->d_name))
			add_library(info, dirfd(d), e->d_name);
	if (d != NULL)
		closedir(d);
}

void pmd_info_fini(struct pmd_info *info)
{
	free(info->ids);
	*info = (struct pmd_info){0};
}

static bool is_same(uint16_t known, uint16_t has)
{
	return known == UINT16_MAX || known == has;
}

const char *pmd_info_find(const struct pmd_info *info, uint16_t vendor, uint16_t device,
	uint16_t subvendor, uint16_t subdevice)
{
	for (unsigned i = 0; i < info->n; i++) {
		const struct pmd_id *id = &info->ids[i];

		if (id->vendor == vendor && is_same(id->device, device) &&
			is_same(id->subvendor, subvendor) && is_same(id->subdevice, subdevice))
			return id->driver;
	}
	return NULL;
}
