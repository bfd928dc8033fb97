// SPDX-License-Identifier: BSD-3-Clause
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/doctor/machine.h"

#define CLOCK "sys/devices/system/clocksource/clocksource0"

enum { TEXT_MAX = 1 << 20, NAME_BYTES = 64, LIMITS_MAX = 16 << 10, FILES_ENOUGH = 1024 };

// --- rights ---

static void say_rights(const struct machine *machine, struct findings *out)
{
	if (!tree_has(&machine->tree, "dev/net/tun")) {
		finding_fix(finding_add(out, VERDICT_PROBLEM, "no-tun", "kernel",
				    "There is no /dev/net/tun, and the router's own interfaces are "
				    "made by it."),
			"modprobe tun");
		return;
	}
	if (machine->live.may_run)
		finding_add(
			out, VERDICT_FINE, "rights", "rights", "Who runs this may run the router.");
	else
		finding_fix(finding_add(out, VERDICT_UNSEEN, "no-rights", "rights",
				    "Not run as root: other people's programs, firewall rules and "
				    "what cards can do may be missing below. The router itself "
				    "needs root."),
			"sudo millrace doctor");
}

// --- limits: of this shell; a service has its own ---

static bool find_limit(const char *limits, const char *name, uint64_t *soft)
{
	const char *at = limits == NULL ? NULL : strstr(limits, name);

	if (at == NULL)
		return false;
	at += strlen(name);
	at += strspn(at, " ");
	if (strncmp(at, "unlimited", 9) == 0) {
		*soft = UINT64_MAX;
		return true;
	}
	return sscanf(at, "%" SCNu64, soft) == 1;
}

static void say_limits(const struct tree *tree, struct findings *out)
{
	char *limits = tree_text(tree, LIMITS_MAX, "proc/self/limits");
	uint64_t files = 0, locked = 0;
	bool has_both = find_limit(limits, "Max open files", &files) &&
			find_limit(limits, "Max locked memory", &locked);

	free(limits);
	if (!has_both) {
		finding_add(out, VERDICT_UNSEEN, "limits-unseen", "limits",
			"/proc/self/limits cannot be read.");
		return;
	}
	if (files < FILES_ENOUGH)
		finding_fix(finding_add(out, VERDICT_WARNING, "few-files", "limits",
				    "%" PRIu64
				    " open files are few: cards, clients and logs take some each.",
				    files),
			"ulimit -n %d", FILES_ENOUGH);
	else if (locked == UINT64_MAX)
		finding_add(out, VERDICT_FINE, "limits", "limits",
			"%" PRIu64 " open files, no limit to locked memory.", files);
	else
		finding_add(out, VERDICT_FINE, "limits", "limits",
			"%" PRIu64 " open files, %" PRIu64
			" KiB of locked memory, which does not bind root.",
			files, locked / 1024);
}

// --- clocks ---

static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = text; (at = strstr(at, word)) != NULL; at += len)
		if ((at == text || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
			return true;
	return false;
}

static bool has_steady_tsc(const struct tree *tree)
{
	char *info = tree_text(tree, TEXT_MAX, "proc/cpuinfo");
	const char *flags = info == NULL ? NULL : strstr(info, "\nflags");
	char line[8192] = "";

	if (flags != NULL)
		snprintf(line, sizeof(line), "%.*s", (int)strcspn(flags + 1, "\n"), flags + 1);
	free(info);
	return flags == NULL || (has_word(line, "constant_tsc") && has_word(line, "nonstop_tsc"));
}

static void say_clock_source(const struct tree *tree, struct findings *out)
{
	char now[NAME_BYTES], available[NAME_BYTES * 2];
	struct finding *finding;

	tree_line(tree, now, sizeof(now), CLOCK "/current_clocksource");
	tree_line(tree, available, sizeof(available), CLOCK "/available_clocksource");
	if (now[0] == '\0') {
		finding_add(out, VERDICT_UNSEEN, "clock-unseen", "clock",
			"The kernel does not tell its clock source.");
		return;
	}
	if (!has_steady_tsc(tree))
		finding_add(out, VERDICT_WARNING, "tsc-unsteady", "clock",
			"The CPU's time stamp counter changes its rate or stops when cores rest: "
			"times "
			"of flows and rates are off by that.");
	if (strcmp(now, "hpet") != 0 && strcmp(now, "acpi_pm") != 0 &&
		strcmp(now, "jiffies") != 0) {
		finding_add(
			out, VERDICT_FINE, "clock-source", "clock", "The clock source is %s.", now);
		return;
	}
	finding = finding_add(out, VERDICT_WARNING, "clock-source-slow", "clock",
		"The clock source is %s: each look at the time takes a thousand clocks or more.",
		now);
	if (has_word(available, "tsc"))
		finding_fix(finding, "echo tsc >/" CLOCK "/current_clocksource");
	else
		finding_fix(finding, "dmesg | grep -i tsc");
}

static void say_time(const struct live *live, struct findings *out)
{
	if (!live->sees_clock)
		finding_add(out, VERDICT_UNSEEN, "time-unseen", "clock",
			"The kernel does not tell whether the clock is set.");
	else if (live->is_clock_set)
		finding_add(
			out, VERDICT_FINE, "time", "clock", "The time is kept by NTP or the like.");
	else
		finding_fix(finding_add(out, VERDICT_WARNING, "time-not-kept", "clock",
				    "Nothing keeps the clock: rules with times of day, logs and "
				    "certificates go wrong by and by."),
			"apt-get install systemd-timesyncd && timedatectl set-ntp true");
}

void look_at_system(const struct machine *machine, struct findings *out)
{
	say_rights(machine, out);
	say_limits(&machine->tree, out);
	say_clock_source(&machine->tree, out);
	say_time(&machine->live, out);
}
