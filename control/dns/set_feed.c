// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/set_feed.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "cfg/base/clock.h"
#include "control/hash.h"
#include "control/wall_clock.h"

enum {
	RECENT_SLOTS = 4096,
	MS_PER_SEC = 1000,
	NS_PER_MS = 1000000,
	NS_PER_SEC = 1000000000,
};

// The names of the config, by hash: sets that have the name, sets that have what is below it.
struct fed_name {
	struct dns_name name; // empty: a free slot
	uint64_t itself, below;
};

struct fed_names {
	struct fed_name *slots;
	uint32_t n_slots; // a power of 2, at least half of them free
	uint32_t least_sec[CFG_TIMED_SETS_MAX], most_sec[CFG_TIMED_SETS_MAX];
};

struct set_note {
	struct ip_prefix prefix;
	uint64_t sets; // bits
	uint32_t ttl_sec;
};

// What has been noted lately needs not be again: a fingerprint, and when it ends.
struct recent {
	uint64_t hash;
	uint32_t ends_at_sec;
};

struct set_feed {
	struct bans *bans;
	uint64_t seed;
	int wake_fd;
	struct event *wake_event;
	atomic_bool has_names;
	// by `lock`
	pthread_mutex_t lock;
	pthread_cond_t done;
	struct fed_names names;
	struct set_note notes[SET_FEED_NOTES_MAX];
	unsigned n_notes; // that control is to take; 0: it has
	struct recent recent[RECENT_SLOTS];
};

// --- names ---

static struct fed_name *slot_of(
	const struct fed_names *names, uint64_t seed, const struct dns_name *name)
{
	uint32_t i = (uint32_t)dns_name_hash(name, seed) & (names->n_slots - 1);

	while (names->slots[i].name.len > 0 && !dns_name_equal(&names->slots[i].name, name))
		i = (i + 1) & (names->n_slots - 1);
	return &names->slots[i];
}

static void add_set(struct set_feed *feed, struct fed_names *names, const struct cfg_set *set)
{
	uint16_t timed = timed_sets_find(&feed->bans->sets, set->name);

	if (timed >= CFG_TIMED_SETS_MAX)
		return;
	names->least_sec[timed] = set->least_sec;
	names->most_sec[timed] = set->timeout_sec;
	for (unsigned i = 0; i < set->names.n; i++) {
		bool is_below = strncmp(set->names.names[i], "*.", 2) == 0;
		struct dns_name name;
		struct fed_name *slot;

		if (dns_name_parse(set->names.names[i] + (is_below ? 2 : 0), &name) != 0)
			continue;
		slot = slot_of(names, feed->seed, &name);
		slot->name = name;
		*(is_below ? &slot->below : &slot->itself) |= UINT64_C(1) << timed;
	}
}

int set_feed_follow(struct set_feed *feed, const struct config *config)
{
	struct fed_names names = {.n_slots = 2}, before;
	unsigned n = 0;

	for (unsigned i = 0; i < config->n_sets; i++)
		n += config->sets[i].names.n;
	while (names.n_slots < 2 * n)
		names.n_slots *= 2;
	names.slots = calloc(names.n_slots, sizeof(*names.slots));
	if (names.slots == NULL)
		return -1;
	for (unsigned i = 0; i < config->n_sets; i++)
		if (config->sets[i].names.n > 0)
			add_set(feed, &names, &config->sets[i]);
	pthread_mutex_lock(&feed->lock);
	before = feed->names;
	feed->names = names;
	memset(feed->recent, 0, sizeof(feed->recent));
	pthread_mutex_unlock(&feed->lock);
	atomic_store(&feed->has_names, n > 0);
	free(before.slots);
	return 0;
}

static uint64_t sets_of(const struct set_feed *feed, const struct dns_name *name)
{
	uint64_t sets = slot_of(&feed->names, feed->seed, name)->itself;
	struct dns_name at = *name;

	while (at.n_labels > 0) {
		at = dns_name_without(&at, 1);
		sets |= slot_of(&feed->names, feed->seed, &at)->below;
	}
	return sets;
}

// --- what is noted, in the DNS thread ---

static struct recent *recent_of(
	struct set_feed *feed, const struct ip_addr *addr, uint64_t sets, uint64_t *hash)
{
	uint8_t bytes[16];

	hash_address_bytes(addr, bytes);
	*hash = hash_mix(hash_address(feed->seed, bytes, addr->family) ^ sets, feed->seed);
	return &feed->recent[*hash % RECENT_SLOTS];
}

// The next ones of the answer, as many as go at a time.
static void collect(struct set_feed *feed, struct dns_walk *walk, uint64_t sets, uint32_t now_sec)
{
	struct dns_record record;
	struct ip_addr addr;
	uint64_t hash;

	while (feed->n_notes < SET_FEED_NOTES_MAX && dns_walk_next(walk, &record)) {
		const struct recent *recent;

		if (record.section != DNS_ANSWER ||
			!dns_record_address(walk->message, &record, &addr))
			continue;
		recent = recent_of(feed, &addr, sets, &hash);
		if (recent->hash == hash && recent->ends_at_sec > now_sec + record.ttl_sec)
			continue;
		feed->notes[feed->n_notes++] = (struct set_note){
			.prefix = {addr, (uint8_t)ip_family_bits(addr.family)},
			.sets = sets,
			.ttl_sec = record.ttl_sec,
		};
	}
}

// True: control has taken them all.
static bool wait_for_control(struct set_feed *feed)
{
	struct timespec until;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)SET_FEED_WAIT_MS * NS_PER_MS;
	until.tv_sec += until.tv_nsec / NS_PER_SEC;
	until.tv_nsec %= NS_PER_SEC;
	eventfd_write(feed->wake_fd, 1);
	while (feed->n_notes > 0 && rc == 0)
		rc = pthread_cond_timedwait(&feed->done, &feed->lock, &until);
	rc = feed->n_notes > 0;
	feed->n_notes = 0;
	return rc == 0;
}

bool set_feed_note(struct set_feed *feed, const uint8_t *bytes, size_t n)
{
	struct dns_message answer;
	struct dns_walk walk;
	bool may_leave = true;
	uint64_t sets;

	if (feed == NULL || !atomic_load_explicit(&feed->has_names, memory_order_relaxed) ||
		dns_message_parse(bytes, n, &answer) != 0 || answer.question.name.len == 0)
		return true;
	pthread_mutex_lock(&feed->lock);
	sets = sets_of(feed, &answer.question.name);
	walk = dns_walk_begin(&answer);
	while (sets != 0 && may_leave) {
		collect(feed, &walk, sets, (uint32_t)(clock_now_ms() / MS_PER_SEC));
		if (feed->n_notes == 0)
			break;
		may_leave = wait_for_control(feed);
	}
	pthread_mutex_unlock(&feed->lock);
	return may_leave;
}

// --- the control loop ---

static uint32_t between(uint32_t value, uint32_t least, uint32_t most)
{
	value = value < least ? least : value;
	return value > most ? most : value;
}

static void take_note(struct set_feed *feed, const struct set_note *note, uint32_t now_sec)
{
	uint32_t for_sec = UINT32_MAX;
	struct recent *recent;
	uint64_t hash;

	for (unsigned i = 0; i < CFG_TIMED_SETS_MAX; i++) {
		uint32_t its_sec =
			between(note->ttl_sec, feed->names.least_sec[i], feed->names.most_sec[i]);

		if ((note->sets >> i & 1) == 0)
			continue;
		// a second more: it is to outlive the answer
		bans_note(feed->bans, (uint16_t)i, &note->prefix, its_sec + 1, wall_clock_now());
		for_sec = its_sec < for_sec ? its_sec : for_sec;
	}
	recent = recent_of(feed, &note->prefix.addr, note->sets, &hash);
	*recent = (struct recent){hash, now_sec + for_sec};
}

static void on_wake(evutil_socket_t fd, short what, void *ctx)
{
	struct set_feed *feed = ctx;
	uint32_t now_sec = (uint32_t)(clock_now_ms() / MS_PER_SEC);
	eventfd_t ignored;

	eventfd_read(fd, &ignored);
	pthread_mutex_lock(&feed->lock);
	for (unsigned i = 0; i < feed->n_notes; i++)
		take_note(feed, &feed->notes[i], now_sec);
	feed->n_notes = 0;
	pthread_cond_signal(&feed->done);
	pthread_mutex_unlock(&feed->lock);
}

struct set_feed *set_feed_new(struct event_base *base, struct bans *bans)
{
	struct set_feed *feed = calloc(1, sizeof(*feed));
	pthread_condattr_t monotonic;

	if (feed == NULL)
		return NULL;
	feed->bans = bans;
	feed->seed = hash_seed();
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&feed->done, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_mutex_init(&feed->lock, NULL);
	feed->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (feed->wake_fd >= 0)
		feed->wake_event =
			event_new(base, feed->wake_fd, EV_READ | EV_PERSIST, on_wake, feed);
	if (feed->wake_event != NULL && event_add(feed->wake_event, NULL) == 0)
		return feed;
	set_feed_free(feed);
	return NULL;
}

void set_feed_free(struct set_feed *feed)
{
	if (feed == NULL)
		return;
	if (feed->wake_event != NULL)
		event_free(feed->wake_event);
	if (feed->wake_fd >= 0)
		close(feed->wake_fd);
	pthread_cond_destroy(&feed->done);
	pthread_mutex_destroy(&feed->lock);
	free(feed->names.slots);
	free(feed);
}
