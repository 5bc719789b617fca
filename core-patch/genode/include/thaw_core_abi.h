/*
 * \brief  Between the C++ and the Rust part of Thaw's service in core
 *
 * The Rust part runs the engine on the handler thread. All that it wants to know of core's objects it asks for by
 * these functions; capability selectors are slot indices (word >> L4_CAP_SHIFT).
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _THAW_CORE_ABI_H_
#define _THAW_CORE_ABI_H_

#ifdef __cplusplus
extern "C" {
#endif

typedef __UINT32_TYPE__ thaw_word;

/* set once, before the threads start */
struct thaw_wiring
{
	thaw_word task, scheduler;               /* of core */
	thaw_word handler, barrier;              /* threads */
	thaw_word pager_slot_in_area;            /* a thread's exception handler, in its area of a PD's slots */
	thaw_word stop_gates;                    /* first of 64 gates of the handler */
	thaw_word barrier_gate, command_gate;
	thaw_word window_code, window_data;      /* pages of core */
	thaw_word pd_window;                     /* address in a PD: code page, then data page */
	thaw_word stop_slot, stop_slot_stride;   /* slots of a PD */
	thaw_word scratch_slots;
	thaw_word first_slot, end_slot;
	thaw_word lift;
};

struct thaw_thread
{
	thaw_word cap, utcb, priority, exc_handler, started;
	thaw_word serial;                        /* no other thread ever has it */
};

/* answers of thaw_core_thread */
enum { THAW_THREAD, THAW_HOLE, THAW_END };

struct thaw_object
{
	thaw_word slot, kind, cap, badge, thread; /* thread ~0: none */
};

/* answer of thaw_core_object: a thread waits until a fault in a nested region map is resolved */
enum { THAW_FAULTING = 2 };

/* kinds of objects and slots */
enum { THAW_GATE = 1, THAW_IRQ = 2, THAW_FIXED = 3, THAW_UNKNOWN = 4, THAW_KERNEL_THREAD = 5 };

/* implemented in C++; each is called on the handler thread and never waits for a target */
thaw_word thaw_core_task(void);                                    /* of the open PD, 0 if none */
thaw_word thaw_core_has(thaw_word task);                           /* whether that was the open PD's when the request came */
thaw_word thaw_core_thread(thaw_word index, struct thaw_thread *);
thaw_word thaw_core_object(thaw_word n, struct thaw_object *);     /* 0 past the last, or THAW_FAULTING */
void      thaw_core_forget_slots(void);                             /* what is told next is not older than this */
thaw_word thaw_core_maybe_filled(thaw_word from);                  /* first slot that may be, ~0 if none */
thaw_word thaw_core_slot(thaw_word slot, thaw_word *badge);        /* kind */
thaw_word thaw_core_peek(thaw_word addr, thaw_word *value);        /* 0 if nothing is there */
thaw_word thaw_core_bind(thaw_word index);                         /* 0 if the kernel refused */
void      thaw_core_started(thaw_word index);
thaw_word thaw_core_late(thaw_word index);                         /* slot of a late handler, 0 if there is none */
void      thaw_core_panic(thaw_word line) __attribute__((noreturn));

/* implemented in Rust */
void      thaw_fill_code(thaw_word page);
void      thaw_handler(struct thaw_wiring const *) __attribute__((noreturn));
void      thaw_barrier(struct thaw_wiring const *) __attribute__((noreturn));
void      thaw_mender(struct thaw_wiring const *) __attribute__((noreturn));
thaw_word thaw_late_label(thaw_word thread, thaw_word area);       /* of a gate of the mender */

/* on the thread 'front': hands a request to the handler; returns the label of the answer */
thaw_word thaw_serve(struct thaw_wiring const *, thaw_word front, thaw_word client, thaw_word has_pd,
                     thaw_word *words, thaw_word *count, thaw_word capacity);

#ifdef __cplusplus
}
#endif

#endif /* _THAW_CORE_ABI_H_ */
