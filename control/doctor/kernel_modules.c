// SPDX-License-Identifier: BSD-3-Clause
#include "control/doctor/kernel_modules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_MAX = 8 << 20, NAME_BYTES = 64 };

// Files have the dash, /sys/module an underscore.
static void with_underscores(const char *name, char out[NAME_BYTES])
{
	snprintf(out, NAME_BYTES, "%s", name);
	for (char *c = out; *c != '\0'; c++)
		if (*c == '-')
			*c = '_';
}

bool kernel_module_is_loaded(const struct tree *tree, const char *name)
{
	char module[NAME_BYTES];

	with_underscores(name, module);
	return tree_has(tree, "sys/module/%s", module) ||
	       tree_has(tree, "sys/bus/pci/drivers/%s", name);
}

// "kernel/drivers/vfio/pci/vfio-pci.ko.xz: ..."
static bool is_listed(
	const struct tree *tree, const char *release, const char *list, const char *name)
{
	char *text = tree_text(tree, LIST_MAX, "lib/modules/%s/%s", release, list);
	char file[NAME_BYTES + 8];
	bool is_found;

	snprintf(file, sizeof(file), "/%s.ko", name);
	is_found = text != NULL && strstr(text, file) != NULL;
	free(text);
	return is_found;
}

bool kernel_module_is_there(const struct tree *tree, const char *name)
{
	char release[NAME_BYTES];

	if (kernel_module_is_loaded(tree, name))
		return true;
	return tree_line(tree, release, sizeof(release), "proc/sys/kernel/osrelease") &&
	       strchr(release, '/') == NULL &&
	       (is_listed(tree, release, "modules.dep", name) ||
		       is_listed(tree, release, "modules.builtin", name));
}
