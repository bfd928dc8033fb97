// SPDX-License-Identifier: BSD-3-Clause
#include <stdlib.h>
#include <string.h>

#include "control/doctor/kernel_modules.h"
#include "control/doctor/machine.h"
#include "drivers/card_rules.h"

#define ABOUT "iommu"

enum { CPUINFO_MAX = 1 << 20 };

static unsigned count_groups(const struct tree *tree)
{
	struct tree_names names;
	unsigned n;

	tree_names(tree, &names, "sys/kernel/iommu_groups");
	n = names.n;
	tree_names_free(&names);
	return n;
}

// Cards that DPDK could drive if the kernel handed them over.
static unsigned count_drivable(const struct cards *cards)
{
	unsigned n = 0;

	for (unsigned i = 0; i < cards->n; i++)
		n += cards->list[i].pmd[0] != '\0' && !card_is_bifurcated(cards->list[i].driver);
	return n;
}

static void say_off(const struct machine *machine, struct findings *out)
{
	char *info = tree_text(&machine->tree, CPUINFO_MAX, "proc/cpuinfo");
	bool is_virtual = info != NULL && strstr(info, " hypervisor") != NULL;
	bool is_intel = info != NULL && strstr(info, "GenuineIntel") != NULL;
	struct finding *finding;

	free(info);
	if (is_virtual) {
		finding_add(out, VERDICT_FINE, "iommu-virtual", ABOUT,
			"This virtual machine has no IOMMU, so its cards stay with their kernel "
			"drivers: AF_XDP or AF_PACKET carry the packets.");
		return;
	}
	finding = finding_add(out, VERDICT_WARNING, "iommu-off", ABOUT,
		"No IOMMU is on, so cards that DPDK could drive by itself, which is fastest, stay "
		"with their kernel drivers. Turn it on in the firmware (VT-d, AMD-Vi)%s",
		is_intel ? ", and on the kernel's command line:" : ".");
	if (is_intel) {
		finding_fix(finding, "sed -i 's/^GRUB_CMDLINE_LINUX=\"/&intel_iommu=on iommu=pt /' "
				     "/etc/default/grub");
		finding_fix(finding, "update-grub && reboot");
	}
}

static void say_vfio(const struct tree *tree, struct findings *out)
{
	if (kernel_module_is_loaded(tree, "vfio-pci")) {
		finding_add(out, VERDICT_FINE, "vfio", ABOUT, "The module vfio-pci is loaded.");
		return;
	}
	if (kernel_module_is_there(tree, "vfio-pci")) {
		finding_add(out, VERDICT_FINE, "vfio-there", ABOUT,
			"The module vfio-pci is there; the router loads it.");
		return;
	}
	finding_add(out, VERDICT_WARNING, "vfio-missing", ABOUT,
		"This kernel has no module vfio-pci, by which DPDK would drive cards: they stay "
		"with "
		"their kernel drivers. Debian's own kernels have it (linux-image-amd64).");
}

void look_at_iommu(const struct machine *machine, struct findings *out)
{
	unsigned n_groups = count_groups(&machine->tree);

	if (n_groups > 0) {
		finding_add(out, VERDICT_FINE, "iommu", ABOUT, "On, with %u group%s.", n_groups,
			n_groups == 1 ? "" : "s");
		say_vfio(&machine->tree, out);
	} else if (count_drivable(&machine->cards) > 0) {
		say_off(machine, out);
	}
}
