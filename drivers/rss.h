// SPDX-License-Identifier: BSD-3-Clause
// Steering by the card itself: key, hash types and redirection table. Control thread.
#pragma once

#include <rte_ethdev.h>
#include <stdbool.h>

// Puts RSS by our key into `conf` when the card can do all of it, as far as it tells before it is
// configured.
bool rss_wish(const struct rte_eth_dev_info *info, bool is_outside, struct rte_eth_conf *conf);
// After the start: fills the redirection table so that bucket b arrives on queue
// steering_worker(b, n_rxq), and checks that the card took it. False: spread by software.
bool rss_apply(uint16_t port, const struct rte_eth_dev_info *info, uint16_t n_rxq, bool is_outside);
