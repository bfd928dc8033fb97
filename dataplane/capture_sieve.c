// SPDX-License-Identifier: BSD-3-Clause
// The program is walked along every path, as far as that is few, with what the path has found the
// frame's first bytes to be. What is not understood is not known, which lets more packets pass and
// never fewer.
#include "dataplane/capture_sieve.h"

#include <string.h>

enum {
	STEPS_MAX = 20000, // of all paths together
	DEPTH_MAX = 64,	   // branches on one path
	ETHER_TYPE_OFFSET = 12,
	IP4_OFFSET = 14,
	IP4_PLAIN_BYTES = 20,
	PLAIN_WORDS = 0x00050008, // type IPv4, then a header of five words, as the bytes lie
	PLAIN_MASK = 0x000fffff,
};

// What the accumulator holds: `bytes` of the frame at `offset`, under `mask`. 0: something else.
struct loaded {
	uint32_t offset, mask;
	uint8_t bytes;
};

struct path {
	struct loaded a;
	bool x_is_header_len; // of IPv4, in bytes
	uint8_t mask[SIEVE_BYTES], value[SIEVE_BYTES];
};

struct walk {
	const struct bpf_insn *program;
	unsigned n, steps;
	struct sieve *sieve;
};

// --- from paths to tests ---

static bool is_common_type(const struct path *path, unsigned word)
{
	uint16_t type = (uint16_t)(path->value[word] << 8 | path->value[word + 1]);

	return word == ETHER_TYPE_OFFSET && (type == 0x0800 || type == 0x86dd);
}

// The word that rules out most packets: the one of which most bits are known, and of those the one
// furthest in. Nearly every packet is IP: that rules out none.
static int best_word(const struct path *path)
{
	int best = -1, most = 0;

	for (unsigned word = 0; word < SIEVE_BYTES; word += 2) {
		int bits = __builtin_popcount(
			(unsigned)(path->mask[word] << 8 | path->mask[word + 1]));

		if (bits > 1 && is_common_type(path, word))
			bits = 1;
		if (bits > 0 && bits >= most) {
			most = bits;
			best = (int)word;
		}
	}
	return best;
}

static void add_test(struct sieve *sieve, unsigned word, uint16_t mask, uint16_t value)
{
	uint8_t offset = word & ~15u;
	unsigned slot = word % 16 / 2, i;
	struct sieve_test *test;

	for (i = 0; i < sieve->n_tests; i++) {
		test = &sieve->tests[i];
		if (test->offset != offset)
			continue;
		if (test->mask[slot] == mask && test->value[slot] == value)
			return;
		if (test->mask[slot] == 0)
			break;
	}
	if (i == SIEVE_TESTS_MAX) {
		sieve->is_open = true;
		return;
	}
	test = &sieve->tests[i];
	if (i == sieve->n_tests) { // words that are not asked for equal nothing
		sieve->n_tests++;
		test->offset = offset;
		memset(&test->mask, 0, sizeof(test->mask));
		memset(&test->value, 0xff, sizeof(test->value));
	}
	test->mask[slot] = mask;
	test->value[slot] = value;
}

static void keep(struct walk *walk, const struct path *path)
{
	int word = best_word(path);
	uint16_t mask, value;

	if (word < 0) {
		walk->sieve->is_open = true;
		return;
	}
	memcpy(&mask, &path->mask[word], sizeof(mask));
	memcpy(&value, &path->value[word], sizeof(value));
	add_test(walk->sieve, (unsigned)word, mask, value);
}

// --- along the paths ---

static struct loaded load(
	const struct walk *walk, const struct path *path, uint32_t k, uint16_t code)
{
	struct loaded to = {.offset = k, .mask = UINT32_MAX};

	to.bytes = BPF_SIZE(code) == BPF_W ? 4 : BPF_SIZE(code) == BPF_H ? 2 : 1;
	if (BPF_MODE(code) == BPF_IND) {
		if (!path->x_is_header_len)
			return (struct loaded){0};
		to.offset += IP4_PLAIN_BYTES;
		walk->sieve->assumes_no_options = true;
	} else if (BPF_MODE(code) != BPF_ABS) {
		return (struct loaded){0};
	}
	if (k >= SIEVE_BYTES || to.offset + to.bytes > SIEVE_BYTES)
		return (struct loaded){0};
	return to;
}

// The path goes on where that is `k`. False: it cannot.
static bool narrow(struct path *path, uint32_t k)
{
	const struct loaded *a = &path->a;

	for (unsigned i = 0; i < a->bytes; i++) {
		unsigned shift = 8 * (a->bytes - 1 - i), at = a->offset + i;
		uint8_t mask = (uint8_t)(a->mask >> shift), value = (uint8_t)(k >> shift);

		if ((value & ~mask) != 0 ||
			((path->value[at] ^ value) & path->mask[at] & mask) != 0)
			return false;
		path->value[at] |= value;
		path->mask[at] |= mask;
	}
	return true;
}

static void go(struct walk *walk, unsigned at, struct path *path, unsigned depth);

static void branch(struct walk *walk, unsigned at, const struct path *path, unsigned depth)
{
	const struct bpf_insn *step = &walk->program[at];
	struct path taken = *path;

	if (step->code != (BPF_JMP | BPF_JEQ | BPF_K) || narrow(&taken, step->k))
		go(walk, at + 1 + step->jt, &taken, depth + 1);
}

static void load_x(struct path *path, const struct bpf_insn *step)
{
	path->x_is_header_len = step->code == (BPF_LDX | BPF_MSH | BPF_B) &&
				step->k == IP4_OFFSET && path->mask[ETHER_TYPE_OFFSET] == 0xff &&
				path->mask[ETHER_TYPE_OFFSET + 1] == 0xff &&
				path->value[ETHER_TYPE_OFFSET] == 0x08 &&
				path->value[ETHER_TYPE_OFFSET + 1] == 0x00;
}

static void calculate(struct path *path, const struct bpf_insn *step)
{
	if (step->code == (BPF_ALU | BPF_AND | BPF_K))
		path->a.mask &= step->k;
	else
		path->a = (struct loaded){0};
}

static void go(struct walk *walk, unsigned at, struct path *path, unsigned depth)
{
	for (; !walk->sieve->is_open && at < walk->n; at++) {
		const struct bpf_insn *step = &walk->program[at];

		if (++walk->steps > STEPS_MAX || depth > DEPTH_MAX) {
			walk->sieve->is_open = true;
			return;
		}
		switch (BPF_CLASS(step->code)) {
		case BPF_LD:
			path->a = load(walk, path, step->k, step->code);
			break;
		case BPF_LDX:
			load_x(path, step);
			break;
		case BPF_ALU:
			calculate(path, step);
			break;
		case BPF_JMP:
			if (BPF_OP(step->code) == BPF_JA) {
				at += step->k;
				break;
			}
			branch(walk, at, path, depth);
			at += step->jf;
			break;
		case BPF_RET:
			if (step->code != (BPF_RET | BPF_K) || step->k != 0)
				keep(walk, path);
			return;
		case BPF_MISC:
			if (BPF_MISCOP(step->code) == BPF_TAX)
				path->x_is_header_len = false;
			else
				path->a = (struct loaded){0};
			break;
		default: // a store into scratch memory
			break;
		}
	}
}

void sieve_make(struct sieve *sieve, const struct bpf_insn *program, unsigned n)
{
	struct walk walk = {.program = program, .n = n, .sieve = sieve};
	struct path start = {0};

	memset(sieve, 0, sizeof(*sieve));
	go(&walk, 0, &start, 0);
}

// --- packets ---

static inline bool has_odd_header(const uint8_t *frame)
{
	uint32_t words;

	memcpy(&words, frame + ETHER_TYPE_OFFSET, sizeof(words));
	words = (words ^ PLAIN_WORDS) & PLAIN_MASK;
	return (words << 16 | words >> 16) - 1 < 0xf; // the type is right, the length is not
}

static __rte_always_inline unsigned sift(const struct sieve *sieve, const unsigned n_tests,
	const bool assumes_no_options, struct rte_mbuf *const *pkts, unsigned n,
	uint8_t *restrict kept)
{
	struct sieve_test tests[SIEVE_TESTS_MAX]; // in registers, when they are few
	unsigned n_kept = 0;

	for (unsigned k = 0; k < n_tests; k++)
		tests[k] = sieve->tests[k];
	for (unsigned i = 0; i < n; i++) {
		const struct rte_mbuf *m = pkts[i];
		const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
		sieve_lane hit = {0};
		uint64_t halves[2];
		bool is_worth;

		// what lies in the buffer behind a short frame does no harm
		if (unlikely(m->data_off + SIEVE_BYTES > m->buf_len)) {
			kept[n_kept++] = (uint8_t)i;
			continue;
		}
		for (unsigned k = 0; k < n_tests; k++) {
			sieve_lane words;

			memcpy(&words, frame + tests[k].offset, sizeof(words));
			hit |= (sieve_lane)((words & tests[k].mask) == tests[k].value);
		}
		memcpy(halves, &hit, sizeof(halves));
		is_worth = (halves[0] | halves[1]) != 0;
		if (assumes_no_options)
			is_worth |= has_odd_header(frame);
		kept[n_kept] = (uint8_t)i; // no branch: it could not be foretold
		n_kept += is_worth;
	}
	return n_kept;
}

// The usual numbers of tests without a loop.
static __rte_always_inline unsigned sift_any(const struct sieve *sieve,
	const bool assumes_no_options, struct rte_mbuf *const *pkts, unsigned n, uint8_t kept[64])
{
	switch (sieve->n_tests) {
	case 1:
		return sift(sieve, 1, assumes_no_options, pkts, n, kept);
	case 2:
		return sift(sieve, 2, assumes_no_options, pkts, n, kept);
	case 3:
		return sift(sieve, 3, assumes_no_options, pkts, n, kept);
	}
	return sift(sieve, sieve->n_tests, assumes_no_options, pkts, n, kept);
}

unsigned sieve_burst(
	const struct sieve *sieve, struct rte_mbuf *const *pkts, unsigned n, uint8_t kept[64])
{
	if (sieve->is_open) {
		for (unsigned i = 0; i < n; i++)
			kept[i] = (uint8_t)i;
		return n;
	}
	return sieve->assumes_no_options ? sift_any(sieve, true, pkts, n, kept)
					 : sift_any(sieve, false, pkts, n, kept);
}
