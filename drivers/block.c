// SPDX-License-Identifier: BSD-3-Clause
#include "drivers/block.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "drivers/eal.h"

// Marks the filter as ours also for a later process, should this one be killed.
enum { BLOCK_PRIORITY = 1, BLOCK_HANDLE = 0x6d72 };

static int drop_program(void)
{
	static const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = TC_ACT_SHOT},
		{.code = BPF_JMP | BPF_EXIT},
	};

	return bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "millrace_drop", "Dual BSD/GPL", insns,
		sizeof(insns) / sizeof(insns[0]), NULL);
}

static int attach(int ifindex, int program, bool *made_clsact)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = BLOCK_HANDLE, .priority = BLOCK_PRIORITY,
		.prog_fd = program, .flags = BPF_TC_F_REPLACE);
	int rc = bpf_tc_hook_create(&hook);

	*made_clsact = rc == 0;
	if (rc < 0 && rc != -EEXIST)
		return rc;
	rc = bpf_tc_attach(&hook, &opts);
	if (rc < 0 && *made_clsact) {
		hook.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS; // both: removes the qdisc
		bpf_tc_hook_destroy(&hook);
	}
	return rc;
}

int block_attach(const char *netdev, int ifindex, bool *made_clsact, struct error *err)
{
	bool was_attached = block_is_attached(ifindex); // by one of us who was killed
	const char *said;
	int program;
	int rc;

	eal_hush();
	program = drop_program();
	if (program < 0) {
		eal_unhush();
		return error_set(err,
			"cannot load a BPF program to keep the kernel from %s's packets: %s%s",
			netdev, strerror(-program),
			program == -EPERM ? " (this needs root, or CAP_BPF and CAP_NET_ADMIN)"
					  : "");
	}
	rc = attach(ifindex, program, made_clsact);
	close(program);
	said = eal_unhush();
	if (rc < 0)
		return error_set(err,
			"cannot keep the kernel from %s's packets: no BPF filter at its tc "
			"ingress: %s%s%s%s",
			netdev, strerror(-rc), said[0] != '\0' ? ": " : "", said,
			rc == -ENOENT || rc == -EOPNOTSUPP
				? " (the kernel needs sch_ingress and cls_bpf)"
				: "");
	*made_clsact |= was_attached;
	return 0;
}

void block_detach(int ifindex, bool made_clsact)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = BLOCK_HANDLE, .priority = BLOCK_PRIORITY);

	eal_hush(); // a netdev that is gone needs nothing
	bpf_tc_detach(&hook, &opts);
	if (made_clsact) {
		hook.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS;
		bpf_tc_hook_destroy(&hook);
	}
	eal_unhush();
}

bool block_is_attached(int ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = BLOCK_HANDLE, .priority = BLOCK_PRIORITY);
	int rc;

	eal_hush();
	rc = bpf_tc_query(&hook, &opts);
	eal_unhush();
	return rc == 0;
}
