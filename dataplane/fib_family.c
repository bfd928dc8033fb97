// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/fib_family.h"

#include <string.h>

#include <rte_rib.h>
#include <rte_rib6.h>

static uint32_t ip4(const struct ip_prefix *prefix)
{
	uint32_t be;

	memcpy(&be, prefix->addr.v4, sizeof(be));
	return rte_be_to_cpu_32(be);
}

static void *node4_find(const struct fib *fib, const struct ip_prefix *to)
{
	return rte_rib_lookup_exact(rte_fib_get_rib(fib->v4), ip4(to), to->len);
}

static void *node6_find(const struct fib *fib, const struct ip_prefix *to)
{
	return rte_rib6_lookup_exact(rte_fib6_get_rib(fib->v6), to->addr.v6, to->len);
}

static void *node4_insert(const struct fib *fib, const struct ip_prefix *to)
{
	return rte_rib_insert(rte_fib_get_rib(fib->v4), ip4(to), to->len);
}

static void *node6_insert(const struct fib *fib, const struct ip_prefix *to)
{
	return rte_rib6_insert(rte_fib6_get_rib(fib->v6), to->addr.v6, to->len);
}

static void *node4_parent(void *node)
{
	return rte_rib_lookup_parent(node);
}

static void *node6_parent(void *node)
{
	return rte_rib6_lookup_parent(node);
}

static uint16_t node4_code(const void *node)
{
	uint64_t code = NEXTHOP_NONE;

	rte_rib_get_nh(node, &code);
	return (uint16_t)code;
}

static uint16_t node6_code(const void *node)
{
	uint64_t code = NEXTHOP_NONE;

	rte_rib6_get_nh(node, &code);
	return (uint16_t)code;
}

static void node4_set_code(void *node, uint16_t code)
{
	rte_rib_set_nh(node, code);
}

static void node6_set_code(void *node, uint16_t code)
{
	rte_rib6_set_nh(node, code);
}

static bool has_longer4(const struct fib *fib, const struct ip_prefix *to, uint8_t len)
{
	return rte_rib_get_nxt(rte_fib_get_rib(fib->v4), ip4(to) & rte_rib_depth_to_mask(len), len,
		       NULL, RTE_RIB_GET_NXT_COVER) != NULL;
}

static bool has_longer6(const struct fib *fib, const struct ip_prefix *to, uint8_t len)
{
	return rte_rib6_get_nxt(rte_fib6_get_rib(fib->v6), to->addr.v6, len, NULL,
		       RTE_RIB6_GET_NXT_COVER) != NULL;
}

static int table4_replace(struct fib *fib, const struct ip_prefix *to, uint16_t code)
{
	return rte_fib_add(fib->v4, ip4(to), to->len, code);
}

static int table6_replace(struct fib *fib, const struct ip_prefix *to, uint16_t code)
{
	return rte_fib6_add(fib->v6, to->addr.v6, to->len, code);
}

static void node4_remove(const struct fib *fib, const struct ip_prefix *to)
{
	rte_rib_remove(rte_fib_get_rib(fib->v4), ip4(to), to->len);
}

static void node6_remove(const struct fib *fib, const struct ip_prefix *to)
{
	rte_rib6_remove(rte_fib6_get_rib(fib->v6), to->addr.v6, to->len);
}

static const struct fib_family family4 = {node4_find, node4_insert, node4_parent, node4_code,
	node4_set_code, has_longer4, table4_replace, node4_remove};
static const struct fib_family family6 = {node6_find, node6_insert, node6_parent, node6_code,
	node6_set_code, has_longer6, table6_replace, node6_remove};

const struct fib_family *fib_family_of(const struct ip_prefix *to)
{
	if (to->addr.family == IP_V4 && to->len <= 32)
		return &family4;
	return to->addr.family == IP_V6 && to->len <= 128 ? &family6 : NULL;
}
