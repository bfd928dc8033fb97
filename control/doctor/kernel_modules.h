// SPDX-License-Identifier: BSD-3-Clause
// Whether the kernel has a module, loaded, built in or on the disk to be loaded. Control thread.
#pragma once

#include <stdbool.h>

#include "control/doctor/tree.h"

// `name` as modprobe takes it, "vfio-pci".
bool kernel_module_is_loaded(const struct tree *tree, const char *name);
bool kernel_module_is_there(const struct tree *tree, const char *name);
