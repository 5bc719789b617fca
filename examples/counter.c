/*
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * A foreign program to be checkpointed: counts ten times a second and checks itself. The count is kept
 * in registers through each sleep, in a double, in the depth of the stack and in memory; a second thread
 * does the adding, asked by a call. Prints `started <thread>` once per thread, then `count <n>`, and
 * `FAIL <what> expected <x> got <y>` if anything got lost.
 */
#include "thaw_target.h"

#define PERIOD_US 100000u
#define GATE THAW_SLOT_USER
#define ADDER_PRIORITY 9u

#ifdef __thumb__
#define STATE "thumb"
#else
#define STATE "arm"
#endif

/* ---- printing ---- */

struct line {
  char text[96];
  uint32_t bytes;
};

static void put(struct line *line, const char *text)
{
  while (*text && line->bytes < sizeof line->text)
    line->text[line->bytes++] = *text++;
}

static void put_number(struct line *line, uint32_t value)
{
  char digits[11];
  unsigned at = sizeof digits - 1;
  digits[at] = 0;
  do {
    /* Division by ten without a library: the processor may have no instruction for it. */
    uint32_t tenth = (uint32_t)((uint64_t)value * 0xcccccccdu >> 35);
    digits[--at] = (char)('0' + (value - tenth * 10));
    value = tenth;
  } while (value);
  put(line, &digits[at]);
}

static void print(const char *what, uint32_t number)
{
  struct line line;
  line.bytes = 0;
  put(&line, what);
  put_number(&line, number);
  put(&line, "\n");
  thaw_log(line.text, line.bytes);
}

static void expect(const char *what, uint32_t expected, uint32_t got)
{
  if (expected == got)
    return;
  struct line line;
  line.bytes = 0;
  put(&line, "FAIL ");
  put(&line, what);
  put(&line, " expected ");
  put_number(&line, expected);
  put(&line, " got ");
  put_number(&line, got);
  put(&line, "\n");
  thaw_log(line.text, line.bytes);
  thaw_exit(1);
}

/* ---- registers: the count travels through the sleep in r8, its complement in r9 ---- */

#define SLEEP_CARRYING(name, attributes, enter)                                                           \
  static attributes uint32_t name(uint32_t count, uint32_t timeouts)                                      \
  {                                                                                                       \
    register uint32_t r0 __asm__("r0") = 0;                                                               \
    register uint32_t r2 __asm__("r2") = THAW_NOBODY(THAW_RECEIVE);                                       \
    register uint32_t r3 __asm__("r3") = timeouts;                                                        \
    register uint32_t r4 __asm__("r4") = 0;                                                               \
    register uint32_t r5 __asm__("r5") = 0;                                                               \
    register uint32_t r8 __asm__("r8") = count;                                                           \
    register uint32_t r9 __asm__("r9") = ~count;                                                          \
    __asm__ volatile(enter : "+r"(r0), "+r"(r2), "+r"(r3), "+r"(r4), "+r"(r5), "+r"(r8), "+r"(r9) : :     \
                     "r1", "r12", "lr", "cc", "memory");                                                  \
    expect("r9", ~r8, r9);                                                                                \
    expect("sleep", THAW_TAG_ERROR, r0);                                                                  \
    return r8;                                                                                            \
  }

SLEEP_CARRYING(sleep_g, THAW_ARM, THAW_ENTER_G)
SLEEP_CARRYING(sleep_m, __attribute__((noinline)), THAW_ENTER_M)

/* ---- stack: the sleep happens below some frames with words of their own ---- */

static __attribute__((noinline)) uint32_t sleep_at_depth(uint32_t depth, uint32_t count)
{
  volatile uint32_t words[4];
  for (uint32_t i = 0; i < 4; i++)
    words[i] = (count + depth) * 0x9e3779b9u + i;
  uint32_t timeouts = THAW_TIMEOUTS(THAW_NEVER, thaw_timeout(PERIOD_US));
  uint32_t result;
  if (depth)
    result = sleep_at_depth(depth - 1, count);
  else if (thaw_info()->revision == THAW_REVISION_G)
    result = sleep_g(count, timeouts);
  else
    result = sleep_m(count, timeouts);
  for (uint32_t i = 0; i < 4; i++)
    expect("stack", (result + depth) * 0x9e3779b9u + i, words[i]);
  return result;
}

/* ---- memory: a chain of words, one link rewritten with each count ---- */

#define LINKS 8192u
static uint32_t links[LINKS];

static void link_check(uint32_t count)
{
  uint32_t at = count % LINKS;
  uint32_t before = count >= LINKS ? (count - LINKS) * 0x85ebca6bu + 1 : 0;
  expect("memory", before, links[at]);
  links[at] = count * 0x85ebca6bu + 1;
}

/* ---- the adder: answers n with n + 1 and counts its answers ---- */

static uint32_t adder_stack[1024] __attribute__((aligned(8)));
static uint32_t adder_badge;

static __attribute__((noreturn)) void adder(void)
{
  volatile uint32_t *utcb = thaw_utcb();
  uint32_t timeouts = THAW_TIMEOUTS(THAW_ZERO, THAW_NEVER);
  uint32_t answers = 0;
  thaw_puts("started adder (" STATE ")\n");
  utcb[THAW_BDR] = 0;
  struct thaw_answer request = thaw_ipc(THAW_NOBODY(THAW_WAIT), 0, timeouts, 0);
  for (;;) {
    expect("request", THAW_TAG(0, 1), request.tag);
    expect("badge", adder_badge, request.label & ~3u);
    answers++;
    utcb[THAW_MR] += 1;
    utcb[THAW_MR + 1] = answers;
    request = thaw_ipc(THAW_NOBODY(THAW_REPLY_AND_WAIT), THAW_TAG(0, 2), timeouts, 0);
  }
}

static uint32_t add_one(uint32_t count)
{
  expect("call", 0, (uint32_t)thaw_call(GATE, &count, 1));
  volatile uint32_t *utcb = thaw_utcb();
  expect("answers", count + 1, utcb[THAW_MR + 1]);
  return utcb[THAW_MR];
}

/* ---- */

static void start_adder(void)
{
  uint32_t index = 0;
  void *end = &adder_stack[sizeof adder_stack / sizeof *adder_stack];
  expect("thread", 0, (uint32_t)thaw_thread_create(adder, end, ADDER_PRIORITY, 0, "adder", &index));
  expect("gate", 0, (uint32_t)thaw_gate_create(GATE, index, &adder_badge));
}

__attribute__((noreturn)) void _start(void)
{
  if (thaw_info()->magic != THAW_INFO_MAGIC || thaw_info()->version != THAW_INFO_VERSION)
    for (;;)
      ;
  thaw_puts("started counter (" STATE ")\n");
  start_adder();
  uint32_t count = 0;
  double half = 0.0;
  for (;;) {
    count = add_one(sleep_at_depth(count % 8, count));
    /* Exact for every count; the sum waits in a VFP register meanwhile. */
    half += 0.5;
    expect("half", count, (uint32_t)(half * 2.0));
    link_check(count);
    print("count ", count);
  }
}
