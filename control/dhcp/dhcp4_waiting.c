// SPDX-License-Identifier: BSD-3-Clause
#include "control/dhcp/dhcp4_waiting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void dhcp4_waiting_init(struct dhcp4_waiting *waiting)
{
	TAILQ_INIT(&waiting->list);
	waiting->n = 0;
}

static struct dhcp4_waiting_one *take(struct dhcp4_waiting *waiting, struct dhcp4_waiting_one *one)
{
	TAILQ_REMOVE(&waiting->list, one, entry);
	waiting->n--;
	return one;
}

void dhcp4_waiting_fini(struct dhcp4_waiting *waiting)
{
	while (!TAILQ_EMPTY(&waiting->list))
		free(take(waiting, TAILQ_FIRST(&waiting->list)));
}

bool dhcp4_waiting_add(struct dhcp4_waiting *waiting, uint32_t address, const struct dhcp4_rx *rx,
	uint64_t ends_ms)
{
	struct dhcp4_waiting_one *one;

	if (waiting->n == DHCP4_PROBES_MAX || rx->n > sizeof(one->bytes))
		return false;
	one = malloc(sizeof(*one));
	if (one == NULL)
		return false;
	one->address = address;
	one->ends_ms = ends_ms;
	one->rx = *rx;
	snprintf(one->interface, sizeof(one->interface), "%s", rx->interface);
	memcpy(one->bytes, rx->bytes, rx->n);
	one->rx.interface = one->interface;
	one->rx.bytes = one->bytes;
	TAILQ_INSERT_TAIL(&waiting->list, one, entry);
	waiting->n++;
	return true;
}

static struct dhcp4_waiting_one *find(const struct dhcp4_waiting *waiting, uint32_t address)
{
	struct dhcp4_waiting_one *one;

	TAILQ_FOREACH(one, &waiting->list, entry)
	if (one->address == address)
		return one;
	return NULL;
}

bool dhcp4_waiting_has(const struct dhcp4_waiting *waiting, uint32_t address)
{
	return find(waiting, address) != NULL;
}

struct dhcp4_waiting_one *dhcp4_waiting_take(struct dhcp4_waiting *waiting, uint32_t address)
{
	struct dhcp4_waiting_one *one = find(waiting, address);

	return one == NULL ? NULL : take(waiting, one);
}

struct dhcp4_waiting_one *dhcp4_waiting_take_due(struct dhcp4_waiting *waiting, uint64_t now_ms)
{
	struct dhcp4_waiting_one *one = TAILQ_FIRST(&waiting->list);

	return one == NULL || one->ends_ms > now_ms ? NULL : take(waiting, one);
}

uint64_t dhcp4_waiting_deadline(const struct dhcp4_waiting *waiting)
{
	const struct dhcp4_waiting_one *one = TAILQ_FIRST(&waiting->list);

	return one == NULL ? UINT64_MAX : one->ends_ms;
}
