// SPDX-License-Identifier: BSD-3-Clause
#include "control/cores.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cfg/base/log.h"

static bool is_workers(const struct cores *cores, int core)
{
	for (unsigned i = 0; i < cores->n_workers; i++)
		if (cores->workers[i] == core)
			return true;
	return false;
}

static int check_core(int core, const cpu_set_t *allowed, struct error *err)
{
	long n = sysconf(_SC_NPROCESSORS_CONF);

	if (core < 0 || core >= n || core >= CPU_SETSIZE)
		return error_set(err,
			"workers.cores: core %d is not in this machine, which has %ld%s", core, n,
			n == 1 ? " (core 0)" : "");
	if (!CPU_ISSET(core, allowed))
		return error_set(err,
			"workers.cores: core %d is not one that this process may use (see taskset, "
			"or the cgroup's cpuset)",
			core);
	return 0;
}

static void choose_by_default(struct cores *cores, const cpu_set_t *allowed)
{
	int first = -1;

	for (int core = 0; core < CPU_SETSIZE && cores->n_workers < CFG_CORES_MAX; core++) {
		if (!CPU_ISSET(core, allowed))
			continue;
		if (first < 0)
			first = core; // for control and everything else on the machine
		else
			cores->workers[cores->n_workers++] = core;
	}
	if (cores->n_workers == 0)
		cores->workers[cores->n_workers++] = first < 0 ? 0 : first;
}

int cores_choose(struct cores *cores, const struct config *config, const cpu_set_t *allowed,
	struct error *err)
{
	memset(cores, 0, sizeof(*cores));
	for (unsigned i = 0; i < config->n_cores; i++) {
		if (check_core(config->cores[i], allowed, err) != 0) {
			err->file = config->file;
			return -1;
		}
		cores->workers[cores->n_workers++] = config->cores[i];
	}
	if (cores->n_workers == 0)
		choose_by_default(cores, allowed);
	cores->control = -1;
	for (int core = 0; core < CPU_SETSIZE && cores->control < 0; core++)
		if (CPU_ISSET(core, allowed) && !is_workers(cores, core))
			cores->control = core;
	return 0;
}

void cores_leave_to_workers(const struct cores *cores, const cpu_set_t *allowed)
{
	cpu_set_t rest = *allowed;

	for (unsigned i = 0; i < cores->n_workers; i++)
		CPU_CLR(cores->workers[i], &rest);
	if (CPU_COUNT(&rest) > 0 && sched_setaffinity(0, sizeof(rest), &rest) != 0)
		log_warning("control", "cannot leave the workers' cores: %s", strerror(errno));
}

const char *cores_str(const struct cores *cores, char *out, size_t out_bytes)
{
	size_t len = 0;

	out[0] = '\0';
	for (unsigned i = 0, last; i < cores->n_workers && len < out_bytes; i = last + 1) {
		last = i;
		while (last + 1 < cores->n_workers &&
			cores->workers[last + 1] == cores->workers[last] + 1)
			last++;
		len += (size_t)snprintf(out + len, out_bytes - len, last > i ? "%s%d-%d" : "%s%d",
			len == 0 ? "" : ",", cores->workers[i], cores->workers[last]);
	}
	return out;
}
