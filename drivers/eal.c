// SPDX-License-Identifier: BSD-3-Clause
// Starts DPDK the quiet way: no files, no telemetry socket, no card touched until a port asks for
// it. Debian's drivers are shared objects that EAL loads from one directory; all of them take
// 0.1 s, so there is no list of ours to keep.
#include "drivers/eal.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <bpf/libbpf.h>
#include <rte_cpuflags.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>
#include <xdp/libxdp.h>

#include "cfg/base/log.h"
#include "drivers/af_xdp.h"
#include "drivers/anonymous_heap.h"
#include "drivers/pci.h"
#include "drivers/port.h"

enum {
	MTU_MIN_SIZED = 1500,
	POOL_CACHE = 256,
	// Heap beside pool and reserve: AF_XDP ports bring pools of their own, drivers their rings.
	// Without hugepages it is address space only until it is used.
	HEAP_SPARE_MB = 320,
	HUGE_SPARE_MB = 64, // what the ports take besides
	SAID_BYTES = 240,
	ARGS_MAX = 20,
};

static struct {
	bool was_started; // EAL starts once in a process' life
	bool is_running;
	bool has_hugepages;
	bool takes_pci;
	uint16_t mtu_max;
	struct rte_mempool *pool;
	FILE *log;
	char args[ARGS_MAX][40];   // EAL keeps pointers to them
	pthread_mutex_t said_lock; // DPDK's own threads log too
	bool is_hushed;
	char said[SAID_BYTES];
} eal = {.said_lock = PTHREAD_MUTEX_INITIALIZER};

static void say(enum log_level level, const char *text, size_t len)
{
	bool is_kept = false;

	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == ' '))
		len--;
	if (len == 0)
		return;
	pthread_mutex_lock(&eal.said_lock);
	if (eal.is_hushed && level <= LOG_LEVEL_WARNING) {
		// the first line is what went wrong, those of the layers above follow; the kernel's
		// own words, which libbpf passes on, beat both
		if (eal.said[0] == '\0' ||
			(len > 20 && memcmp(text, "Kernel error message", 20) == 0))
			snprintf(eal.said, sizeof(eal.said), "%.*s", (int)len, text);
		is_kept = true;
	}
	pthread_mutex_unlock(&eal.said_lock);
	if (is_kept || level == LOG_LEVEL_DEBUG)
		log_debug("dpdk", "%.*s", (int)len, text);
	else if (level == LOG_LEVEL_INFO)
		log_info("dpdk", "%.*s", (int)len, text);
	else
		log_warning("dpdk", "%.*s", (int)len, text);
}

static ssize_t log_write(void *cookie, const char *text, size_t len)
{
	bool is_bad = rte_log_cur_msg_loglevel() <= (int)RTE_LOG_WARNING;

	say(is_bad ? LOG_LEVEL_WARNING : LOG_LEVEL_DEBUG, text, len);
	return (ssize_t)len;
}

static int bpf_print(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char line[SAID_BYTES];
	const char *text = line;
	int len = vsnprintf(line, sizeof(line), fmt, ap);

	if (len < 0)
		return 0;
	if (strncmp(text, "libbpf: ", 8) == 0)
		text += 8;
	// What libbpf and libxdp warn of is mostly what they try before the next way works: kept
	// for the sentence about a failure, not worth a line otherwise.
	say(eal.is_hushed && level == LIBBPF_WARN ? LOG_LEVEL_WARNING : LOG_LEVEL_DEBUG, text,
		strnlen(text, sizeof(line) - (size_t)(text - line)));
	return len;
}

static int xdp_print(enum libxdp_print_level level, const char *fmt, va_list ap)
{
	return bpf_print(level == LIBXDP_WARN ? LIBBPF_WARN : LIBBPF_DEBUG, fmt, ap);
}

void eal_hush(void)
{
	pthread_mutex_lock(&eal.said_lock);
	eal.is_hushed = true;
	eal.said[0] = '\0';
	pthread_mutex_unlock(&eal.said_lock);
}

const char *eal_unhush(void)
{
	pthread_mutex_lock(&eal.said_lock);
	eal.is_hushed = false;
	pthread_mutex_unlock(&eal.said_lock);
	return eal.said;
}

static int log_capture(void)
{
	static const cookie_io_functions_t io = {.write = log_write};

	eal.log = fopencookie(NULL, "w", io);
	if (eal.log == NULL)
		return -1;
	rte_log_set_global_level(RTE_LOG_WARNING);
	libbpf_set_print(bpf_print);
	libxdp_set_print(xdp_print);
	return rte_openlog_stream(eal.log);
}

// Bytes of free hugepages of any size.
static uint64_t hugepages_free_bytes(void)
{
	static const char dir[] = "/sys/kernel/mm/hugepages";
	uint64_t bytes = 0;
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		unsigned long kb;
		unsigned long n;
		char path[320];
		FILE *f;

		if (sscanf(e->d_name, "hugepages-%lukB", &kb) != 1)
			continue;
		snprintf(path, sizeof(path), "%s/%s/free_hugepages", dir, e->d_name);
		f = fopen(path, "re");
		if (f != NULL && fscanf(f, "%lu", &n) == 1)
			bytes += (uint64_t)n * kb * 1024;
		if (f != NULL)
			fclose(f);
	}
	if (d != NULL)
		closedir(d);
	return bytes;
}

static bool has_iommu(void)
{
	DIR *d = opendir("/sys/kernel/iommu_groups");
	struct dirent *e;
	bool found = false;

	while (d != NULL && (e = readdir(d)) != NULL)
		found |= e->d_name[0] != '.';
	if (d != NULL)
		closedir(d);
	return found;
}

// One buffer holds one frame of the largest MTU, for every driver: a multiple of 1 KiB, as some
// cards count their receive buffers in that. The 66 is what AF_PACKET puts in front of a frame.
static uint16_t room_bytes(uint16_t mtu)
{
	uint32_t frame = mtu + EAL_FRAME_OVERHEAD + 4 + 66;
	uint32_t room = (frame + 1023) / 1024 * 1024;

	return (uint16_t)((room < 2048 ? 2048 : room) + RTE_PKTMBUF_HEADROOM);
}

static int core_now(int wanted, int *core)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return -1;
	if (wanted >= 0) {
		*core = wanted;
		return wanted < CPU_SETSIZE && CPU_ISSET(wanted, &set) ? 0 : -1;
	}
	for (*core = 0; *core < CPU_SETSIZE; (*core)++) {
		if (CPU_ISSET(*core, &set))
			return 0;
	}
	return -1;
}

// The kernel promises no process more than the machine has, so a small one gets less.
static uint64_t heap_spare_mb(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
	uint64_t eighth_mb = pages > 0 && page_bytes > 0
				     ? ((uint64_t)pages * (uint64_t)page_bytes / 8) >> 20
				     : HEAP_SPARE_MB;

	return RTE_MIN(eighth_mb, (uint64_t)HEAP_SPARE_MB);
}

static int eal_init(const struct drivers_options *o, uint64_t need_bytes, struct error *err)
{
	char lcores[32];
	char megabytes[24];
	char simd[40];
	const char *args[ARGS_MAX];
	char *argv[ARGS_MAX];
	uint64_t heap_mb;
	int argc = 0;
	int core;
	int rc;

	if (core_now(o->main_core, &core) < 0)
		return error_set(err,
			"core %d does not exist or is not among those this process may use",
			o->main_core);
	snprintf(lcores, sizeof(lcores), "0@%d", core);
	// Claimed at once: hugepages that are free now may be another's in a moment.
	heap_mb = (need_bytes >> 20) + (eal.has_hugepages ? HUGE_SPARE_MB : heap_spare_mb());
	snprintf(megabytes, sizeof(megabytes), "%llu", (unsigned long long)heap_mb);
	args[argc++] = "millrace";
	args[argc++] = "--no-telemetry";
	args[argc++] = "--lcores";
	args[argc++] = lcores;
	// Allowing one device that cannot exist keeps EAL from probing, at start, cards that nobody
	// gave us; port_open adds the ones it wants. (--no-pci would forbid that too.)
	args[argc++] = "-a";
	args[argc++] = "ffff:ff:1f.7";
	// Physical addresses only serve a card without IOMMU, and can be known in hugepages only.
	args[argc++] = "--iova-mode";
	args[argc++] = eal.has_hugepages && !has_iommu() && geteuid() == 0 ? "pa" : "va";
	// FIB lookups use 512 bits when allowed.
	if (o->simd_bits_max != 0 || rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX512F) > 0) {
		snprintf(simd, sizeof(simd), "--force-max-simd-bitwidth=%u",
			o->simd_bits_max != 0 ? o->simd_bits_max : 512u);
		args[argc++] = simd;
	}
	args[argc++] = "-m";
	args[argc++] = megabytes;
	if (eal.has_hugepages) {
		args[argc++] = "--in-memory";
	} else {
		args[argc++] = "--no-huge";
		args[argc++] = "--no-shconf";
	}
	for (int i = 0; i < argc; i++) {
		snprintf(eal.args[i], sizeof(eal.args[i]), "%s", args[i]);
		argv[i] = eal.args[i];
	}
	if (o->takes_pci)
		pci_prepare();
	eal_hush();
	// What vfio may map for a card stays as DPDK makes it.
	if (eal.has_hugepages || (o->takes_pci && has_iommu()))
		rc = rte_eal_init(argc, argv);
	else
		rc = anonymous_heap_init(argc, argv, heap_mb << 20);
	if (rc < 0)
		return error_set(err, "DPDK does not start: %s%s%s", rte_strerror(rte_errno),
			eal.said[0] != '\0' ? ": " : "", eal_unhush());
	eal_unhush();
	return 0;
}

// Without hugepages every object would get a 4 KiB page of its own, as DPDK keeps objects within a
// page for cards that see physical addresses. None does then: those of an IOMMU see ours.
static void set_iova(struct rte_mempool *pool, void *arg, void *object, unsigned index)
{
	struct rte_mbuf *m = object;

	rte_mempool_get_header(object)->iova = (uintptr_t)object;
	rte_mbuf_iova_set(m, (uintptr_t)m->buf_addr);
}

static struct rte_mempool *small_page_pool_new(const char *name, uint32_t n, uint16_t room)
{
	struct rte_pktmbuf_pool_private private = {.mbuf_data_room_size = room};
	struct rte_mempool *pool =
		rte_mempool_create_empty(name, n, (unsigned)sizeof(struct rte_mbuf) + room,
			POOL_CACHE, sizeof(private), SOCKET_ID_ANY, RTE_MEMPOOL_F_NO_IOVA_CONTIG);

	if (pool == NULL)
		return NULL;
	if (rte_mempool_set_ops_byname(pool, rte_mbuf_best_mempool_ops(), NULL) < 0)
		goto fail;
	rte_pktmbuf_pool_init(pool, &private);
	if (rte_mempool_populate_default(pool) != (int)n)
		goto fail;
	rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
	rte_mempool_obj_iter(pool, set_iova, NULL);
	return pool;
fail:
	rte_mempool_free(pool);
	return NULL;
}

static struct rte_mempool *pool_new(const char *name, uint32_t n, uint16_t room)
{
	if (!eal.has_hugepages)
		return small_page_pool_new(name, n, room);
	return rte_pktmbuf_pool_create(name, n, POOL_CACHE, 0, room, SOCKET_ID_ANY);
}

int drivers_start(const struct drivers_options *o, struct error *err)
{
	const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	uint16_t mtu = o->mtu_max < MTU_MIN_SIZED ? MTU_MIN_SIZED : o->mtu_max;
	uint16_t room = room_bytes(mtu);
	uint64_t need_bytes;
	cpu_set_t before;
	int rc;

	if (eal.was_started)
		return error_set(err, "DPDK can be started only once in a process");
	if (mtu > PORT_MTU_MAX)
		return error_set(
			err, "MTU %u is larger than %u, the largest supported", mtu, PORT_MTU_MAX);
	if (o->n_mbufs < 2 * POOL_CACHE)
		return error_set(err, "%u packet buffers are too few, %u is the least", o->n_mbufs,
			2 * POOL_CACHE);
	if (pthread_getaffinity_np(pthread_self(), sizeof(before), &before) != 0)
		return error_set(err, "cannot read this thread's affinity");
	// umem and BPF maps are locked memory; CAP_SYS_RESOURCE lacking, the default may still do
	(void)setrlimit(RLIMIT_MEMLOCK, &unlimited);

	need_bytes =
		o->reserve_bytes + (uint64_t)o->n_mbufs * (room + sizeof(struct rte_mbuf) + 128u);
	if (o->try_hugepages) {
		uint64_t have = hugepages_free_bytes();

		eal.has_hugepages = have >= need_bytes + (HUGE_SPARE_MB << 20);
		if (have > 0 && !eal.has_hugepages)
			log_warning("drivers",
				"%llu MB of hugepages are free but %llu MB are needed: going "
				"without",
				(unsigned long long)(have >> 20),
				(unsigned long long)(need_bytes >> 20));
	}
	eal.was_started = true;
	if (log_capture() < 0)
		return error_set(err, "cannot take over DPDK's log");
	rc = eal_init(o, need_bytes, err);
	pthread_setaffinity_np(pthread_self(), sizeof(before), &before);
	if (rc < 0)
		return -1;
	eal.is_running = true;
	eal.takes_pci = o->takes_pci;
	eal.mtu_max = mtu;
	eal.pool = pool_new("mbufs", o->n_mbufs, room);
	if (eal.pool == NULL) {
		error_set(err, "cannot make %u packet buffers of %u bytes: %s", o->n_mbufs, room,
			rte_strerror(rte_errno));
		drivers_stop();
		return -1;
	}
	return 0;
}

void drivers_stop(void)
{
	if (!eal.is_running)
		return;
	af_xdp_reap_pools();
	rte_mempool_free(eal.pool);
	eal.pool = NULL;
	eal.is_running = false;
	// No rte_eal_cleanup: that of 22.11 unmaps the heap while its interrupt thread, which it
	// does not wait for, still frees what a closed port had there. DPDK starts once in a
	// process, and all that it holds by now is memory, which ends with it.
	rte_openlog_stream(NULL);
	fclose(eal.log);
	eal.log = NULL;
}

bool drivers_have_hugepages(void)
{
	return eal.has_hugepages;
}

struct rte_mempool *drivers_pool(void)
{
	return eal.pool;
}

static void add_buffers(struct rte_mempool *pool, void *arg)
{
	struct drivers_buffers *sum = arg;

	sum->total += pool->size;
	sum->in_use += rte_mempool_in_use_count(pool);
}

struct drivers_buffers drivers_buffers(void)
{
	struct drivers_buffers sum = {0};

	rte_mempool_walk(add_buffers, &sum);
	return sum;
}

bool eal_is_running(void)
{
	return eal.is_running;
}

bool eal_takes_pci(void)
{
	return eal.takes_pci;
}

uint16_t eal_mtu_max(void)
{
	return eal.mtu_max;
}

// The AF_XDP driver registers n objects' bytes from the pool's first piece on. With physical
// addresses a pool has a piece for each hugepage, and gaps where an object would cross one: what
// then lies outside is kept out of circulation. Few objects do as long as the pieces follow each
// other.
static int withhold_outside(struct rte_mempool *pool, uint32_t n)
{
	uintptr_t object = rte_mempool_calc_obj_size(pool->elt_size, pool->flags, NULL);
	uintptr_t start = (uintptr_t)STAILQ_FIRST(&pool->mem_list)->addr;
	void **all = calloc(n, sizeof(*all));
	uint32_t n_inside = 0;
	uint32_t got = 0;

	if (all == NULL)
		return -1;
	while (got < n && rte_mempool_generic_get(pool, &all[got], 1, NULL) == 0)
		got++;
	for (uint32_t i = 0; i < got; i++) {
		uintptr_t at = (uintptr_t)all[i] - pool->header_size;

		if (at >= start && at + object <= start + n * object) {
			rte_mempool_generic_put(pool, &all[i], 1, NULL);
			n_inside++;
		}
	}
	free(all);
	return n_inside >= n - n / 8 ? 0 : -1;
}

struct rte_mempool *eal_packed_pool_new(const char *name, uint32_t n, uint16_t room)
{
	struct rte_mempool *pool = pool_new(name, n, room);

	if (pool != NULL && withhold_outside(pool, n) == 0)
		return pool;
	rte_mempool_free(pool);
	rte_errno = ENOMEM;
	return NULL;
}
