// SPDX-License-Identifier: BSD-3-Clause
// Which DPDK driver takes which PCI device, as the drivers' libraries tell it: each holds a text
// "PMD_INFO_STRING= {json}" with the ids it knows (dpdk-pmdinfo reads the same). DPDK itself is not
// needed to read them. Control thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { PMD_NAME_BYTES = 32, PMD_IDS_MAX = 4096 };

struct pmd_id {
	uint16_t vendor, device, subvendor, subdevice; // UINT16_MAX: any
	char driver[PMD_NAME_BYTES];
};

struct pmd_info {
	struct pmd_id *ids;
	unsigned n;
	unsigned n_libraries; // with at least one driver
};

// Adds what is in the bytes of one library. Whatever makes no sense is left out.
void pmd_info_add(struct pmd_info *info, const char *bytes, size_t n_bytes);
// Adds what is in the net_ drivers of a directory, DPDK's own when it is NULL.
void pmd_info_load(struct pmd_info *info, const char *dir);
void pmd_info_fini(struct pmd_info *info);

// The driver that DPDK would take for that device; NULL when it has none.
const char *pmd_info_find(const struct pmd_info *info, uint16_t vendor, uint16_t device,
	uint16_t subvendor, uint16_t subdevice);
