// SPDX-License-Identifier: BSD-3-Clause
#include "control/doctor/listeners.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TEXT_MAX = 4 << 20,
	STATE_LISTEN = 0x0a,	  // TCP
	STATE_UNCONNECTED = 0x07, // UDP
	ADDR_HEX_MAX = 32,
};

// The kernel prints addresses as words of 32 bits in the machine's own byte order.
static bool read_addr(const char *hex, bool is_v6, struct ip_addr *addr)
{
	unsigned n_words = is_v6 ? 4 : 1;

	*addr = (struct ip_addr){.family = is_v6 ? IP_V6 : IP_V4};
	if (strlen(hex) != n_words * 8)
		return false;
	for (unsigned i = 0; i < n_words; i++) {
		uint32_t word;

		if (sscanf(hex + 8 * i, "%8" SCNx32, &word) != 1)
			return false;
		memcpy(addr->bytes + 4 * i, &word, sizeof(word));
	}
	return true;
}

static bool is_among(uint32_t port, const uint16_t *ports, unsigned n_ports)
{
	for (unsigned i = 0; i < n_ports; i++)
		if (ports[i] == port)
			return true;
	return false;
}

static void read_line(struct listeners *listeners, const char *line, bool is_tcp, bool is_v6,
	const uint16_t *ports, unsigned n_ports)
{
	char hex[ADDR_HEX_MAX + 1];
	uint32_t port, state;
	struct listener one = {.is_tcp = is_tcp};

	if (sscanf(line,
		    " %*[0-9]: %32[0-9A-Fa-f]:%4" SCNx32 " %*[0-9A-Fa-f:] %2" SCNx32
		    " %*s %*s %*s %*s %*s %" SCNu64,
		    hex, &port, &state, &one.inode) != 4 ||
		state != (is_tcp ? STATE_LISTEN : STATE_UNCONNECTED) ||
		!is_among(port, ports, n_ports) || !read_addr(hex, is_v6, &one.addr) ||
		listeners->n == LISTENERS_MAX)
		return;
	one.port = (uint16_t)port;
	listeners->list[listeners->n++] = one;
}

void listeners_parse(struct listeners *listeners, const char *text, bool is_tcp, bool is_v6,
	const uint16_t *ports, unsigned n_ports)
{
	char line[512];

	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		if (len < sizeof(line)) {
			memcpy(line, text, len);
			line[len] = '\0';
			read_line(listeners, line, is_tcp, is_v6, ports, n_ports);
		}
		text += len + (text[len] == '\n' ? 1 : 0);
	}
}

// "0::/system.slice/dnsmasq.service". Only the system's own: what users name they may name as they
// like, and the name goes into a command for root to copy.
static void find_unit(const struct tree *tree, const char *pid, struct listener *one)
{
	static const char begin[] = "0::/system.slice/", end[] = ".service";
	char line[256];
	const char *unit = line + strlen(begin);
	size_t len;

	tree_line(tree, line, sizeof(line), "proc/%s/cgroup", pid);
	if (strncmp(line, begin, strlen(begin)) != 0)
		return;
	len = strlen(unit);
	if (len > strlen(end) && len < sizeof(one->unit) &&
		strcmp(unit + len - strlen(end), end) == 0 &&
		strspn(unit, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			     ":_.@-") == len)
		memcpy(one->unit, unit, len + 1);
}

static void take_owner(
	const struct tree *tree, struct listeners *listeners, const char *pid, const char *socket)
{
	uint64_t inode;

	if (sscanf(socket, "socket:[%" SCNu64 "]", &inode) != 1)
		return;
	for (unsigned i = 0; i < listeners->n; i++) {
		struct listener *one = &listeners->list[i];

		if (one->inode != inode || one->pid != 0)
			continue;
		one->pid = (int)strtol(pid, NULL, 10);
		tree_line(tree, one->comm, sizeof(one->comm), "proc/%s/comm", pid);
		find_unit(tree, pid, one);
	}
}

static void find_owners(const struct tree *tree, struct listeners *listeners)
{
	struct tree_names processes, fds;
	char target[64];

	tree_names(tree, &processes, "proc");
	for (unsigned i = 0; listeners->n > 0 && i < processes.n; i++) {
		const char *pid = processes.list[i];

		if (pid[strspn(pid, "0123456789")] != '\0')
			continue;
		tree_names(tree, &fds, "proc/%s/fd", pid);
		for (unsigned k = 0; k < fds.n; k++)
			if (tree_link(tree, target, sizeof(target), "proc/%s/fd/%s", pid,
				    fds.list[k]))
				take_owner(tree, listeners, pid, target);
		tree_names_free(&fds);
	}
	tree_names_free(&processes);
}

void listeners_look(struct listeners *listeners, const struct tree *tree, const uint16_t *ports,
	unsigned n_ports)
{
	static const struct {
		const char *file;
		bool is_tcp, is_v6;
	} files[] = {{"udp", false, false}, {"udp6", false, true}, {"tcp", true, false},
		{"tcp6", true, true}};

	*listeners = (struct listeners){0};
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char *text = tree_text(tree, TEXT_MAX, "proc/net/%s", files[i].file);

		if (text != NULL)
			listeners_parse(
				listeners, text, files[i].is_tcp, files[i].is_v6, ports, n_ports);
		free(text);
	}
	find_owners(tree, listeners);
}

bool listener_is_everywhere(const struct listener *listener)
{
	static const uint8_t zero[16];

	return memcmp(listener->addr.bytes, zero, sizeof(zero)) == 0;
}

bool listener_is_loopback(const struct listener *listener)
{
	static const uint8_t v6[16] = {[15] = 1};

	return listener->addr.family == IP_V4 ? listener->addr.v4[0] == 127
					      : memcmp(listener->addr.v6, v6, sizeof(v6)) == 0;
}
