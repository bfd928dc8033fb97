// SPDX-License-Identifier: BSD-3-Clause
// dhcp_clients INTERFACE FIRST CLIENTS WINDOW SECONDS AGAIN_MS: clients FIRST and on, each of which
// gets a lease by four messages, WINDOW of them at a time, again and again; what is not answered in
// AGAIN_MS is asked again. Each ACK is a line on stdout, "ack CLIENT ADDRESS"; at the end, or on
// SIGTERM, one line of what was measured.
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/base/clock.h"
#include "control/dhcp/dhcp4_message.h"
#include "control/dhcp/dhcp4_scope.h"
#include "control/dhcp/packet_socket.h"

enum { SAMPLES_MAX = 1 << 20, WINDOW_MAX = 1024, BROADCAST = -1 };

struct client {
	uint32_t number, xid;
	uint32_t offered, server; // 0: it waits for an offer
	uint64_t sent_ns;
};

struct clients {
	struct packet_socket socket;
	uint32_t first, n, next, n_started;
	struct client window[WINDOW_MAX];
	unsigned n_window;
	uint64_t again_ns; // without an answer
	uint64_t *offer_ns, *ack_ns;
	unsigned n_offers, n_acks, n_again, n_naks;
};

static volatile sig_atomic_t must_end;

static void on_end(int signum)
{
	must_end = 1;
}

static void write_mac(uint8_t *mac, uint32_t number)
{
	const uint8_t bytes[] = {0x02, 0x00, (uint8_t)(number >> 24), (uint8_t)(number >> 16),
		(uint8_t)(number >> 8), (uint8_t)number};

	memcpy(mac, bytes, sizeof(bytes));
}

static void say(struct clients *all, struct client *client)
{
	struct packet_socket_target target = {
		.destination = (uint32_t)BROADCAST,
		.source_port = DHCP4_CLIENT_PORT,
		.destination_port = DHCP4_SERVER_PORT,
	};
	static const uint8_t wanted[] = {
		DHCP4_OPTION_NETMASK, DHCP4_OPTION_ROUTERS, DHCP4_OPTION_DNS, DHCP4_OPTION_DOMAIN};
	struct dhcp4_message message = {.op = DHCP4_OP_REQUEST,
		.htype = DHCP4_HTYPE_ETHERNET,
		.hlen = 6,
		.xid = client->xid,
		.flags = DHCP4_FLAG_BROADCAST};
	uint8_t bytes[DHCP4_BYTES_MAX];
	size_t n;

	write_mac(message.chaddr, client->number);
	memset(target.mac.bytes, 0xff, sizeof(target.mac.bytes));
	dhcp4_put_u8(&message, DHCP4_OPTION_MESSAGE_TYPE,
		client->offered == 0 ? DHCP4_DISCOVER : DHCP4_REQUEST);
	if (client->offered != 0) {
		dhcp4_put_u32(&message, DHCP4_OPTION_REQUESTED_ADDRESS, client->offered);
		dhcp4_put_u32(&message, DHCP4_OPTION_SERVER_ID, client->server);
	}
	dhcp4_put(&message, DHCP4_OPTION_PARAMETERS, wanted, sizeof(wanted));
	n = dhcp4_write(&message, bytes, sizeof(bytes), NULL);
	client->sent_ns = clock_now_ns();
	packet_socket_send(&all->socket, &target, bytes, n);
}

static void begin(struct clients *all, unsigned at)
{
	struct client *client = &all->window[at];

	client->number = all->first + all->next;
	all->next = (all->next + 1) % all->n;
	client->xid = all->n_started++ * WINDOW_MAX + at;
	client->offered = 0;
	say(all, client);
}

static void note(uint64_t *samples, unsigned n, const struct client *client)
{
	if (n < SAMPLES_MAX)
		samples[n] = clock_now_ns() - client->sent_ns;
}

static void hear(struct clients *all, const struct packet_socket_message *packet)
{
	struct dhcp4_message message;
	struct client *client;
	struct ip_addr addr;
	char text[ADDR_STR_BYTES];

	if (!dhcp4_parse(&message, packet->payload, packet->payload_bytes))
		return;
	client = &all->window[message.xid % WINDOW_MAX];
	if (message.xid % WINDOW_MAX >= all->n_window || message.xid != client->xid)
		return;
	if (dhcp4_type_of(&message) == DHCP4_OFFER && client->offered == 0) {
		note(all->offer_ns, all->n_offers++, client);
		client->offered = message.yiaddr;
		dhcp4_get_u32(&message, DHCP4_OPTION_SERVER_ID, &client->server);
		say(all, client);
		return;
	}
	if (dhcp4_type_of(&message) == DHCP4_ACK && client->offered == message.yiaddr) {
		note(all->ack_ns, all->n_acks++, client);
		addr = ip4_addr(message.yiaddr);
		printf("ack %u %s\n", client->number, ip_addr_str(&addr, text));
	} else if (dhcp4_type_of(&message) == DHCP4_NAK) {
		all->n_naks++;
	} else {
		return;
	}
	begin(all, message.xid % WINDOW_MAX);
}

// Lost, or the server was away: as clients do, from the beginning.
static void say_again(struct clients *all)
{
	uint64_t now_ns = clock_now_ns();

	for (unsigned i = 0; i < all->n_window; i++)
		if (now_ns - all->window[i].sent_ns > all->again_ns) {
			all->n_again++;
			all->window[i].offered = 0;
			say(all, &all->window[i]);
		}
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static double percentile_ms(uint64_t *samples, unsigned n, double part)
{
	n = n < SAMPLES_MAX ? n : SAMPLES_MAX;
	if (n == 0)
		return 0;
	qsort(samples, n, sizeof(*samples), compare);
	return (double)samples[(unsigned)((n - 1) * part)] / 1e6;
}

int main(int argc, char **argv)
{
	static struct clients all;
	uint8_t frame[PACKET_SOCKET_FRAME_MAX];
	uint64_t begin_ns = clock_now_ns(), end_ns, again_ns = begin_ns;
	struct error err;
	double sec;

	if (argc != 7)
		return EXIT_FAILURE;
	all.first = (uint32_t)strtoul(argv[2], NULL, 10);
	all.n = (uint32_t)strtoul(argv[3], NULL, 10);
	all.n_window = (unsigned)strtoul(argv[4], NULL, 10);
	end_ns = begin_ns + strtoul(argv[5], NULL, 10) * UINT64_C(1000000000);
	all.again_ns = strtoul(argv[6], NULL, 10) * UINT64_C(1000000);
	all.offer_ns = calloc(SAMPLES_MAX, sizeof(uint64_t));
	all.ack_ns = calloc(SAMPLES_MAX, sizeof(uint64_t));
	signal(SIGTERM, on_end);
	if (all.n_window > WINDOW_MAX || all.offer_ns == NULL || all.ack_ns == NULL ||
		packet_socket_open(
			&all.socket, (int)if_nametoindex(argv[1]), DHCP4_CLIENT_PORT, &err) != 0)
		return EXIT_FAILURE;
	for (unsigned i = 0; i < all.n_window; i++)
		begin(&all, i);
	while (!must_end && clock_now_ns() < end_ns) {
		struct pollfd fd = {.fd = all.socket.fd, .events = POLLIN};
		struct packet_socket_message message;
		int rc;

		poll(&fd, 1, 10);
		while ((rc = packet_socket_receive(&all.socket, frame, &message)) != 0)
			if (rc == 1)
				hear(&all, &message);
		if (clock_now_ns() - again_ns > all.again_ns / 4) {
			again_ns = clock_now_ns();
			say_again(&all);
			fflush(stdout);
		}
	}
	sec = (double)(clock_now_ns() - begin_ns) / 1e9;
	printf("{\"acks\": %u, \"naks\": %u, \"again\": %u, \"per_sec\": %.0f, "
	       "\"offer_p50_ms\": %.3f, \"offer_p99_ms\": %.3f, "
	       "\"ack_p50_ms\": %.3f, \"ack_p99_ms\": %.3f}\n",
		all.n_acks, all.n_naks, all.n_again, all.n_acks / sec,
		percentile_ms(all.offer_ns, all.n_offers, 0.5),
		percentile_ms(all.offer_ns, all.n_offers, 0.99),
		percentile_ms(all.ack_ns, all.n_acks, 0.5),
		percentile_ms(all.ack_ns, all.n_acks, 0.99));
	packet_socket_close(&all.socket);
	return EXIT_SUCCESS;
}
