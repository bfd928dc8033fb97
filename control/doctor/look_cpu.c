// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/doctor/cpu_list.h"
#include "control/doctor/machine.h"

#define CPU "sys/devices/system/cpu"

enum { CPUINFO_MAX = 1 << 20, MODEL_BYTES = 96, LIST_BYTES = 512, TEXT_BYTES = 256 };

struct cpu {
	char *info; // /proc/cpuinfo
	char model[MODEL_BYTES];
	bool is_x86;
	struct cpu_list online, isolated, one_each; // one_each: the first thread of each core
	unsigned n_nodes;
};

// The value of a key in the first processor's lines: "model name\t: AMD EPYC".
static const char *find_value(const char *info, const char *key)
{
	const char *line = info;

	while (line != NULL && *line != '\0') {
		size_t len = strlen(key);

		if (strncmp(line, key, len) == 0 && (line[len] == '\t' || line[len] == ':')) {
			const char *value = strchr(line, ':');

			return value == NULL ? NULL : value + 1 + strspn(value + 1, " ");
		}
		line = strchr(line, '\n');
		line = line == NULL ? NULL : line + 1;
	}
	return NULL;
}

static bool has_flag(const char *info, const char *flag)
{
	const char *flags = find_value(info, "flags");
	size_t end = flags == NULL ? 0 : strcspn(flags, "\n"), len = strlen(flag);

	for (size_t at = 0; at < end; at += strcspn(flags + at, " \n") + 1)
		if (strncmp(flags + at, flag, len) == 0 &&
			(flags[at + len] == ' ' || flags[at + len] == '\n' ||
				flags[at + len] == '\0'))
			return true;
	return false;
}

static void read_list(const struct tree *tree, const char *path, struct cpu_list *list)
{
	char text[LIST_BYTES];

	tree_line(tree, text, sizeof(text), CPU "/%s", path);
	cpu_list_parse(text, list);
}

// A core's threads name each other: those whose list begins with another's number are left out.
static void find_cores(const struct tree *tree, struct cpu *cpu)
{
	cpu->one_each = (struct cpu_list){0};
	for (unsigned i = 0; i < CPU_LIST_MAX; i++) {
		struct cpu_list siblings;
		char path[TEXT_BYTES];

		if (!cpu_list_has(&cpu->online, i))
			continue;
		snprintf(path, sizeof(path), "cpu%u/topology/thread_siblings_list", i);
		read_list(tree, path, &siblings);
		if (siblings.n == 0 || cpu_list_first(&siblings) == i)
			cpu_list_add(&cpu->one_each, i);
	}
}

static void read_cpu(const struct machine *machine, struct cpu *cpu)
{
	const char *model;
	char text[LIST_BYTES];
	struct cpu_list nodes;

	*cpu = (struct cpu){.info = tree_text(&machine->tree, CPUINFO_MAX, "proc/cpuinfo")};
	model = find_value(cpu->info, "model name");
	if (model == NULL)
		model = find_value(cpu->info, "Model"); // ARM
	snprintf(cpu->model, sizeof(cpu->model), "%.*s",
		model == NULL ? 0 : (int)strcspn(model, "\n"), model == NULL ? "" : model);
	for (char *c = cpu->model; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || (unsigned char)*c >= 0x7f)
			*c = '?';
	cpu->is_x86 = find_value(cpu->info, "vendor_id") != NULL;
	read_list(&machine->tree, "online", &cpu->online);
	read_list(&machine->tree, "isolated", &cpu->isolated);
	find_cores(&machine->tree, cpu);
	tree_line(&machine->tree, text, sizeof(text), "sys/devices/system/node/online");
	cpu_list_parse(text, &nodes);
	cpu->n_nodes = nodes.n;
}

static void say_model(const struct cpu *cpu, struct findings *out)
{
	unsigned n = cpu->online.n, cores = cpu->one_each.n;
	char nodes[TEXT_BYTES] = "";

	if (cpu->info == NULL) {
		finding_add(
			out, VERDICT_UNSEEN, "cpu-unseen", "cpu", "/proc/cpuinfo cannot be read.");
		return;
	}
	if (cpu->n_nodes > 1)
		snprintf(nodes, sizeof(nodes), ", on %u NUMA nodes", cpu->n_nodes);
	finding_add(out, VERDICT_FINE, "cpu", "cpu", "%s, %u core%s%s%s.",
		cpu->model[0] != '\0' ? cpu->model : "of a model it does not tell", cores,
		cores == 1 ? "" : "s", n > cores ? " of two threads or more" : "", nodes);
	if (cores == 1)
		finding_add(out, VERDICT_FINE, "one-core", "cpu",
			"The worker shares the one core with all else. That works; two are "
			"better.");
}

// What DPDK of Debian is built for, and what it uses where it is.
static void say_flags(const struct cpu *cpu, struct findings *out)
{
	static const char *const better[] = {"avx512f", "avx2", "avx"};
	static const char *const words[] = {"AVX-512", "AVX2", "AVX"};

	if (cpu->info == NULL || !cpu->is_x86)
		return;
	if (!has_flag(cpu->info, "sse4_2")) {
		struct finding *finding = finding_add(out, VERDICT_PROBLEM, "no-sse42", "cpu",
			"The CPU has no SSE4.2, and DPDK does not start without.%s",
			has_flag(cpu->info, "hypervisor")
				? " The machine is virtual: let it have the host's CPU."
				: "");

		if (has_flag(cpu->info, "hypervisor"))
			finding_fix(finding, "qemu-system-x86_64 -cpu host ...");
		return;
	}
	for (size_t i = 0; i < sizeof(better) / sizeof(better[0]); i++)
		if (has_flag(cpu->info, better[i])) {
			finding_add(out, VERDICT_FINE, "cpu-flags", "cpu",
				"It has %s and SSE4.2: vectors are used where they help.",
				words[i]);
			return;
		}
	finding_add(out, VERDICT_FINE, "cpu-flags", "cpu",
		"It has SSE4.2, which is enough, and no AVX: lookups of routes take longer.");
}

// The router's own choice is all cores but the first; two threads of one core would be two workers.
static void say_threads(const struct cpu *cpu, struct findings *out)
{
	struct cpu_list workers = cpu->one_each;
	char text[LIST_BYTES];
	struct finding *finding;

	if (cpu->online.n <= cpu->one_each.n || cpu->one_each.n == 0)
		return;
	if (workers.n > 1)
		cpu_list_remove(&workers, cpu_list_first(&workers));
	finding = finding_add(out, VERDICT_WARNING, "smt", "cpu",
		"Some of its %u CPUs are two threads of one core: a worker on each would share it. "
		"Name one thread of each core in the file, and leave the first core to the rest.",
		cpu->online.n);
	finding_fix(finding, "workers: { cores: [%s] }",
		cpu_list_str(&workers, ", ", text, sizeof(text)));
}

static void say_isolation(
	const struct machine *machine, const struct cpu *cpu, struct findings *out)
{
	struct cpu_list rest = cpu->one_each, quiet;
	char text[LIST_BYTES];

	read_list(&machine->tree, "nohz_full", &quiet);
	if (cpu->isolated.n > 0) {
		finding_add(out, VERDICT_FINE, "isolated", "cpu",
			"Isolated from other programs: %s%s. Workers belong there.",
			cpu_list_str(&cpu->isolated, ",", text, sizeof(text)),
			quiet.n > 0 ? ", without a timer's tick" : "");
		return;
	}
	if (rest.n < 2)
		return;
	cpu_list_remove(&rest, cpu_list_first(&rest));
	finding_fix(finding_add(out, VERDICT_FINE, "not-isolated", "cpu",
			    "Other programs may run on the workers' cores. Where every microsecond "
			    "counts, keep them off, on the kernel's command line:"),
		"isolcpus=%s nohz_full=%s", cpu_list_str(&rest, ",", text, sizeof(text)), text);
}

void look_at_cpu(const struct machine *machine, struct findings *out)
{
	struct cpu cpu;

	read_cpu(machine, &cpu);
	say_flags(&cpu, out);
	say_model(&cpu, out);
	say_threads(&cpu, out);
	say_isolation(machine, &cpu, out);
	free(cpu.info);
}
