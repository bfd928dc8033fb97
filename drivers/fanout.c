// SPDX-License-Identifier: BSD-3-Clause
#include "drivers/fanout.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

// Where the program's jumps to the end and to the bucket's computation go.
struct assembler {
	struct sock_filter *out;
	unsigned n;
};

static unsigned emit(struct assembler *a, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	a->out[a->n] = (struct sock_filter){.code = code, .jt = jt, .jf = jf, .k = k};
	return a->n++;
}

// A = (A & mask) << shift | (A & mask << shift) >> shift: one step of reversing bits
static void emit_swap(struct assembler *a, uint32_t mask, uint32_t shift)
{
	emit(a, BPF_MISC | BPF_TAX, 0, 0, 0);
	emit(a, BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
	emit(a, BPF_ALU | BPF_LSH | BPF_K, shift, 0, 0);
	emit(a, BPF_ST, 0, 0, 0);
	emit(a, BPF_MISC | BPF_TXA, 0, 0, 0);
	emit(a, BPF_ALU | BPF_RSH | BPF_K, shift, 0, 0);
	emit(a, BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
	emit(a, BPF_LDX | BPF_W | BPF_MEM, 0, 0, 0);
	emit(a, BPF_ALU | BPF_OR | BPF_X, 0, 0, 0);
}

// Packet offsets count from the network header (SKF_NET_OFF): this filter may run with or without
// the Ethernet header in front, and VLAN tags are out of band by then.
unsigned fanout_program(struct sock_filter out[FANOUT_PROGRAM_MAX], unsigned n, bool is_outside)
{
	const uint32_t net = (uint32_t)SKF_NET_OFF;
	const uint32_t port = is_outside ? 2 : 0;
	struct assembler a = {out, 0};
	unsigned to_v6, to_hash, no_proto4, no_frag, not_v6, no_proto6, end;

	emit(&a, BPF_LD | BPF_H | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL), 0, 0);
	to_v6 = emit(&a, BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_IP, 0, 0);
	// IPv4: the first fragment and whole packets of TCP and UDP have ports
	emit(&a, BPF_LD | BPF_H | BPF_ABS, net + 6, 0, 0);
	no_frag = emit(&a, BPF_JMP | BPF_JSET | BPF_K, 0x3fff, 0, 0);
	emit(&a, BPF_LD | BPF_B | BPF_ABS, net + 9, 0, 0);
	emit(&a, BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 1, 0);
	no_proto4 = emit(&a, BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 0);
	emit(&a, BPF_LD | BPF_B | BPF_ABS, net, 0, 0);
	emit(&a, BPF_ALU | BPF_AND | BPF_K, 15, 0, 0);
	emit(&a, BPF_ALU | BPF_LSH | BPF_K, 2, 0, 0);
	emit(&a, BPF_MISC | BPF_TAX, 0, 0, 0);
	emit(&a, BPF_LD | BPF_H | BPF_IND, net + port, 0, 0);
	to_hash = emit(&a, BPF_JMP | BPF_JA, 0, 0, 0);
	// IPv6 without extension headers
	out[to_v6].jf = (uint8_t)(a.n - to_v6 - 1);
	not_v6 = emit(&a, BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_IPV6, 0, 0);
	emit(&a, BPF_LD | BPF_B | BPF_ABS, net + 6, 0, 0);
	emit(&a, BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 1, 0);
	no_proto6 = emit(&a, BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 0);
	emit(&a, BPF_LD | BPF_H | BPF_ABS, net + 40 + port, 0, 0);
	// bucket = bitrev7((p >> 6 ^ p) & 127)
	out[to_hash].k = a.n - to_hash - 1;
	emit(&a, BPF_MISC | BPF_TAX, 0, 0, 0);
	emit(&a, BPF_ALU | BPF_RSH | BPF_K, 6, 0, 0);
	emit(&a, BPF_ALU | BPF_XOR | BPF_X, 0, 0, 0);
	emit(&a, BPF_ALU | BPF_AND | BPF_K, 127, 0, 0);
	emit_swap(&a, 0x0f, 4);
	emit_swap(&a, 0x33, 2);
	emit_swap(&a, 0x55, 1);
	emit(&a, BPF_ALU | BPF_RSH | BPF_K, 1, 0, 0);
	emit(&a, BPF_ALU | BPF_MOD | BPF_K, n, 0, 0);
	emit(&a, BPF_RET | BPF_A, 0, 0, 0);
	// no ports: the first socket; its worker hands on what is not its own
	end = emit(&a, BPF_RET | BPF_K, 0, 0, 0);
	out[no_frag].jt = (uint8_t)(end - no_frag - 1);
	out[no_proto4].jf = (uint8_t)(end - no_proto4 - 1);
	out[not_v6].jf = (uint8_t)(end - not_v6 - 1);
	out[no_proto6].jf = (uint8_t)(end - no_proto6 - 1);
	return a.n;
}

// The kernel gives the first socket a group number that nobody has.
static int group_make(int fd, const struct sock_fprog *program, int *group)
{
	const int make = (PACKET_FANOUT_CBPF | PACKET_FANOUT_FLAG_UNIQUEID) << 16;
	socklen_t len = sizeof(*group);

	if (setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &make, sizeof(make)) < 0 ||
		setsockopt(fd, SOL_PACKET, PACKET_FANOUT_DATA, program, sizeof(*program)) < 0 ||
		getsockopt(fd, SOL_PACKET, PACKET_FANOUT, group, &len) < 0)
		return -errno;
	*group = (*group & 0xffff) | PACKET_FANOUT_CBPF << 16;
	return 0;
}

int fanout_join(const int *fds, unsigned n, int ifindex, bool is_outside)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = ifindex};
	struct sock_filter insns[FANOUT_PROGRAM_MAX];
	struct sock_fprog program = {.filter = insns};
	int group = 0;
	int rc = 0;

	program.len = (unsigned short)fanout_program(insns, n, is_outside);
	for (unsigned i = 0; i < n && rc == 0; i++) {
		if (bind(fds[i], (struct sockaddr *)&addr, sizeof(addr)) < 0)
			return -errno;
		if (n == 1)
			break;
		if (i == 0)
			rc = group_make(fds[i], &program, &group);
		else if (setsockopt(fds[i], SOL_PACKET, PACKET_FANOUT, &group, sizeof(group)) < 0)
			rc = -errno;
	}
	return rc;
}
