// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as a DHCPv4 message, and as the packet that brings one: what is taken has options that
// stay within it, and is the same after it was written and read again.
#include <stdlib.h>
#include <string.h>

#include "control/dhcp/dhcp4_message.h"
#include "control/dhcp/packet_socket.h"

static void check(bool is_true)
{
	if (!is_true)
		abort();
}

static void compare(const struct dhcp4_message *a, const struct dhcp4_message *b)
{
	for (unsigned i = 0; i < a->n_options; i++) {
		size_t n_a, n_b;
		const uint8_t *at_a = dhcp4_get(a, a->order[i], &n_a);
		const uint8_t *at_b = dhcp4_get(b, a->order[i], &n_b);

		if (a->order[i] == DHCP4_OPTION_OVERLOAD)
			continue;
		check(at_b != NULL && n_a == n_b && memcmp(at_a, at_b, n_a) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dhcp4_message message, again;
	struct packet_socket_message packet;
	uint8_t out[DHCP4_BYTES_MAX];
	unsigned n_left_out;
	char text[64];
	size_t n;

	if (packet_socket_parse(data, size, 0, (size & 1) != 0, &packet))
		check(packet.payload >= data &&
			packet.payload + packet.payload_bytes <= data + size);
	if (!dhcp4_parse(&message, data, size))
		return 0;
	dhcp4_type_name(dhcp4_type_of(&message));
	dhcp4_get_text(&message, DHCP4_OPTION_HOST_NAME, text, sizeof(text));
	n = dhcp4_write(&message, out, sizeof(out), &n_left_out);
	check(n > 0 && dhcp4_parse(&again, out, n));
	if (n_left_out == 0)
		compare(&message, &again);
	// in a smaller one, whatever fits
	n = dhcp4_write(&message, out, 244 + size % 300, &n_left_out);
	check(n > 0 && dhcp4_parse(&again, out, n));
	return 0;
}
