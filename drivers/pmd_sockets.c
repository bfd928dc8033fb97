// SPDX-License-Identifier: BSD-3-Clause
#include "drivers/pmd_sockets.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_socket_of(int fd, int domain, uint64_t *inode)
{
	socklen_t len = sizeof(int);
	struct stat st;
	int has;

	if (fstat(fd, &st) < 0 || !S_ISSOCK(st.st_mode))
		return false;
	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &has, &len) < 0 || has != domain)
		return false;
	*inode = st.st_ino;
	return true;
}

static bool is_bpf(int fd)
{
	char path[64];
	char target[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	return strcmp(target, "anon_inode:bpf-map") == 0 ||
	       strcmp(target, "anon_inode:bpf-prog") == 0;
}

static bool is_wanted(int fd, int domain, uint64_t *inode)
{
	*inode = (uint64_t)fd;
	return domain == PMD_BPF ? is_bpf(fd) : is_socket_of(fd, domain, inode);
}

static int by_fd(const void *a, const void *b)
{
	return ((const struct pmd_socket *)a)->fd - ((const struct pmd_socket *)b)->fd;
}

void pmd_sockets_find(int domain, struct pmd_sockets *out)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;

	out->n = 0;
	while (d != NULL && out->n < PMD_SOCKETS_MAX && (e = readdir(d)) != NULL) {
		struct pmd_socket *s = &out->list[out->n];
		char *end;

		s->fd = (int)strtol(e->d_name, &end, 10);
		if (end != e->d_name && *end == '\0' && is_wanted(s->fd, domain, &s->inode))
			out->n++;
	}
	if (d != NULL)
		closedir(d);
	qsort(out->list, out->n, sizeof(out->list[0]), by_fd);
}

static bool has_inode(const struct pmd_sockets *sockets, uint64_t inode)
{
	for (unsigned i = 0; i < sockets->n; i++) {
		if (sockets->list[i].inode == inode)
			return true;
	}
	return false;
}

void pmd_sockets_subtract(struct pmd_sockets *now, const struct pmd_sockets *before)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < now->n; i++) {
		if (!has_inode(before, now->list[i].inode))
			now->list[kept++] = now->list[i];
	}
	now->n = kept;
}

void pmd_sockets_intersect(struct pmd_sockets *list, const struct pmd_sockets *now)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < list->n; i++) {
		if (has_inode(now, list->list[i].inode))
			list->list[kept++] = list->list[i];
	}
	list->n = kept;
}

unsigned pmd_socket_mappings(const struct pmd_socket *s, struct pmd_mapping out[PMD_MAPPINGS_MAX])
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512];
	unsigned n = 0;

	while (f != NULL && n < PMD_MAPPINGS_MAX && fgets(line, sizeof(line), f) != NULL) {
		uintptr_t from, to;
		uint64_t inode;
		char kind[8] = "";

		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %*s %*s %*s %" SCNu64 " %7[a-z]", &from,
			    &to, &inode, kind) != 4)
			continue;
		if (inode != s->inode || kind[0] != 's') // "socket:[inode]"
			continue;
		out[n++] = (struct pmd_mapping){(void *)from, to - from};
	}
	if (f != NULL)
		fclose(f);
	return n;
}

void pmd_sockets_release(const struct pmd_sockets *sockets)
{
	for (unsigned i = 0; i < sockets->n; i++) {
		const struct pmd_socket *s = &sockets->list[i];
		struct pmd_mapping maps[PMD_MAPPINGS_MAX];
		unsigned n = pmd_socket_mappings(s, maps);
		struct stat st;

		if (s->inode == (uint64_t)s->fd && is_bpf(s->fd)) {
			close(s->fd);
			continue;
		}
		for (unsigned j = 0; j < n; j++)
			munmap(maps[j].addr, maps[j].bytes);
		if (fstat(s->fd, &st) == 0 && S_ISSOCK(st.st_mode) && st.st_ino == s->inode)
			close(s->fd);
	}
}
