// SPDX-License-Identifier: BSD-3-Clause
#include "control/dhcp/packet_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "cfg/base/cursor.h"

enum {
	IP_HEADER_BYTES = 20,
	UDP_HEADER_BYTES = 8,
	IP_VERSION = 4,
	TTL = 64,
	IP_FRAGMENT_BITS = 0x3fff, // RFC 791: more of them, or not the first
	RECEIVE_BYTES = 1 << 20,   // some thousand clients may speak at once
};

// --- bytes ---

// RFC 1071, to be folded.
static uint32_t add_up(uint32_t sum, const void *bytes, size_t n)
{
	struct cursor c = cursor_of(bytes, n);

	while (c.left > 1)
		sum += cursor_u16(&c);
	if (c.left > 0)
		sum += (uint32_t)cursor_u8(&c) << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

// RFC 768: addresses, protocol and length count, too.
static uint32_t pseudo_header(uint32_t source, uint32_t destination, size_t udp_bytes)
{
	return (source >> 16) + (source & 0xffff) + (destination >> 16) + (destination & 0xffff) +
	       IPPROTO_UDP + (uint32_t)udp_bytes;
}

static void write_ip(struct cursor_out *c, const struct packet_socket_target *target, size_t total,
	uint16_t checksum)
{
	cursor_put_u8(c, IP_VERSION << 4 | IP_HEADER_BYTES / 4);
	cursor_put_u8(c, 0x10); // RFC 1349: low delay, as DHCP has always been sent
	cursor_put_u16(c, (uint16_t)total);
	cursor_put_u32(c, 0);
	cursor_put_u8(c, TTL);
	cursor_put_u8(c, IPPROTO_UDP);
	cursor_put_u16(c, checksum);
	cursor_put_u32(c, target->source);
	cursor_put_u32(c, target->destination);
}

static void write_udp(struct cursor_out *c, const struct packet_socket_target *target,
	size_t udp_bytes, uint16_t checksum)
{
	cursor_put_u16(c, target->source_port);
	cursor_put_u16(c, target->destination_port);
	cursor_put_u16(c, (uint16_t)udp_bytes);
	cursor_put_u16(c, checksum);
}

size_t packet_socket_write_headers(const struct packet_socket_target *target, const void *payload,
	size_t payload_bytes, uint8_t out[PACKET_SOCKET_HEADER_BYTES])
{
	size_t udp_bytes = UDP_HEADER_BYTES + payload_bytes, total = IP_HEADER_BYTES + udp_bytes;
	struct cursor_out ip = cursor_out_of(out, IP_HEADER_BYTES);
	struct cursor_out udp = cursor_out_of(out + IP_HEADER_BYTES, UDP_HEADER_BYTES);
	uint16_t ip_sum, udp_sum;

	write_ip(&ip, target, total, 0);
	write_udp(&udp, target, udp_bytes, 0);
	ip_sum = (uint16_t)~fold(add_up(0, out, IP_HEADER_BYTES));
	udp_sum = (uint16_t)~fold(
		add_up(add_up(pseudo_header(target->source, target->destination, udp_bytes),
			       out + IP_HEADER_BYTES, UDP_HEADER_BYTES),
			payload, payload_bytes));
	ip.n = udp.n = 0;
	write_ip(&ip, target, total, ip_sum);
	write_udp(&udp, target, udp_bytes, udp_sum == 0 ? 0xffff : udp_sum);
	return PACKET_SOCKET_HEADER_BYTES;
}

bool packet_socket_parse(const uint8_t *packet, size_t bytes, uint16_t port, bool is_checksum_good,
	struct packet_socket_message *message)
{
	struct cursor c = cursor_of(packet, bytes), udp;
	uint8_t first = cursor_u8(&c), header = (uint8_t)((first & 0xf) * 4), protocol;
	uint16_t total, fragment, destination_port, length, checksum;

	cursor_u8(&c);
	total = cursor_u16(&c);
	cursor_u16(&c);
	fragment = cursor_u16(&c);
	cursor_u8(&c);
	protocol = cursor_u8(&c);
	cursor_u16(&c);
	message->source = cursor_u32(&c);
	message->destination = cursor_u32(&c);
	if (c.is_short || first >> 4 != IP_VERSION || header < IP_HEADER_BYTES || total > bytes ||
		total < header + UDP_HEADER_BYTES || (fragment & IP_FRAGMENT_BITS) != 0 ||
		protocol != IPPROTO_UDP || fold(add_up(0, packet, header)) != 0xffff)
		return false;
	udp = cursor_of(packet + header, (size_t)(total - header));
	message->source_port = cursor_u16(&udp);
	destination_port = cursor_u16(&udp);
	length = cursor_u16(&udp);
	checksum = cursor_u16(&udp);
	if ((port != 0 && destination_port != port) || length < UDP_HEADER_BYTES ||
		length > total - header)
		return false;
	if (!is_checksum_good && checksum != 0 &&
		fold(add_up(pseudo_header(message->source, message->destination, length),
			packet + header, length)) != 0xffff)
		return false;
	message->payload = packet + header + UDP_HEADER_BYTES;
	message->payload_bytes = (size_t)(length - UDP_HEADER_BYTES);
	return true;
}

// --- the socket ---

// IPv4, UDP, no later fragment, to that port. It sees what follows the link's header.
static int attach_filter(int fd, uint16_t port)
{
	struct sock_filter steps[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 6),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 4, 0),
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, port, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, PACKET_SOCKET_FRAME_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {sizeof(steps) / sizeof(steps[0]), steps};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

static struct sockaddr_ll link_address(int ifindex)
{
	return (struct sockaddr_ll){
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IP),
		.sll_ifindex = ifindex,
		.sll_halen = ETH_ALEN,
	};
}

// Until it is bound it hears nothing, so that nothing comes in before the filter is there.
int packet_socket_open(
	struct packet_socket *socket_out, int ifindex, uint16_t port, struct error *err)
{
	struct sockaddr_ll address = link_address(ifindex);
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
	int bytes = RECEIVE_BYTES;

	*socket_out = (struct packet_socket){.fd = -1, .ifindex = ifindex};
	if (fd < 0)
		return error_set(err, "cannot make a packet socket: %s", strerror(errno));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) != 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)); // as much as allowed
	if (setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)) != 0 ||
		attach_filter(fd, port) != 0 ||
		bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		error_set(err, "cannot listen on the interface: %s", strerror(errno));
		close(fd);
		return -1;
	}
	socket_out->fd = fd;
	return 0;
}

void packet_socket_close(struct packet_socket *socket)
{
	if (socket->fd >= 0)
		close(socket->fd);
	socket->fd = -1;
}

// What another process of this machine has sent, or a guest of it, was never on a wire: its
// checksum is still to be made.
static bool has_good_checksum(struct msghdr *header)
{
	for (struct cmsghdr *at = CMSG_FIRSTHDR(header); at != NULL; at = CMSG_NXTHDR(header, at)) {
		struct tpacket_auxdata aux;

		if (at->cmsg_level != SOL_PACKET || at->cmsg_type != PACKET_AUXDATA ||
			at->cmsg_len < CMSG_LEN(sizeof(aux)))
			continue;
		memcpy(&aux, CMSG_DATA(at), sizeof(aux));
		return (aux.tp_status & (TP_STATUS_CSUMNOTREADY | TP_STATUS_CSUM_VALID)) != 0;
	}
	return false;
}

int packet_socket_receive(
	struct packet_socket *socket, uint8_t *frame, struct packet_socket_message *message)
{
	union {
		struct cmsghdr align;
		uint8_t bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	} control;
	struct iovec iov = {frame, PACKET_SOCKET_FRAME_MAX};
	struct sockaddr_ll from = {0};
	struct msghdr header = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t bytes = recvmsg(socket->fd, &header, MSG_DONTWAIT);

	if (bytes < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (from.sll_pkttype == PACKET_OUTGOING || from.sll_pkttype == PACKET_OTHERHOST)
		return -EBADMSG;
	if (!packet_socket_parse(frame, (size_t)bytes, 0, has_good_checksum(&header), message))
		return -EBADMSG;
	memcpy(message->source_mac.bytes, from.sll_addr, sizeof(message->source_mac.bytes));
	message->was_broadcast = from.sll_pkttype != PACKET_HOST;
	return 1;
}

int packet_socket_send(struct packet_socket *socket, const struct packet_socket_target *target,
	const void *payload, size_t payload_bytes)
{
	uint8_t headers[PACKET_SOCKET_HEADER_BYTES];
	struct iovec iov[] = {
		{headers, sizeof(headers)}, {(void *)(uintptr_t)payload, payload_bytes}};
	struct sockaddr_ll to = link_address(socket->ifindex);
	struct msghdr header = {
		.msg_name = &to,
		.msg_namelen = sizeof(to),
		.msg_iov = iov,
		.msg_iovlen = 2,
	};

	if (payload_bytes > PACKET_SOCKET_FRAME_MAX - PACKET_SOCKET_HEADER_BYTES)
		return -EMSGSIZE;
	packet_socket_write_headers(target, payload, payload_bytes, headers);
	memcpy(to.sll_addr, target->mac.bytes, sizeof(target->mac.bytes));
	return sendmsg(socket->fd, &header, MSG_DONTWAIT) < 0 ? -errno : 0;
}
