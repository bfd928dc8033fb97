// SPDX-License-Identifier: BSD-3-Clause
#include "control/doctor/card_openings.h"

#include <stdio.h>
#include <string.h>

#include "control/doctor/kernel_modules.h"
#include "drivers/card_rules.h"

#define PCI "sys/bus/pci/devices"

enum { CLASS_ETHERNET = 0x0200 };

static void find_blocker(const struct tree *tree, const char *address, struct card_pci_facts *facts)
{
	struct tree_names names;

	tree_names(tree, &names, "sys/kernel/iommu_groups/%s/devices", facts->iommu_group);
	for (unsigned i = 0; i < names.n; i++) {
		char driver[sizeof(facts->blocker_driver)];

		if (strcmp(names.list[i], address) == 0)
			continue;
		tree_link(tree, driver, sizeof(driver), PCI "/%s/driver", names.list[i]);
		if (card_may_share_group(driver))
			continue;
		snprintf(facts->blocker, sizeof(facts->blocker), "%.63s", names.list[i]);
		memcpy(facts->blocker_driver, driver, sizeof(driver));
	}
	tree_names_free(&names);
}

// The daemon is root, whoever asks. Without an IOMMU the answer is no: the file that is to be
// written says nothing of `allow-no-iommu`.
static void gather(const struct tree *tree, const struct card *card, struct card_pci_facts *facts)
{
	*facts = (struct card_pci_facts){
		.is_there = true,
		.is_ethernet =
			tree_number(tree, 0, PCI "/%s/class", card->pci) >> 8 == CLASS_ETHERNET,
		.is_root = true,
		.has_iommu = tree_has(tree, PCI "/%s/iommu", card->pci),
	};
	snprintf(facts->driver, sizeof(facts->driver), "%s", card->driver);
	if (!facts->has_iommu)
		return;
	facts->has_vfio = kernel_module_is_there(tree, "vfio-pci");
	tree_link(tree, facts->iommu_group, sizeof(facts->iommu_group), PCI "/%s/iommu_group",
		card->pci);
	find_blocker(tree, card->pci, facts);
}

static int check_pci(const struct tree *tree, const struct card *card, struct error *err)
{
	struct card_pci_facts facts;

	if (card->pci[0] == '\0')
		return error_set(err, "%s is not a PCI card", card->name);
	gather(tree, card, &facts);
	if (card_check_pci(card->pci, &facts, err) < 0)
		return -1;
	if (card->pmd[0] == '\0')
		return error_set(err, "no DPDK driver takes PCI card %s", card->pci);
	return 0;
}

static int check_xdp(const struct card *card, const struct live *live, struct error *err)
{
	if (live->sees_xdp && !live->has_xdp)
		return error_set(err, "this kernel has no AF_XDP sockets (CONFIG_XDP_SOCKETS)");
	if (!card->is_xdp_native)
		return error_set(err, "%s's kernel driver%s%s is not known to do XDP by itself",
			card->name, card->driver[0] != '\0' ? " " : "", card->driver);
	return card_check_xdp_mtu(card->name, (int)card->mtu, err);
}

// The router's sockets want a driver that runs XDP by itself (native mode); with others it falls
// back to packet sockets. Kernels before 6.3 do not tell which these are; these are known.
static bool is_known_for_xdp(const char *driver)
{
	static const char *const drivers[] = {"atlantic", "bnxt_en", "ena", "fsl_dpaa2_eth",
		"fsl_enetc", "hv_netvsc", "i40e", "ice", "igb", "igc", "ixgbe", "ixgbevf",
		"mlx4_core", "mlx5_core", "mvneta", "mvpp2", "nfp", "qede", "sfc", "virtio-pci",
		"virtio_net"};

	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
		if (strcmp(driver, drivers[i]) == 0)
			return true;
	return false;
}

static bool is_xdp_native(const struct card *card, const struct live *live)
{
	const struct live_card *asked = live_card(live, card->name);

	if (asked != NULL && asked->sees_native_xdp)
		return asked->has_native_xdp;
	return card->is_wire || is_known_for_xdp(card->driver);
}

static void check_free(struct card *card)
{
	char address[ADDR_STR_BYTES] = "";

	if (card->n_addresses > 0)
		ip_addr_str(&card->addresses[0].prefix.addr, address);
	card_check_free(card->name, card->master, address, &card->refused);
}

// Bound to a driver of networks, not to one that hands it to user space.
static bool is_elsewhere(const struct card *card)
{
	return card->name[0] == '\0' && card->driver[0] != '\0' &&
	       strcmp(card->driver, "vfio-pci") != 0 &&
	       strcmp(card->driver, "uio_pci_generic") != 0;
}

void card_openings_look(struct card *card, const struct tree *tree, const struct live *live)
{
	card->opens_by = "";
	card->is_xdp_native = is_xdp_native(card, live);
	if (card->name[0] != '\0')
		check_free(card);
	if (check_pci(tree, card, &card->not_pci) == 0)
		card->opens_by = "pci";
	else if (card->name[0] == '\0')
		card->refused = card->not_pci;
	else if (check_xdp(card, live, &card->not_xdp) == 0)
		card->opens_by = "af_xdp";
	else
		card->opens_by = "af_packet";
	card->is_elsewhere = is_elsewhere(card);
	if (card->is_elsewhere)
		error_set(&card->refused,
			"PCI card %s is with %s, in another network namespace or without a device",
			card->pci, card->driver);
	if (card->refused.text[0] != '\0')
		card->opens_by = "";
}
