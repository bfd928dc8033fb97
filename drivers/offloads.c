// SPDX-License-Identifier: BSD-3-Clause
#include "drivers/offloads.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

// The kernel's names of features (netdev_features_strings) begin and end like this.
static const struct {
	const char *start;
	const char *end;
} unwanted[] = {
	{"rx-gro", ""}, // and -hw, -list
	{"rx-lro", ""},
	{"rx-checksum", ""}, // a virtio card without it hands on half-done checksums of neighbours
	{"rx-vlan-", "hw-parse"},
	{"tx-vlan-", "hw-insert"},
	{"rx-vlan-", "filter"}, // the kernel has no VLANs here; rx-vlan-stag-filter too
	{"tx-checksum-", ""},
	{"tx-", "-segmentation"},
};

static int ethtool(const char *netdev, void *request)
{
	struct ifreq ifr = {.ifr_data = request};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc;

	if (fd < 0)
		return -errno;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", netdev);
	rc = ioctl(fd, SIOCETHTOOL, &ifr) < 0 ? -errno : 0;
	close(fd);
	return rc;
}

static struct ethtool_gstrings *feature_names(const char *netdev)
{
	// struct ethtool_sset_info with room for one set
	struct {
		uint32_t cmd;
		uint32_t reserved;
		uint64_t mask;
		uint32_t n;
	} sset = {.cmd = ETHTOOL_GSSET_INFO, .mask = 1ull << ETH_SS_FEATURES};
	struct ethtool_gstrings *names;

	if (ethtool(netdev, &sset) < 0 || sset.mask == 0)
		return NULL;
	names = calloc(1, sizeof(*names) + (size_t)sset.n * ETH_GSTRING_LEN);
	if (names == NULL)
		return NULL;
	names->cmd = ETHTOOL_GSTRINGS;
	names->string_set = ETH_SS_FEATURES;
	names->len = sset.n;
	if (ethtool(netdev, names) == 0)
		return names;
	free(names);
	return NULL;
}

static bool is_unwanted(const char *name)
{
	size_t len = strnlen(name, ETH_GSTRING_LEN);

	for (unsigned i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++) {
		size_t start = strlen(unwanted[i].start), end = strlen(unwanted[i].end);

		if (len >= start + end && memcmp(name, unwanted[i].start, start) == 0 &&
			memcmp(name + len - end, unwanted[i].end, end) == 0)
			return true;
	}
	return false;
}

// struct ethtool_gfeatures with room for all
struct features {
	uint32_t cmd;
	uint32_t size;
	struct ethtool_get_features_block blocks[OFFLOADS_BLOCKS];
};

static int features_set(const char *netdev, const struct offloads *state, bool restore)
{
	// struct ethtool_sfeatures
	struct {
		uint32_t cmd;
		uint32_t size;
		struct ethtool_set_features_block blocks[OFFLOADS_BLOCKS];
	} set = {.cmd = ETHTOOL_SFEATURES, .size = state->n_blocks};

	for (unsigned i = 0; i < state->n_blocks; i++) {
		set.blocks[i].valid = state->changed[i];
		set.blocks[i].requested = restore ? state->before[i] & state->changed[i] : 0;
	}
	return ethtool(netdev, &set);
}

static int features_get(const char *netdev, struct features *features)
{
	*features = (struct features){.cmd = ETHTOOL_GFEATURES, .size = OFFLOADS_BLOCKS};
	return ethtool(netdev, features);
}

static void look_for_vlan_filter(
	const char *netdev, const struct ethtool_gstrings *names, struct offloads *state)
{
	struct features now;

	if (features_get(netdev, &now) < 0)
		return;
	for (unsigned i = 0; i < names->len && i < state->n_blocks * 32; i++)
		if (strncmp((const char *)names->data + (size_t)i * ETH_GSTRING_LEN,
			    "rx-vlan-filter", ETH_GSTRING_LEN) == 0)
			state->filters_vlans = (now.blocks[i / 32].active & 1u << i % 32) != 0;
}

int offloads_disable(const char *netdev, struct offloads *state)
{
	struct features before;
	struct ethtool_gstrings *names = feature_names(netdev);
	int rc;

	memset(state, 0, sizeof(*state));
	if (names == NULL)
		return 0;
	if (features_get(netdev, &before) < 0) {
		free(names);
		return 0;
	}
	state->n_blocks = (names->len + 31) / 32;
	if (state->n_blocks > OFFLOADS_BLOCKS)
		state->n_blocks = OFFLOADS_BLOCKS;
	for (unsigned i = 0; i < names->len && i < state->n_blocks * 32; i++) {
		const struct ethtool_get_features_block *b = &before.blocks[i / 32];
		uint32_t bit = 1u << (i % 32);

		if (!is_unwanted((const char *)names->data + (size_t)i * ETH_GSTRING_LEN))
			continue;
		if ((b->active & bit) != 0 && (b->available & bit) != 0 &&
			(b->never_changed & bit) == 0) {
			state->changed[i / 32] |= bit;
			state->before[i / 32] |= b->requested & bit;
		}
	}
	rc = features_set(netdev, state, false);
	look_for_vlan_filter(netdev, names, state);
	free(names);
	return rc;
}

void offloads_restore(const char *netdev, const struct offloads *state)
{
	if (state->n_blocks > 0)
		(void)features_set(netdev, state, true); // a netdev that is gone needs nothing
}

struct channels channels_get(const char *netdev)
{
	struct ethtool_channels c = {.cmd = ETHTOOL_GCHANNELS};

	if (ethtool(netdev, &c) < 0 || c.combined_count + c.rx_count == 0)
		return (struct channels){.is_combined = false, .n = 1};
	return (struct channels){c.max_combined > 0, c.combined_count + c.rx_count};
}

int channels_set(const char *netdev, uint32_t n)
{
	struct ethtool_channels c = {.cmd = ETHTOOL_GCHANNELS};
	int rc = ethtool(netdev, &c);

	if (rc < 0)
		return rc;
	c.cmd = ETHTOOL_SCHANNELS;
	if (c.max_combined > 0) {
		c.combined_count = n;
		c.rx_count = c.tx_count = 0;
	} else {
		c.rx_count = n;
	}
	return ethtool(netdev, &c);
}
