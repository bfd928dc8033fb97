// SPDX-License-Identifier: BSD-3-Clause
// TFTP (RFC 1350 section 4): the server answers a request from a port of its own choice to the one
// that asked. That one's translation stands already; all that is needed is to let the answer in.
// Nothing is remembered of the flow but that.
#include <errno.h>

#include "dataplane/helper_private.h"

enum {
	TFTP_READ_REQUEST = 1,
	TFTP_WRITE_REQUEST = 2,
	TFTP_REQUEST_MIN = 2 + 2 + 2, // opcode, name and mode, each of a byte at least and NUL
};

void helper_tftp_pass(struct worker *w, const struct packet *p, const struct flow_dir *dir)
{
	const struct rte_udp_hdr *udp = packet_l4(p);
	const uint8_t *data = (const uint8_t *)(udp + 1);
	uint32_t udp_bytes = rte_be_to_cpu_16(udp->dgram_len);
	struct expectation expected;

	if (p->m->nb_segs > 1 || udp_bytes < sizeof(*udp) + TFTP_REQUEST_MIN || data[0] != 0 ||
		(data[1] != TFTP_READ_REQUEST && data[1] != TFTP_WRITE_REQUEST))
		return;
	expected = helper_announced(w, dir, udp->src_port);
	expected.dport_be = flow_tuple_of(dir + 1).dport_be;
	if (helper_expect(w, &expected) == -EEXIST) // no other port would do
		worker_count(w, COUNTER_HELPER_FULL);
}
