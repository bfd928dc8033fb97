// SPDX-License-Identifier: BSD-3-Clause
#include "control/doctor/device_names.h"

#include <stdio.h>
#include <systemd/sd-hwdb.h>

struct device_names *device_names_new(void)
{
	sd_hwdb *hwdb = NULL;

	return sd_hwdb_new(&hwdb) < 0 ? NULL : (struct device_names *)hwdb;
}

void device_names_free(struct device_names *names)
{
	sd_hwdb_unref((sd_hwdb *)names);
}

static const char *look_up(struct device_names *names, const char *modalias, const char *key)
{
	const char *value = NULL;

	if (names == NULL || sd_hwdb_get((sd_hwdb *)names, modalias, key, &value) < 0)
		return NULL;
	return value;
}

const char *device_name(
	struct device_names *names, uint16_t vendor, uint16_t device, char *out, size_t out_bytes)
{
	const char *maker, *model;
	char modalias[32];

	snprintf(modalias, sizeof(modalias), "pci:v%08Xd%08X", vendor, device);
	maker = look_up(names, modalias, "ID_VENDOR_FROM_DATABASE");
	model = look_up(names, modalias, "ID_MODEL_FROM_DATABASE");
	if (maker == NULL || model == NULL)
		snprintf(out, out_bytes, "PCI device %04x:%04x", vendor, device);
	else
		snprintf(out, out_bytes, "%s %s", maker, model);
	for (char *c = out; *c != '\0'; c++) // names of makers are UTF-8
		if ((unsigned char)*c < ' ' || (unsigned char)*c >= 0x7f)
			*c = '?';
	return out;
}
