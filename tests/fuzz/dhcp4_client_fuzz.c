// SPDX-License-Identifier: BSD-3-Clause
// A DHCPv4 client at the mercy of whoever sends to it. Each step of the input is a byte that says
// what happens and, of a message, its length and bytes, into which the client's own transaction and
// MAC are put half of the time, else nothing would get beyond the first look.
#include <stdlib.h>
#include <string.h>

#include "cfg/base/log.h"
#include "control/dhcp/dhcp4_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct dhcp4_uplink_client client;
static bool is_on_interface;
static unsigned n_sent;

static void must(bool is_so)
{
	if (!is_so)
		abort();
}

static void op_send(void *ctx, const struct dhcp4_outgoing *message)
{
	struct dhcp4_message said;

	n_sent++;
	must(dhcp4_parse(&said, message->bytes, message->n_bytes));
	must(dhcp4_type_of(&said) != DHCP4_NONE);
}

static void op_probe(void *ctx, const struct ip_addr *addr)
{
	must(client.state == DHCP4_CLIENT_CHECKING);
}

static void op_announce(void *ctx, const struct ip_addr *addr)
{
	must(is_on_interface);
}

// What is put on the interface is sound, and comes off it again.
static void op_bind(void *ctx, const struct dhcp4_grant *lease, const struct dhcp4_grant *before)
{
	must(is_on_interface == (before != NULL));
	must(dhcp4_grant_why_not(lease) == NULL);
	must(lease->n_routes <= DHCP4_GRANT_ROUTES_MAX && lease->n_dns <= DHCP4_GRANT_DNS_MAX);
	must(lease->t1_sec <= lease->t2_sec && lease->t2_sec <= lease->sec);
	for (unsigned i = 0; i < lease->n_domains; i++)
		for (const char *c = lease->domains[i]; *c != '\0'; c++)
			must(*c > ' ' && *c < 0x7f);
	is_on_interface = true;
}

static void op_unbind(void *ctx, const struct dhcp4_grant *lease, const char *why)
{
	must(is_on_interface);
	is_on_interface = false;
}

static const char *op_why_not(void *ctx, const struct dhcp4_grant *lease)
{
	return NULL;
}

static uint32_t op_random(void *ctx)
{
	static uint32_t value;

	return value += 0x9e3779b9;
}

static const struct dhcp4_client_ops ops = {.send = op_send,
	.probe = op_probe,
	.announce = op_announce,
	.bind = op_bind,
	.unbind = op_unbind,
	.why_not = op_why_not,
	.random = op_random};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	log_set_level(LOG_LEVEL_ERROR);
	return 0;
}

static void hear(const uint8_t *bytes, size_t n, bool is_for_us, uint64_t now_ms)
{
	uint8_t copy[256 * 8];

	memcpy(copy, bytes, n);
	if (is_for_us && n >= 34) {
		uint32_t xid = client.xid;

		copy[0] = DHCP4_OP_REPLY;
		copy[1] = DHCP4_HTYPE_ETHERNET;
		copy[2] = 6;
		for (unsigned i = 0; i < 4; i++)
			copy[4 + i] = (uint8_t)(xid >> (24 - 8 * i));
		memcpy(copy + 28, client.identity.mac.bytes, 6);
	}
	dhcp4_client_rx(&client, copy, n, now_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct cfg_dhcp4 config = {.client_id = "mac", .hostname = "house"};
	struct mac_addr mac = {{2, 0, 0x5e, 0, 0x53, 1}};
	struct dhcp4_identity identity;
	struct ip_addr wish = {0};
	uint64_t now_ms = 1000;

	is_on_interface = false;
	n_sent = 0;
	dhcp4_identity_make(&identity, &config, &mac);
	dhcp4_client_init(&client, &ops, NULL, "interface wan", &identity, &wish);
	dhcp4_client_link(&client, true, now_ms);
	while (size > 0) {
		uint8_t what = *data++;
		uint64_t deadline = dhcp4_client_deadline(&client);
		size_t n = 0;

		size--;
		switch (what & 7) {
		case 0:
			now_ms += (uint64_t)(what >> 3) * 1000;
			break;
		case 1:
			if (deadline != DHCP4_NEVER && deadline > now_ms)
				now_ms = deadline;
			break;
		case 2:
			dhcp4_client_link(&client, what & 8, now_ms);
			break;
		case 3:
			if (what & 8)
				dhcp4_client_contested(&client, now_ms);
			else
				dhcp4_client_conflict(&client, now_ms);
			break;
		case 4:
			if (what & 8)
				dhcp4_client_renew(&client, now_ms);
			else
				dhcp4_client_release(&client, now_ms);
			break;
		default:
			if (size > 0)
				n = (size_t)data[0] * 8 < size - 1 ? (size_t)data[0] * 8 : size - 1;
			if (size > 0)
				hear(data + 1, n, what & 8, now_ms);
			data += size > 0 ? n + 1 : 0;
			size -= size > 0 ? n + 1 : 0;
			break;
		}
		deadline = dhcp4_client_tick(&client, now_ms);
		must(deadline > now_ms);
		must(client.is_bound == is_on_interface);
		must(client.state != DHCP4_CLIENT_BOUND || client.is_bound);
	}
	must(n_sent < 100000);
	return 0;
}
