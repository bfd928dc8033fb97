// SPDX-License-Identifier: BSD-3-Clause
#include "control/dhcp/dhcp4_grant.h"

enum { PREFIX_LEN_MIN = 8 }; // no network of one owner is larger

static uint32_t host_bits(const struct ip_prefix *prefix)
{
	uint32_t addr = ip4_number(&prefix->addr);

	return prefix->len == 0 ? addr : addr & (uint32_t)(UINT64_C(0xffffffff) >> prefix->len);
}

const char *dhcp4_grant_why_not(const struct dhcp4_grant *lease)
{
	const uint8_t *v4 = lease->addr.addr.v4;
	uint32_t host = host_bits(&lease->addr);

	if (lease->addr.addr.family != IP_V4 || v4[0] == 0)
		return "no address";
	if (v4[0] == 127 || v4[0] >= 224)
		return "an address that no host can have";
	if (lease->addr.len < PREFIX_LEN_MIN)
		return "a subnet of half the internet";
	if (lease->addr.len < 31 && host == 0)
		return "the address of the network itself";
	if (lease->addr.len < 31 && host == UINT32_C(0xffffffff) >> lease->addr.len)
		return "the broadcast address of its subnet";
	if (lease->server.family != IP_V4 || lease->server.v4[0] == 0)
		return "no server identifier";
	if (lease->sec < DHCP4_GRANT_SEC_MIN)
		return "a lease that ends at once";
	return NULL;
}

void dhcp4_grant_complete(struct dhcp4_grant *lease)
{
	if (lease->sec == DHCP4_FOREVER) {
		lease->t1_sec = lease->t2_sec = DHCP4_FOREVER;
		return;
	}
	if (lease->t2_sec == 0 || lease->t2_sec >= lease->sec)
		lease->t2_sec = (uint32_t)((uint64_t)lease->sec * 7 / 8);
	if (lease->t1_sec == 0 || lease->t1_sec >= lease->t2_sec)
		lease->t1_sec = lease->sec / 2;
	if (lease->t1_sec >= lease->t2_sec)
		lease->t1_sec = lease->t2_sec / 2;
}

bool dhcp4_grant_is_same_address(const struct dhcp4_grant *a, const struct dhcp4_grant *b)
{
	return a->addr.len == b->addr.len && ip_addr_equal(&a->addr.addr, &b->addr.addr);
}
