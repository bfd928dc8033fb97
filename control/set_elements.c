// SPDX-License-Identifier: BSD-3-Clause
#include "control/set_elements.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_MIN = 8 };

size_t set_elements_item_bytes(enum cfg_set_kind kind)
{
	switch (kind) {
	case CFG_SET_ADDRESSES:
		return sizeof(struct ip_prefix);
	case CFG_SET_MACS:
		return sizeof(struct mac_addr);
	case CFG_SET_INTERFACES:
		return sizeof(struct interface_name);
	case CFG_SET_PORTS:
	case CFG_SET_ICMP:
	case CFG_SET_ICMP6:
	case CFG_SET_PROTOCOLS:
		break;
	}
	return sizeof(struct dp_range);
}

void set_elements_fini(struct set_elements *elements)
{
	free(elements->items);
	*elements = (struct set_elements){.kind = elements->kind};
}

// Appends `n` items that lie one after the other.
static int append(struct set_elements *elements, const void *items, uint32_t n)
{
	size_t bytes = set_elements_item_bytes(elements->kind);

	if (n > DP_SET_ELEMENTS_MAX - elements->n)
		return -E2BIG;
	if (elements->n + n > elements->room) {
		uint32_t room = elements->room == 0 ? ROOM_MIN : elements->room * 2;
		void *larger;

		if (room < elements->n + n)
			room = elements->n + n;
		larger = realloc(elements->items, room * bytes);
		if (larger == NULL)
			return -ENOMEM;
		elements->items = larger;
		elements->room = room;
	}
	if (n > 0)
		memcpy((char *)elements->items + elements->n * bytes, items, n * bytes);
	elements->n += n;
	return 0;
}

int set_elements_add(struct set_elements *elements, const struct cfg_element *element)
{
	struct ip_prefix prefixes[CFG_RANGE_PREFIXES_MAX];
	struct interface_name name = {0};
	struct dp_range range;

	switch (elements->kind) {
	case CFG_SET_ADDRESSES:
		return append(elements, prefixes,
			cfg_range_prefixes(
				&element->addresses.first, &element->addresses.last, prefixes));
	case CFG_SET_MACS:
		return append(elements, &element->mac, 1);
	case CFG_SET_INTERFACES:
		snprintf(name.text, sizeof(name.text), "%s", element->interface);
		return append(elements, &name, 1);
	case CFG_SET_PORTS:
	case CFG_SET_ICMP:
	case CFG_SET_ICMP6:
	case CFG_SET_PROTOCOLS:
		break;
	}
	range = (struct dp_range){element->numbers.first, element->numbers.last};
	return append(elements, &range, 1);
}

int set_elements_append(struct set_elements *to, const struct set_elements *from)
{
	return append(to, from->items, from->n);
}
