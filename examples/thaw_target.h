/*
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * What a program needs to run in the native system and to be checkpointed there. Nothing else is
 * needed, no library and no start-up code. docs/target-abi.md explains it.
 *
 * Compile with arm-none-eabi-gcc -mcpu=cortex-a15 -ffreestanding -nostdlib, ARM or Thumb. Every
 * function here uses the message registers of the calling thread.
 */
#ifndef THAW_TARGET_H
#define THAW_TARGET_H

#include <stddef.h>
#include <stdint.h>

/* Addresses. Regions of a program lie between THAW_USER_START and THAW_USER_END. */
#define THAW_INFO_PAGE 0x00100000u
#define THAW_USER_START 0x00200000u
#define THAW_PROGRAM_BASE 0x01000000u
#define THAW_USER_END 0xa0000000u
#define THAW_STACK_BYTES 0x10000u
#define THAW_UTCB_AREA 0xb0000000u

/* Capability slots. A program names slots from THAW_SLOT_USER to THAW_SLOT_END - 1 itself. */
#define THAW_SLOT_PD 0x10u
#define THAW_SLOT_LOG 0x11u
#define THAW_SLOT_USER 0x200u
#define THAW_SLOT_END 0x400u

/* Limits. */
#define THAW_THREADS_MAX 64u
#define THAW_LOG_BYTES_MAX 200u

/* Requests to root: calls on THAW_SLOT_PD, message register 0. */
#define THAW_THREAD_CREATE 1u
#define THAW_THREAD_EXIT 2u
#define THAW_GATE_CREATE 3u
#define THAW_IRQ_CREATE 4u
#define THAW_MEMORY_ALLOC 5u
#define THAW_MEMORY_FREE 6u
#define THAW_CLOCK 7u
#define THAW_ROM_ATTACH 8u
#define THAW_EXIT 9u
#define THAW_OBJECT_DELETE 10u
#define THAW_SEMAPHORE_CREATE 15u
#define THAW_THREAD_CAP 16u
#define THAW_SLOT_CLEAR 17u
#define THAW_KERNEL_CLOCK 18u

/* Results: 0, or one of these negated; an IPC that failed itself is THAW_IPC_FAILED + its error. */
#define THAW_EPERM 1
#define THAW_ENOENT 2
#define THAW_EIO 5
#define THAW_ENOMEM 12
#define THAW_EFAULT 14
#define THAW_EBUSY 16
#define THAW_EEXIST 17
#define THAW_ENODEV 19
#define THAW_EINVAL 22
#define THAW_ERANGE 34
#define THAW_ENOSYS 38
#define THAW_EMSGTOOSHORT 1001
#define THAW_IPC_FAILED 2000

/* The page at THAW_INFO_PAGE. */
#define THAW_INFO_MAGIC 0x6f666e49u
#define THAW_INFO_VERSION 1u
#define THAW_REVISION_G 1u
#define THAW_REVISION_M 2u

struct thaw_info {
  uint32_t magic;
  uint32_t version;
  uint32_t revision;   /* decides the system-call sequence */
  uint32_t board;
  uint32_t counter_hz; /* of the virtual counter, 0 if it cannot be read */
};

static inline volatile const struct thaw_info *thaw_info(void)
{
  return (volatile const struct thaw_info *)THAW_INFO_PAGE;
}

/* ---- system call ---- */

/* Operations, the low bits of a selector. */
#define THAW_SEND 0x1u
#define THAW_RECEIVE 0x2u
#define THAW_CALL 0x3u
#define THAW_WAIT 0x6u
#define THAW_REPLY_AND_WAIT 0xfu

/* Selectors. */
#define THAW_TO(slot, operation) ((slot) << 12 | (operation))
#define THAW_NOBODY(operation) (0x800u | (operation))

/* Tags: protocol (signed) or label, message words. */
#define THAW_TAG(label, words) ((uint32_t)(label) << 16 | (words))
#define THAW_TAG_ERROR 0x8000u
#define THAW_TAG_WORDS(tag) ((tag) & 63u)
#define THAW_TAG_LABEL(tag) ((int32_t)(tag) >> 16)

/* Timeouts: send in the high, receive in the low half. */
#define THAW_NEVER 0u
#define THAW_ZERO 0x400u
#define THAW_TIMEOUTS(send, receive) ((uint32_t)(send) << 16 | (receive))

/* IRQ objects: protocol and operations. */
#define THAW_PROTO_IRQ (-1)
#define THAW_IRQ_TRIGGER 2u
#define THAW_IRQ_WAIT 4u

/* Semaphores: protocol and operation; they are raised as IRQ objects are triggered. */
#define THAW_PROTO_SEMAPHORE (-20)
#define THAW_SEMAPHORE_DOWN 0u

/* Words of a thread's UTCB. */
#define THAW_MR 0       /* message registers, 63 */
#define THAW_BDR 64     /* buffer descriptor */
#define THAW_BR 65      /* buffer registers, 58 */
#define THAW_ERROR 123  /* of the last IPC, if its tag has THAW_TAG_ERROR */
#define THAW_USER 125   /* three words for the program */

static inline volatile uint32_t *thaw_utcb(void)
{
  uint32_t address;
  __asm__("mrc p15, 0, %0, c13, c0, 2" : "=r"(address));
  return (volatile uint32_t *)address;
}

struct thaw_answer {
  uint32_t tag;
  uint32_t label;
};

/*
 * The instructions that enter the kernel. G: ARM state only, lr is lost. M: ARM or Thumb, r5 = 0.
 * r0 tag, r2 selector, r3 timeouts, r4 label in; r0 tag, r4 label out; all else is kept.
 */
#define THAW_ENTER_G "mov lr, pc\n\tmvn pc, #11"
#define THAW_ENTER_M "svc #0"
#define THAW_ARM __attribute__((target("arm"), noinline))

static THAW_ARM __attribute__((unused)) struct thaw_answer
thaw_ipc_g(uint32_t selector, uint32_t tag, uint32_t timeouts, uint32_t label)
{
  register uint32_t r0 __asm__("r0") = tag;
  register uint32_t r2 __asm__("r2") = selector;
  register uint32_t r3 __asm__("r3") = timeouts;
  register uint32_t r4 __asm__("r4") = label;
  __asm__ volatile(THAW_ENTER_G : "+r"(r0), "+r"(r2), "+r"(r3), "+r"(r4) : : "r1", "r12", "lr", "cc", "memory");
  return (struct thaw_answer){ r0, r4 };
}

static __attribute__((unused, noinline)) struct thaw_answer
thaw_ipc_m(uint32_t selector, uint32_t tag, uint32_t timeouts, uint32_t label)
{
  register uint32_t r0 __asm__("r0") = tag;
  register uint32_t r2 __asm__("r2") = selector;
  register uint32_t r3 __asm__("r3") = timeouts;
  register uint32_t r4 __asm__("r4") = label;
  register uint32_t r5 __asm__("r5") = 0;
  __asm__ volatile(THAW_ENTER_M : "+r"(r0), "+r"(r2), "+r"(r3), "+r"(r4), "+r"(r5) : : "r1", "r12", "lr", "cc", "memory");
  return (struct thaw_answer){ r0, r4 };
}

/* One system call, by the revision that runs. */
static inline struct thaw_answer
thaw_ipc(uint32_t selector, uint32_t tag, uint32_t timeouts, uint32_t label)
{
  if (thaw_info()->revision == THAW_REVISION_G)
    return thaw_ipc_g(selector, tag, timeouts, label);
  return thaw_ipc_m(selector, tag, timeouts, label);
}

/* The result of an IPC: 0 or positive, or a negative error. Both signs of failure count. */
static inline int32_t thaw_result(uint32_t tag)
{
  if (tag & THAW_TAG_ERROR)
    return -(int32_t)(THAW_IPC_FAILED + (thaw_utcb()[THAW_ERROR] & 31u));
  return THAW_TAG_LABEL(tag);
}

/* The shortest timeout of at least us microseconds. */
static inline uint32_t thaw_timeout(uint32_t us)
{
  uint32_t exponent = 0;
  if (us == 0)
    return THAW_ZERO;
  while (us > 0x3ff) {
    us = (us >> 1) + (us & 1);
    exponent++;
  }
  return exponent << 10 | us;
}

static inline void thaw_sleep(uint32_t us)
{
  thaw_ipc(THAW_NOBODY(THAW_RECEIVE), 0, THAW_TIMEOUTS(THAW_NEVER, thaw_timeout(us)), 0);
}

/* ---- requests to root ---- */

/* Calls slot with words from message register 0 on. */
static inline int32_t thaw_call(uint32_t slot, const uint32_t *words, uint32_t count)
{
  volatile uint32_t *utcb = thaw_utcb();
  for (uint32_t i = 0; i < count; i++)
    utcb[THAW_MR + i] = words[i];
  return thaw_result(thaw_ipc(THAW_TO(slot, THAW_CALL), THAW_TAG(0, count), THAW_NEVER, 0).tag);
}

/* Up to 16 bytes of a name as four words. */
static inline void thaw_name(uint32_t words[4], const char *name)
{
  for (unsigned i = 0; i < 4; i++)
    words[i] = 0;
  for (unsigned i = 0; i < 16 && name[i]; i++)
    words[i / 4] |= (uint32_t)(uint8_t)name[i] << (8 * (i % 4));
}

/* Prints text; whole lines appear behind the program's name. */
static inline void thaw_log(const char *text, uint32_t bytes)
{
  volatile uint32_t *utcb = thaw_utcb();
  while (bytes) {
    uint32_t now = bytes < THAW_LOG_BYTES_MAX ? bytes : THAW_LOG_BYTES_MAX;
    uint32_t words = (now + 3) / 4;
    utcb[THAW_MR] = now;
    for (uint32_t i = 0; i < words; i++) {
      uint32_t word = 0;
      for (uint32_t k = 0; k < 4 && 4 * i + k < now; k++)
        word |= (uint32_t)(uint8_t)text[4 * i + k] << (8 * k);
      utcb[THAW_MR + 1 + i] = word;
    }
    thaw_ipc(THAW_TO(THAW_SLOT_LOG, THAW_CALL), THAW_TAG(0, 1 + words), THAW_NEVER, 0);
    text += now;
    bytes -= now;
  }
}

static inline void thaw_puts(const char *text)
{
  uint32_t bytes = 0;
  while (text[bytes])
    bytes++;
  thaw_log(text, bytes);
}

/* Starts a thread; sp is the end of its stack. Returns its index. */
static inline int32_t thaw_thread_create(void (*entry)(void), void *sp, uint32_t priority, uint32_t tpidruro,
                                         const char *name, uint32_t *index)
{
  uint32_t words[9] = { THAW_THREAD_CREATE, (uint32_t)entry, (uint32_t)sp, priority, tpidruro };
  thaw_name(&words[5], name);
  int32_t result = thaw_call(THAW_SLOT_PD, words, 9);
  *index = thaw_utcb()[THAW_MR];
  return result;
}

static inline int32_t thaw_thread_exit(uint32_t index)
{
  return thaw_call(THAW_SLOT_PD, (uint32_t[]){ THAW_THREAD_EXIT, index }, 2);
}

/* Makes a gate bound to a thread; messages through it carry badge | rights. */
static inline int32_t thaw_gate_create(uint32_t slot, uint32_t thread, uint32_t *badge)
{
  int32_t result = thaw_call(THAW_SLOT_PD, (uint32_t[]){ THAW_GATE_CREATE, slot, thread }, 3);
  *badge = thaw_utcb()[THAW_MR];
  return result;
}

/* Makes an IRQ object bound to a thread. */
static inline int32_t thaw_irq_create(uint32_t slot, uint32_t thread, uint32_t label)
{
  return thaw_call(THAW_SLOT_PD, (uint32_t[]){ THAW_IRQ_CREATE, slot, thread, label }, 4);
}

/* Waits for the IRQ in slot, which must be bound to the calling thread. */
static inline int32_t thaw_irq_wait(uint32_t slot)
{
  thaw_utcb()[THAW_MR] = THAW_IRQ_WAIT;
  return thaw_result(thaw_ipc(THAW_TO(slot, THAW_CALL), THAW_TAG(THAW_PROTO_IRQ, 1), THAW_NEVER, 0).tag);
}

/* Triggers the IRQ in slot; it stays pending until its thread waits. */
static inline int32_t thaw_irq_trigger(uint32_t slot)
{
  thaw_utcb()[THAW_MR] = THAW_IRQ_TRIGGER;
  uint32_t tag = thaw_ipc(THAW_TO(slot, THAW_SEND), THAW_TAG(THAW_PROTO_IRQ, 1), THAW_NEVER, 0).tag;
  /* Nothing comes back but the tag that was sent: its label is no result. */
  return tag & THAW_TAG_ERROR ? thaw_result(tag) : 0;
}

/* Allocates zeroed memory, anywhere if address is 0. */
static inline int32_t thaw_memory_alloc(uint32_t bytes, uint32_t address, void **memory)
{
  int32_t result = thaw_call(THAW_SLOT_PD, (uint32_t[]){ THAW_MEMORY_ALLOC, bytes, address }, 3);
  *memory = (void *)thaw_utcb()[THAW_MR];
  return result;
}

static inline int32_t thaw_memory_free(void *memory)
{
  return thaw_call(THAW_SLOT_PD, (uint32_t[]){ THAW_MEMORY_FREE, (uint32_t)memory }, 2);
}

/* Microseconds of the program's clock. */
static inline int32_t thaw_clock(uint64_t *us)
{
  int32_t result = thaw_call(THAW_SLOT_PD, (uint32_t[]){ THAW_CLOCK }, 1);
  volatile uint32_t *utcb = thaw_utcb();
  *us = (uint64_t)utcb[THAW_MR + 1] << 32 | utcb[THAW_MR];
  return result;
}

/* Attaches a ROM module for reading. */
static inline int32_t thaw_rom_attach(const char *name, const void **start, uint32_t *bytes)
{
  uint32_t words[5] = { THAW_ROM_ATTACH };
  thaw_name(&words[1], name);
  int32_t result = thaw_call(THAW_SLOT_PD, words, 5);
  *start = (const void *)thaw_utcb()[THAW_MR];
  *bytes = thaw_utcb()[THAW_MR + 1];
  return result;
}

/* Makes a semaphore with nothing in it. */
static inline int32_t thaw_semaphore_create(uint32_t slot)
{
  return thaw_call(THAW_SLOT_PD, (uint32_t[]){ THAW_SEMAPHORE_CREATE, slot }, 2);
}

/* Takes one from the semaphore in slot, waiting for it if need be; thaw_irq_trigger puts one in. */
static inline int32_t thaw_semaphore_down(uint32_t slot)
{
  thaw_utcb()[THAW_MR] = THAW_SEMAPHORE_DOWN;
  uint32_t tag = THAW_TAG(THAW_PROTO_SEMAPHORE, 1);
  return thaw_result(thaw_ipc(THAW_TO(slot, THAW_CALL), tag, THAW_NEVER, 0).tag);
}

/* Puts the capability of a thread into a slot. */
static inline int32_t thaw_thread_cap(uint32_t slot, uint32_t thread)
{
  return thaw_call(THAW_SLOT_PD, (uint32_t[]){ THAW_THREAD_CAP, slot, thread }, 3);
}

/* Empties a slot that thaw_thread_cap or a message has filled. */
static inline int32_t thaw_slot_clear(uint32_t slot)
{
  return thaw_call(THAW_SLOT_PD, (uint32_t[]){ THAW_SLOT_CLEAR, slot }, 2);
}

/* Deletes a gate, an IRQ object or a semaphore that this program made, by the slot it was made in. */
static inline int32_t thaw_object_delete(uint32_t slot)
{
  return thaw_call(THAW_SLOT_PD, (uint32_t[]){ THAW_OBJECT_DELETE, slot }, 2);
}

static inline void __attribute__((noreturn)) thaw_exit(uint32_t code)
{
  thaw_call(THAW_SLOT_PD, (uint32_t[]){ THAW_EXIT, code }, 2);
  for (;;)
    thaw_ipc(THAW_NOBODY(THAW_RECEIVE), 0, THAW_NEVER, 0);
}

#endif
