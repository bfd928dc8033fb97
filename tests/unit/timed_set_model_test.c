// SPDX-License-Identifier: BSD-3-Clause
// Timed sets against a list gone through.
#include <errno.h>

#include "tests/unit/draw.h"
#include "tests/unit/timed_set_fixture.h"

enum { MODEL_MAX = 100, OPERATIONS = 1000000 };

struct model {
	struct ip_prefix prefixes[MODEL_MAX]; // networks
	uint32_t deadlines[MODEL_MAX];
	unsigned n;
};

static unsigned model_find(const struct model *model, const struct ip_prefix *p)
{
	const struct ip_prefix network = ip_prefix_network(p);
	unsigned i = 0;

	while (i < model->n && (model->prefixes[i].len != network.len ||
				       !ip_addr_equal(&model->prefixes[i].addr, &network.addr)))
		i++;
	return i;
}

static bool model_has(const struct model *model, const struct ip_addr *addr, uint32_t now_sec)
{
	for (unsigned i = 0; i < model->n; i++)
		if (ip_prefix_contains(&model->prefixes[i], addr) &&
			(model->deadlines[i] == UINT32_MAX || now_sec < model->deadlines[i]))
			return true;
	return false;
}

static void model_delete(struct model *model, unsigned i)
{
	model->n--;
	model->prefixes[i] = model->prefixes[model->n];
	model->deadlines[i] = model->deadlines[model->n];
}

static int model_add(
	struct model *model, const struct ip_prefix *p, uint32_t deadline_sec, bool may_shorten)
{
	unsigned i = model_find(model, p);

	if (i == model->n && model->n == MODEL_MAX)
		return -ENOSPC;
	if (i == model->n) {
		model->prefixes[model->n++] = ip_prefix_network(p);
		model->deadlines[i] = deadline_sec;
	} else if (may_shorten || deadline_sec > model->deadlines[i]) {
		model->deadlines[i] = deadline_sec;
	}
	return 0;
}

static unsigned model_expire(struct model *model, uint32_t now_sec)
{
	unsigned n_ended = 0;

	for (unsigned i = model->n; i-- > 0;)
		if (model->deadlines[i] != UINT32_MAX && model->deadlines[i] <= now_sec) {
			model_delete(model, i);
			n_ended++;
		}
	return n_ended;
}

static struct ip_prefix draw_prefix(uint64_t *seed)
{
	static const uint8_t lens4[] = {0, 1, 8, 24, 31, 32, 32, 32};
	static const uint8_t lens6[] = {0, 1, 48, 63, 64, 65, 127, 128};
	struct ip_prefix p = {.addr.family = draw(seed) % 2 ? IP_V4 : IP_V6};
	unsigned n = ip_family_bits(p.addr.family) / 8;

	p.addr.bytes[0] = draw(seed) % 2 ? 0x80 : 0;
	for (unsigned i = n / 2 - 1; i <= n / 2; i++)
		p.addr.bytes[i] = draw(seed) % 3 << 6;
	p.addr.bytes[n - 1] = (uint8_t)draw(seed) % 8;
	// seldom the lengths that cover half of everything
	p.len = (p.addr.family == IP_V4
			 ? lens4
			 : lens6)[draw(seed) % 50 ? 2 + draw(seed) % 6 : draw(seed) % 2];
	return p;
}

static uint32_t draw_deadline(uint64_t *seed, uint32_t now_sec)
{
	if (draw(seed) % 16 == 0)
		return TIMED_SET_FOREVER;
	return timed_set_deadline(now_sec, (uint32_t)draw(seed) % 600);
}

static void compare_walk(const struct timed_set *set, const struct model *model)
{
	uint32_t cursor = 0, deadline_sec;
	struct ip_prefix p;
	unsigned n = 0;

	for (; timed_set_next(set, &cursor, &p, &deadline_sec); n++) {
		unsigned i = model_find(model, &p);

		assert_true(i < model->n);
		assert_int_equal(model->deadlines[i], deadline_sec);
	}
	assert_int_equal(n, model->n);
	assert_int_equal(timed_set_count(set), model->n);
}

static void a_million_operations_agree_with_a_list(void **state)
{
	struct timed_set *set = timed_set_new(MODEL_MAX, NULL);
	struct model model = {.n = 0};
	uint32_t now_sec = UINT32_MAX - OPERATIONS / 20; // comes near the end of the clock
	uint64_t seed = 1, n_refused = 0, n_in = 0, n_lookups = 0;

	for (unsigned k = 0; k < OPERATIONS; k++) {
		struct ip_prefix p = draw_prefix(&seed);
		unsigned what = (unsigned)draw(&seed) % 1000;
		uint32_t deadline_sec = draw_deadline(&seed, now_sec);
		unsigned i = model_find(&model, &p);
		int wanted;

		now_sec += draw(&seed) % 21 == 0;
		if (what < 200) {
			wanted = model_add(&model, &p, deadline_sec, false);
			assert_int_equal(timed_set_add(set, &p, deadline_sec), wanted);
			n_refused += wanted == -ENOSPC;
		} else if (what < 250) {
			wanted = model_add(&model, &p, deadline_sec, true);
			assert_int_equal(timed_set_replace(set, &p, deadline_sec), wanted);
			n_refused += wanted == -ENOSPC;
		} else if (what < 350) {
			assert_int_equal(timed_set_delete(set, &p), i < model.n ? 0 : -ENOENT);
			if (i < model.n)
				model_delete(&model, i);
		} else if (what < 352) {
			assert_int_equal(timed_set_expire(set, now_sec, UINT32_MAX),
				model_expire(&model, now_sec));
			compare_walk(set, &model);
		} else {
			bool is_in = model_has(&model, &p.addr, now_sec);

			if (has(set, &p.addr, now_sec) != is_in)
				fail_msg("operation %u: %d", k, !is_in);
			n_in += is_in;
			n_lookups++;
		}
	}
	compare_walk(set, &model);
	assert_true(n_refused > 1000);
	assert_in_range(n_in, n_lookups / 10, n_lookups - n_lookups / 10);
	timed_set_free(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_million_operations_agree_with_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
