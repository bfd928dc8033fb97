// SPDX-License-Identifier: BSD-3-Clause
#include "drivers/card_rules.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_among(const char *name, const char *const list[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(name, list[i]) == 0)
			return true;
	return false;
}

bool card_is_bifurcated(const char *driver)
{
	static const char *const drivers[] = {"mlx5_core", "mlx4_core"};

	return is_among(driver, drivers, COUNT(drivers));
}

bool card_may_share_group(const char *driver)
{
	static const char *const harmless[] = {"", "vfio-pci", "pci-stub", "pcieport"};

	return is_among(driver, harmless, COUNT(harmless));
}

static int check_with_iommu(
	const char *address, const struct card_pci_facts *facts, struct error *err)
{
	if (!facts->has_vfio)
		return error_set(err,
			"PCI card %s needs the kernel module vfio-pci, which is not there",
			address);
	// All of a group changes hands at once: what else is in it must not be in the kernel's use.
	if (facts->blocker[0] != '\0')
		return error_set(err,
			"%s shares IOMMU group %s with %s, which the kernel uses (%s): unbind that "
			"one too, or"
			" move the card to another slot",
			address, facts->iommu_group, facts->blocker, facts->blocker_driver);
	return 0;
}

static int check_without_iommu(
	const char *address, const struct card_pci_facts *facts, struct error *err)
{
	if (!facts->allow_no_iommu)
		return error_set(err,
			"PCI card %s has no IOMMU: turn it on in the firmware (VT-d, AMD-Vi) and "
			"with"
			" intel_iommu=on, or say allow-no-iommu: true, which lets the card read "
			"and write all"
			" memory",
			address);
	if (!facts->has_hugepages)
		return error_set(err,
			"PCI card %s without IOMMU needs hugepages and too few are free: sysctl"
			" vm.nr_hugepages=512",
			address);
	if (!facts->is_iova_pa)
		return error_set(err,
			"PCI card %s has no IOMMU while others have: it cannot work beside them",
			address);
	if (!facts->has_stand_in)
		return error_set(err,
			"PCI card %s without IOMMU needs vfio's no-IOMMU mode or the kernel module "
			"uio_pci_generic, and this kernel has neither",
			address);
	return 0;
}

int card_check_pci(const char *address, const struct card_pci_facts *facts, struct error *err)
{
	if (!facts->is_there)
		return error_set(
			err, "no PCI device %s (`lspci -D` lists those there are)", address);
	if (!facts->is_ethernet)
		return error_set(err, "PCI device %s is not an Ethernet card", address);
	if (card_is_bifurcated(facts->driver))
		return 0;
	if (!facts->is_root)
		return error_set(err, "taking PCI card %s needs root", address);
	return facts->has_iommu ? check_with_iommu(address, facts, err)
				: check_without_iommu(address, facts, err);
}

int card_check_xdp_mtu(const char *name, int mtu, struct error *err)
{
	if (mtu <= CARD_XDP_MTU_MAX)
		return 0;
	return error_set(err,
		"MTU %d of %s is too large for AF_XDP, where a frame must fit in one page "
		"of memory:"
		" %d is the largest; set a smaller mtu or use driver: af_packet",
		mtu, name, CARD_XDP_MTU_MAX);
}

int card_check_free(const char *name, const char *master, const char *address, struct error *err)
{
	if (master[0] != '\0')
		return error_set(err,
			"%s is part of %s and the machine itself uses it: take it out first (ip "
			"link set %s nomaster)",
			name, master, name);
	if (address[0] != '\0')
		return error_set(err,
			"%s still carries the machine's own address %s, and taking it would cut "
			"that off: "
			"remove it"
			" (ip addr flush dev %s) and stop the service that sets it, or give the "
			"router "
			"another card",
			name, address, name);
	return 0;
}
