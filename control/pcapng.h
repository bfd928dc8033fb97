// SPDX-License-Identifier: BSD-3-Clause
// Packets as pcapng (draft-ietf-opsawg-pcapng), for tcpdump and Wireshark: libpcap writes neither
// comments nor several interfaces. Blocks are appended whole, in this machine's byte order, which
// the section's header tells. Any thread.
#pragma once

#include <event2/buffer.h>
#include <stdint.h>

enum pcapng_direction { // the packet block's flags, bits 0 and 1
	PCAPNG_UNKNOWN = 0,
	PCAPNG_INBOUND = 1,
	PCAPNG_OUTBOUND = 2,
};

struct pcapng_packet {
	uint32_t interface; // counted from 0 in the order of pcapng_interface
	enum pcapng_direction direction;
	uint64_t time_ns; // since 1970
	uint32_t bytes, captured_bytes;
	const uint8_t *data;
	const char *comment; // or NULL
};

// 0, or -ENOMEM with `out` as it was. Texts are cut at 65,535 bytes; a comment may be NULL.
int pcapng_section(struct evbuffer *out, const char *application, const char *comment);
int pcapng_interface(struct evbuffer *out, const char *name, uint32_t snap_bytes);
int pcapng_packet(struct evbuffer *out, const struct pcapng_packet *packet);
