// SPDX-License-Identifier: BSD-3-Clause
// The shares of a flow table against a model that counts everything anew each time: a million
// random operations.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/flow_hosts.h"
#include "tests/unit/random.h"

enum { CAPACITY = 512, HOSTS = 40, CALLERS = 16, OPERATIONS = 1000000 };

struct model {
	struct flow_table *table;
	struct flow_host_key keys[HOSTS]; // the first is the router's
	struct {
		bool is_live;
		unsigned host;
		enum flow_phase phase;
		uint64_t age; // when it came into its phase
	} flows[CAPACITY];
	uint32_t n_all[HOSTS], n_spare[HOSTS];
	uint64_t now;
};

static bool is_spare(enum flow_phase phase)
{
	return phase == FLOW_UNREPLIED || phase == FLOW_TCP_CLOSED;
}

static void model_count(struct model *m)
{
	memset(m->n_all, 0, sizeof(m->n_all));
	memset(m->n_spare, 0, sizeof(m->n_spare));
	for (unsigned i = 0; i < CAPACITY; i++) {
		m->n_all[m->flows[i].host] += m->flows[i].is_live;
		m->n_spare[m->flows[i].host] += m->flows[i].is_live && is_spare(m->flows[i].phase);
	}
}

static int log2_of(uint32_t n)
{
	int c = -1;

	for (; n > 0; n /= 2)
		c++;
	return c;
}

static int top_class(const uint32_t *n)
{
	uint32_t most = 0;

	for (unsigned h = 1; h < HOSTS; h++)
		most = RTE_MAX(most, n[h]);
	return log2_of(most);
}

// Index, or -1.
static int model_oldest_spare(const struct model *m, unsigned host)
{
	int oldest = -1;

	for (int i = 0; i < CAPACITY; i++)
		if (m->flows[i].is_live && m->flows[i].host == host &&
			is_spare(m->flows[i].phase) &&
			(oldest < 0 || m->flows[i].age < m->flows[oldest].age))
			oldest = i;
	return oldest;
}

static void assert_victim_is_due(struct model *m, unsigned host, const struct flow *victim)
{
	int v = victim != NULL ? (int)flow_index(m->table, victim) : -1;
	uint32_t all_spare = 0;
	unsigned loser;

	model_count(m);
	for (unsigned h = 1; h < HOSTS; h++)
		all_spare += m->n_spare[h];
	loser = v >= 0 ? m->flows[v].host : host;
	if (all_spare > CAPACITY / 16) {
		assert_true(loser != 0);
		assert_int_equal(log2_of(m->n_spare[loser]), top_class(m->n_spare));
		assert_int_equal(v, model_oldest_spare(m, loser));
		return;
	}
	if (m->n_all[0] > CAPACITY / 2) {
		if (log2_of(m->n_all[host]) < log2_of(m->n_all[0]))
			assert_int_equal(loser, 0);
	} else if (log2_of(m->n_all[host]) < top_class(m->n_all)) {
		assert_true(loser != 0);
		assert_int_equal(log2_of(m->n_all[loser]), top_class(m->n_all));
	} else {
		assert_int_equal(loser, host);
	}
	if (loser == host || m->n_spare[loser] > 0)
		assert_int_equal(v, model_oldest_spare(m, loser));
	else
		assert_true(v >= 0 && m->flows[v].is_live);
}

static void assert_list_is_sound(const struct model *m, unsigned host, enum flow_list list)
{
	const struct flow_table *table = m->table;
	uint32_t index = flow_host_find(table, &m->keys[host]);
	const struct flow_host *of = &table->shares.hosts[index];
	uint32_t i = of->lists[list].first, prev = FLOW_NONE, n = 0;
	uint64_t age = 0;

	for (; i != FLOW_NONE; prev = i, i = table->flows[i].state.age_next, n++) {
		assert_true(m->flows[i].is_live && m->flows[i].host == host);
		assert_int_equal(table->flows[i].state.age_prev, prev);
		assert_int_equal(table->flows[i].state.state, m->flows[i].phase);
		assert_int_equal(is_spare(m->flows[i].phase), list == FLOW_LIST_SPARE);
		if (list == FLOW_LIST_SPARE) {
			assert_true(m->flows[i].age > age);
			age = m->flows[i].age;
		}
	}
	assert_int_equal(of->lists[list].last, prev);
	assert_int_equal(n, list == FLOW_LIST_SPARE
				    ? m->n_spare[host]
				    : m->n_all[host] - m->n_spare[host] - of->n_of_callers);
}

static void assert_ranking_is_sound(
	const struct model *m, enum flow_rank rank, const uint32_t *n_of)
{
	const struct flow_shares *shares = &m->table->shares;
	unsigned n_ranked = 0, n_expected = 0;

	for (int c = 0; c < 32; c++) {
		uint32_t first = shares->ranks[rank].first[c], host = first;

		if ((shares->ranks[rank].classes & UINT32_C(1) << c) == 0)
			continue;
		do {
			const struct flow_host *of = &shares->hosts[host];

			assert_int_equal(log2_of(of->n[rank]), c);
			assert_int_equal(
				shares->hosts[of->rings[rank].next].rings[rank].prev, host);
			host = of->rings[rank].next;
			n_ranked++;
		} while (host != first);
	}
	for (unsigned h = 1; h < HOSTS; h++)
		n_expected += n_of[h] > 0;
	assert_int_equal(n_ranked, n_expected);
}

// All that is answered outside, by address.
static void assert_callers_are_sound(const struct model *m)
{
	const struct flow_shares *shares = &m->table->shares;
	uint32_t n_open[CALLERS] = {0}, n_all = 0, n_callers = 0;

	for (unsigned i = 0; i < CAPACITY; i++)
		if (m->flows[i].is_live && m->flows[i].host == 1 && !is_spare(m->flows[i].phase))
			n_open[m->table->flows[i].dir[0].key4.src_be]++;
	for (uint32_t i = 0; i < CALLERS; i++) {
		struct flow_host_key key = host4(i, LAN);
		uint32_t host;

		key.kind = FLOW_HOST_CALLER;
		key.iface = WAN;
		host = flow_host_find(m->table, &key);
		n_all += n_open[i];
		n_callers += n_open[i] > 0;
		assert_int_equal(host != FLOW_HOST_UNKNOWN, n_open[i] > 0);
		if (n_open[i] == 0)
			continue;
		assert_int_equal(shares->hosts[host].n[FLOW_RANK_ALL], n_open[i]);
		assert_true(shares->callers.classes & UINT32_C(1) << log2_of(n_open[i]));
	}
	assert_int_equal(shares->n_callers, n_callers);
	assert_int_equal(shares->hosts[flow_host_find(m->table, &m->keys[1])].n_of_callers, n_all);
}

static void assert_all_is_sound(struct model *m)
{
	const struct flow_shares *shares = &m->table->shares;
	uint32_t n_spare = 0;

	model_count(m);
	for (unsigned h = 0; h < HOSTS; h++) {
		uint32_t host = flow_host_find(m->table, &m->keys[h]);

		n_spare += h != 0 ? m->n_spare[h] : 0;
		if (host == FLOW_HOST_UNKNOWN) {
			assert_int_equal(m->n_all[h], 0);
			continue;
		}
		assert_int_equal(shares->hosts[host].n[FLOW_RANK_ALL], m->n_all[h]);
		assert_int_equal(shares->hosts[host].n[FLOW_RANK_SPARE], m->n_spare[h]);
		assert_list_is_sound(m, h, FLOW_LIST_SPARE);
		assert_list_is_sound(m, h, FLOW_LIST_OPEN);
	}
	assert_int_equal(shares->n_spare, n_spare);
	assert_ranking_is_sound(m, FLOW_RANK_ALL, m->n_all);
	assert_ranking_is_sound(m, FLOW_RANK_SPARE, m->n_spare);
	assert_callers_are_sound(m);
}

static void model_end(struct model *m, unsigned i)
{
	flow_remove(m->table, &m->table->flows[i]);
	m->flows[i].is_live = false;
}

// False: refused.
static bool model_begin(struct model *m, unsigned host)
{
	struct flow_table *table = m->table;
	struct flow *flow = flow_alloc(table);

	if (flow == NULL) {
		struct flow *victim = flow_victim(table, flow_host_find(table, &m->keys[host]));

		assert_victim_is_due(m, host, victim);
		if (victim == NULL)
			return false;
		model_end(m, flow_index(table, victim));
		flow = flow_alloc(table);
	}
	flow->state.host = flow_host_open(table, &m->keys[host]);
	flow->dir[0].key4.src_be = (uint32_t)m->now % CALLERS;
	flow_set_phase(table, flow, FLOW_UNREPLIED);
	m->flows[flow_index(table, flow)].is_live = true;
	m->flows[flow_index(table, flow)].host = host;
	m->flows[flow_index(table, flow)].phase = FLOW_UNREPLIED;
	m->flows[flow_index(table, flow)].age = m->now;
	return true;
}

static void model_change(struct model *m, unsigned i, enum flow_phase phase)
{
	if (!m->flows[i].is_live)
		return;
	flow_set_phase(m->table, &m->table->flows[i], phase);
	m->flows[i].phase = phase;
	m->flows[i].age = m->now;
}

static void a_million_beginnings_and_ends_agree_with_a_model(void **state)
{
	// of 16 operations: how many begin, are answered, close; the rest end. Of 16 beginnings:
	// how many are of one host of them all.
	static const struct {
		unsigned begins, answers, closes, of_one;
	} seasons[] = {{8, 4, 2, 0}, {12, 2, 1, 8}, {8, 8, 0, 12}, {7, 7, 1, 4}, {2, 2, 2, 0}};
	static struct model m;
	unsigned n_refused = 0, n_full = 0, one = 0;

	memset(&m, 0, sizeof(m));
	m.table = open_table(CAPACITY);
	for (uint32_t h = 2; h < HOSTS; h++)
		m.keys[h] = h % 3 == 0 ? host6(h, h, LAN) : host4(h, h % 3);
	m.keys[0] = router;
	m.keys[1] = host4(1, WAN);
	for (uint32_t h = 2; h < HOSTS; h++)
		if (m.keys[h].kind == FLOW_HOST_OUTSIDE)
			m.keys[h] = host4(h, LAN2);
	for (m.now = 1; m.now <= OPERATIONS; m.now++) {
		unsigned season = (unsigned)(m.now / 5000) % 5, dice = random32() % 16;
		unsigned i = random32() % CAPACITY;

		if (m.now % 5000 == 0)
			one = random32() % 4 == 0 ? 0 : random32() % HOSTS;
		if (dice < seasons[season].begins) {
			bool is_of_one = random32() % 16 < seasons[season].of_one;

			n_full += m.table->n_used == CAPACITY;
			n_refused += !model_begin(&m, is_of_one ? one : random32() % HOSTS);
			continue;
		}
		dice -= seasons[season].begins;
		if (dice < seasons[season].answers)
			model_change(&m, i, FLOW_ASSURED);
		else if (dice < seasons[season].answers + seasons[season].closes)
			model_change(
				&m, i, random32() % 2 == 0 ? FLOW_TCP_CLOSED : FLOW_TCP_FIN_WAIT);
		else if (m.flows[i].is_live)
			model_end(&m, i);
		if (m.now % 256 == 0)
			assert_all_is_sound(&m);
	}
	assert_true(n_full > 100000);
	assert_true(n_refused > 10000 && n_refused < n_full / 2);
	for (unsigned i = 0; i < CAPACITY; i++)
		if (m.flows[i].is_live)
			model_end(&m, i);
	assert_all_is_sound(&m);
	for (uint32_t i = 0; i <= m.table->shares.chain_mask; i++)
		assert_int_equal(m.table->shares.chains[i], 0);
	close_table(m.table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_million_beginnings_and_ends_agree_with_a_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
