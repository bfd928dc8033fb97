// SPDX-License-Identifier: BSD-3-Clause
#include "drivers/rss.h"

#include <string.h>

#include "drivers/steering.h"

// Buckets come from TCP's and UDP's ports; other IP packets fall where their addresses put them.
static const uint64_t hash_types = RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV4_UDP |
				   RTE_ETH_RSS_NONFRAG_IPV6_TCP | RTE_ETH_RSS_NONFRAG_IPV6_UDP;
static const uint64_t optional_types = RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_IPV6 | RTE_ETH_RSS_FRAG_IPV4 |
				       RTE_ETH_RSS_FRAG_IPV6 | RTE_ETH_RSS_NONFRAG_IPV4_OTHER |
				       RTE_ETH_RSS_NONFRAG_IPV6_OTHER;

// Cards with keys longer than the standard's 40 bytes (i40e, ice: 52) use the first 40 for what
// Toeplitz needs here and the rest for inputs that we do not have.
enum { KEY_MAX = 64, RETA_MAX = 512 };

static uint8_t keys[2][KEY_MAX];

static bool is_able(const struct rte_eth_dev_info *info)
{
	return (info->flow_type_rss_offloads & hash_types) == hash_types &&
	       info->hash_key_size >= STEERING_KEY_BYTES && info->hash_key_size <= KEY_MAX &&
	       info->reta_size >= STEERING_BUCKETS && info->reta_size <= RETA_MAX &&
	       info->reta_size % STEERING_BUCKETS == 0;
}

static struct rte_eth_rss_conf rss_conf(const struct rte_eth_dev_info *info, bool is_outside)
{
	steering_rss_key(is_outside, keys[is_outside]);
	return (struct rte_eth_rss_conf){
		.rss_key = keys[is_outside],
		.rss_key_len = info->hash_key_size,
		.rss_hf = hash_types | (optional_types & info->flow_type_rss_offloads),
	};
}

bool rss_wish(const struct rte_eth_dev_info *info, bool is_outside, struct rte_eth_conf *conf)
{
	if (!is_able(info))
		return false;
	conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	conf->rx_adv_conf.rss_conf = rss_conf(info, is_outside);
	return true;
}

static bool key_is_ours(uint16_t port, const struct rte_eth_dev_info *info, bool is_outside)
{
	uint8_t key[KEY_MAX] = {0};
	struct rte_eth_rss_conf now = {.rss_key = key, .rss_key_len = info->hash_key_size};

	return rte_eth_dev_rss_hash_conf_get(port, &now) == 0 &&
	       (now.rss_hf & hash_types) == hash_types &&
	       memcmp(key, keys[is_outside], STEERING_KEY_BYTES) == 0;
}

bool rss_apply(uint16_t port, const struct rte_eth_dev_info *info, uint16_t n_rxq, bool is_outside)
{
	struct rte_eth_rss_reta_entry64 reta[RETA_MAX / RTE_ETH_RETA_GROUP_SIZE] = {0};
	struct rte_eth_rss_conf conf;

	if (!is_able(info))
		return false;
	conf = rss_conf(info, is_outside);
	for (uint16_t i = 0; i < info->reta_size; i++) {
		struct rte_eth_rss_reta_entry64 *e = &reta[i / RTE_ETH_RETA_GROUP_SIZE];

		e->mask = UINT64_MAX;
		e->reta[i % RTE_ETH_RETA_GROUP_SIZE] =
			steering_worker((uint8_t)(i % STEERING_BUCKETS), n_rxq);
	}
	return rte_eth_dev_rss_hash_update(port, &conf) == 0 &&
	       rte_eth_dev_rss_reta_update(port, reta, info->reta_size) == 0 &&
	       key_is_ours(port, info, is_outside);
}
