// SPDX-License-Identifier: BSD-3-Clause
// What PCI devices are called, by udev's hardware database; numbers where it is not installed or
// does not know. Control thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct device_names;

struct device_names *device_names_new(void); // NULL: there is no database; fine below
void device_names_free(struct device_names *names);

// "Intel Corporation 82599ES 10-Gigabit SFI/SFP+ Network Connection", or "PCI device 8086:10fb".
const char *device_name(
	struct device_names *names, uint16_t vendor, uint16_t device, char *out, size_t out_bytes);
