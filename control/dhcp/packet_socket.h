// SPDX-License-Identifier: BSD-3-Clause
// UDP over IPv4 from and to hosts that have no address yet: an AF_PACKET socket on one interface, a
// filter in the kernel for the port that is listened on, and the IP and UDP headers (RFC 791, RFC
// 768) made and checked here. A checksum that the sending kernel left to a card is taken as good.
// Addresses are numbers of host order. Control thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cfg/base/addr.h"
#include "cfg/base/error.h"

// Headers and largest payload of a frame that is sent or taken.
enum { PACKET_SOCKET_HEADER_BYTES = 28, PACKET_SOCKET_FRAME_MAX = 2048 };

struct packet_socket {
	int fd; // non-blocking; -1: none
	int ifindex;
};

struct packet_socket_message {
	uint32_t source, destination;
	uint16_t source_port;
	struct mac_addr source_mac;
	bool was_broadcast;	// of layer 2, or multicast
	const uint8_t *payload; // in the caller's buffer
	size_t payload_bytes;
};

// Takes what is sent to the UDP port `port`. 0, or -1 with the reason.
int packet_socket_open(struct packet_socket *socket, int ifindex, uint16_t port, struct error *err);
void packet_socket_close(struct packet_socket *socket); // safe on one whose fd is -1

// One message, whole and in one piece, into `frame`, which has PACKET_SOCKET_FRAME_MAX bytes. 1;
// 0: nothing is there; -EBADMSG: something was, and it was broken; -errno.
int packet_socket_receive(
	struct packet_socket *socket, uint8_t *frame, struct packet_socket_message *message);

struct packet_socket_target {
	uint32_t source, destination;
	uint16_t source_port, destination_port;
	struct mac_addr mac; // of layer 2
};
// 0 or -errno: -EMSGSIZE when it does not fit into a frame.
int packet_socket_send(struct packet_socket *socket, const struct packet_socket_target *target,
	const void *payload, size_t payload_bytes);

// --- without a socket ---

// The headers in front of a payload; what packet_socket_send writes. Returns how many bytes.
size_t packet_socket_write_headers(const struct packet_socket_target *target, const void *payload,
	size_t payload_bytes, uint8_t out[PACKET_SOCKET_HEADER_BYTES]);
// Reads what begins with an IP header. `is_checksum_good`: the kernel has not made it yet, or has
// checked it. False when it is broken, a fragment, or not UDP to `port` (0: whichever).
bool packet_socket_parse(const uint8_t *packet, size_t bytes, uint16_t port, bool is_checksum_good,
	struct packet_socket_message *message);
