// SPDX-License-Identifier: BSD-3-Clause
#include "control/cores.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cfg/base/log.h"

static bool is_workers(const struct cores *cores, int core)
{
	for (unsigned i = 0; i < cores->n_cores; i++)
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

static void choose_by_default(struct cores *cores, unsigned most, const cpu_set_t *allowed)
{
	int first = -1;

	for (int core = 0; core < CPU_SETSIZE && cores->n_cores < most; core++) {
		if (!CPU_ISSET(core, allowed))
			continue;
		if (first < 0)
			first = core; // for control and everything else on the machine
		else
			cores->workers[cores->n_cores++] = core;
	}
	if (cores->n_cores == 0)
		cores->workers[cores->n_cores++] = first < 0 ? 0 : first;
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
		cores->workers[cores->n_cores++] = config->cores[i];
	}
	if (cores->n_cores == 0)
		choose_by_default(
			cores, config->n_workers != 0 ? config->n_workers : CFG_CORES_MAX, allowed);
	cores->n_workers = config->n_workers != 0 ? config->n_workers : cores->n_cores;
	cores->control = -1;
	for (int core = 0; core < CPU_SETSIZE && cores->control < 0; core++)
		if (CPU_ISSET(core, allowed) && !is_workers(cores, core))
			cores->control = core;
	return 0;
}

static bool is_a_workers(const char *thread)
{
	char path[288], name[16] = "";
	FILE *in;

	snprintf(path, sizeof(path), "/proc/self/task/%s/comm", thread);
	in = fopen(path, "re");
	if (in == NULL)
		return true; // it has just ended
	if (fgets(name, sizeof(name), in) == NULL)
		name[0] = '\0';
	fclose(in);
	return strncmp(name, "worker-", strlen("worker-")) == 0;
}

void cores_leave_to_workers(const struct cores *cores, const cpu_set_t *allowed)
{
	DIR *threads = opendir("/proc/self/task");
	cpu_set_t rest = *allowed;
	struct dirent *one;

	for (unsigned i = 0; i < cores->n_cores; i++)
		CPU_CLR(cores->workers[i], &rest);
	if (CPU_COUNT(&rest) == 0)
		rest = *allowed;
	while (threads != NULL && (one = readdir(threads)) != NULL) {
		if (one->d_name[0] == '.' || is_a_workers(one->d_name))
			continue;
		if (sched_setaffinity((pid_t)strtol(one->d_name, NULL, 10), sizeof(rest), &rest) !=
				0 &&
			errno != ESRCH)
			log_warning(
				"control", "cannot leave the workers' cores: %s", strerror(errno));
	}
	if (threads == NULL)
		log_warning("control", "cannot leave the workers' cores: %s", strerror(errno));
	else
		closedir(threads);
}

const char *cores_str(const struct cores *cores, char *out, size_t out_bytes)
{
	size_t len = 0;

	out[0] = '\0';
	for (unsigned i = 0, last; i < cores->n_cores && len < out_bytes; i = last + 1) {
		last = i;
		while (last + 1 < cores->n_cores &&
			cores->workers[last + 1] == cores->workers[last] + 1)
			last++;
		len += (size_t)snprintf(out + len, out_bytes - len, last > i ? "%s%d-%d" : "%s%d",
			len == 0 ? "" : ",", cores->workers[i], cores->workers[last]);
	}
	return out;
}
