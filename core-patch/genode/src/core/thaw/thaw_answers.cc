/*
 * \brief  What the engine, in Rust, asks for
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

/* base-foc includes */
#include <foc/syscall.h>

#include <parts.h>

using namespace Core;

static Thaw::Parts *parts_ptr;

void Thaw::answer_engine(Parts &parts) { parts_ptr = &parts; }


/**
 * Call 'fn' with the open PD on core's entrypoint; 'otherwise' if there is none
 */
template <typename R, typename FN>
static R in_pd(R otherwise, FN const &fn)
{
	R result = otherwise;
	parts_ptr->in_core_ep([&] {
		parts_ptr->books.with_pd([&] (Thaw::Books::Pd &pd) { result = R(fn(pd)); }); });
	return result;
}


thaw_word thaw_core_task()
{
	return in_pd(thaw_word(0), [&] (Thaw::Books::Pd &pd) { return Thaw::Books::task(pd) >> Foc::L4_CAP_SHIFT; });
}


/*
 * Noted when the request came, as the entrypoint was asked for something else: to go there once more costs too much
 */
thaw_word thaw_core_has(thaw_word task) { return task && parts_ptr->open_task == task; }


/*
 * Threads, objects and slots are listed on core's entrypoint and then told one by one from the lists: going there costs
 * as much as hundreds of system calls. The session's thread waits meanwhile, so nobody else works with the lists.
 */

thaw_word thaw_core_thread(thaw_word index, thaw_thread *out)
{
	Thaw::Books &books = parts_ptr->books;
	if (index == 0) {
		books.forget_threads();
		in_pd(thaw_word(0), [&] (Thaw::Books::Pd &pd) { books.list_threads(pd); return 0; });
	}
	return books.engine_thread(index, *out);
}


thaw_word thaw_core_object(thaw_word n, thaw_object *out)
{
	Thaw::Books &books = parts_ptr->books;
	if (n == 0) {
		books.forget_objects();
		bool const faulting = in_pd(false, [&] (Thaw::Books::Pd &pd) {
			if (books.anybody_faults())
				return true;
			books.list_objects(pd);
			return false; });
		if (faulting)
			return THAW_FAULTING;
	}
	return books.engine_object(n, *out);
}


void thaw_core_forget_slots()
{
	parts_ptr->in_core_ep([&] { parts_ptr->books.slots_move(false); });
}


thaw_word thaw_core_maybe_filled(thaw_word from)
{
	return parts_ptr->books.maybe_filled(from);
}


thaw_word thaw_core_slot(thaw_word slot, thaw_word *badge)
{
	thaw_word kind = 0;
	if (parts_ptr->books.engine_slot_listed(slot, kind, *badge))
		return kind;
	return in_pd(thaw_word(THAW_UNKNOWN), [&] (Thaw::Books::Pd &pd) {
		return parts_ptr->books.engine_slot(pd, slot, *badge); });
}


thaw_word thaw_core_peek(thaw_word addr, thaw_word *value)
{
	return in_pd(thaw_word(0), [&] (Thaw::Books::Pd &pd) { return parts_ptr->books.peek(pd, addr, *value); });
}


thaw_word thaw_core_bind(thaw_word index)
{
	return in_pd(thaw_word(0), [&] (Thaw::Books::Pd &pd) { return parts_ptr->maker.bind(pd, index); });
}


void thaw_core_started(thaw_word index)
{
	in_pd(thaw_word(0), [&] (Thaw::Books::Pd &pd) {
		Thaw::Books::for_each_thread(pd, [&] (thaw_word at, Cpu_thread_component &t) {
			if (at == index)
				Thaw::Books::started(t.platform_thread(), true); });
		return thaw_word(0); });
}


thaw_word thaw_core_late(thaw_word index)
{
	return in_pd(thaw_word(0), [&] (Thaw::Books::Pd &pd) {
		return parts_ptr->late_gates.slot(pd, parts_ptr->mender, index); });
}


void thaw_core_panic(thaw_word line)
{
	error("thaw: mistake in the service, line ", line, "; its thread stops for good");
	using namespace Foc;
	for (;;)
		l4_ipc_sleep(L4_IPC_NEVER);
}
