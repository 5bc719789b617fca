/*
 * \brief  Making the objects of a PD with the badges that an image tells
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

/* base-foc includes */
#include <foc/syscall.h>
namespace Foc {
#include <l4/sys/ipc_gate.h>
}
#include <native_pd_component.h>

#include <make.h>

using namespace Thaw;
using namespace Core;
using Foc::l4_cap_idx_t;

using Word       = Maker::Word;
using Result     = Maker::Result;
using Cap_result = Maker::Cap_result;
using Kind       = Maker::S::Kind;

static l4_cap_idx_t word_of(Word slot) { return l4_cap_idx_t(slot) << Foc::L4_CAP_SHIFT; }

static Word id_of(Native_capability const &cap) { return cap.valid() ? Word(cap.local_name()) : 0; }


/**
 * Map a capability of core's into a slot of a task that must be empty
 */
static Result map_into(l4_cap_idx_t task, Word slot, l4_cap_idx_t cap)
{
	using namespace Foc;
	if (l4_msgtag_label(l4_task_cap_valid(task, word_of(slot))))
		return Result::BAD_SLOT;
	l4_msgtag_t const tag = l4_task_map(task, L4_BASE_TASK_CAP, l4_obj_fpage(cap, 0, L4_FPAGE_RWX),
	                                    word_of(slot) | L4_ITEM_MAP);
	if (l4_error(tag))
		return Result::KERNEL;
	return l4_msgtag_label(l4_task_cap_valid(task, word_of(slot))) ? Result::OK : Result::KERNEL;
}


/************
 ** Badges **
 ************/

/*
 * The object leaves the entrypoint for a moment, so a call to it that is on its way is answered as one to an object
 * that is gone. What is exchanged belongs to a PD that does not run, or is the caller's own.
 */
Result Maker::_exchange(Rpc_entrypoint &ep, Rpc_object_base &object, Word badge)
{
	if (id_of(object.cap()) == badge)
		return Result::OK;

	Placeholder placeholder { };
	_ids().want(badge);
	Untyped_capability const fresh = ep.manage(&placeholder);
	_ids().forget_wanted();
	if (id_of(fresh) != badge) {
		ep.dissolve(&placeholder);
		return Result::BADGE_TAKEN;
	}
	Untyped_capability const old = object.cap();
	Rpc_object_base &other = placeholder;
	ep.remove(&object);
	ep.remove(&other);
	object.cap(fresh);
	other.cap(old);
	ep.insert(&object);
	ep.insert(&other);
	ep.dissolve(&placeholder);
	return Result::OK;
}


/**
 * Region maps only of the open PD or an RM session; all else the caller holds because it is its own
 */
bool Maker::_may_rebadge(Rpc_object_base &object)
{
	if (!dynamic_cast<Region_map_component *>(&object))
		return true;
	bool own = _books.is_nested(id_of(object.cap()));
	_books.with_pd([&] (Pd &pd) {
		for (Word n = 0; Rpc_object_base *map = Books::map(pd, n); n++) own |= map == &object; });
	return own;
}


Cap_result Maker::_rebadge(Rpc_object_base &object, Word badge)
{
	bool open = false;
	_books.with_pd([&] (Pd &pd) { open = static_cast<Rpc_object_base *>(&pd) == &object; });

	Result const result = _exchange(_ep, object, badge);
	if (result != Result::OK)
		return result;

	/* a region map keeps the capability of its dataspace */
	if (auto *ds = dynamic_cast<Dataspace_component *>(&object); ds && ds->managed())
		_ep.apply(reinterpret_cap_cast<Region_map>(ds->sub_rm()), [&] (Region_map_component *rm) {
			if (rm)
				private_of<Map_ds_cap>(*rm) = reinterpret_cap_cast<Dataspace>(object.cap()); });

	/* the dataspace of a region map finds it by capability */
	if (auto *rm = dynamic_cast<Region_map_component *>(&object))
		if (private_of<Map_dataspace>(*rm).sub_rm().valid())
			private_of<Map_dataspace>(*rm).sub_rm(object.cap());
	if (open)
		_books.open(reinterpret_cap_cast<Pd_session>(object.cap()));
	return Cap(object.cap());
}


/*************
 ** Threads **
 *************/

/**
 * What core does before it starts a thread, without the start
 *
 * Not before the thread is about to run: when one that is bound is deleted before it ran, the kernel keeps its task for
 * ever.
 */
bool Maker::bind(Pd &pd, Word index)
{
	bool bound = false;
	Books::for_each_thread(pd, [&] (Word at, Cpu_thread_component &t) {
		if (at == index)
			bound = _bind(pd, t.platform_thread()); });
	return bound;
}


bool Maker::_bind(Pd &pd, Platform_thread &pt)
{
	using namespace Foc;
	auto &pager = private_of<Thread_pager>(pt);
	pager.map(Books::task(pd));
	l4_thread_control_start();
	l4_thread_control_pager(pager.remote);
	l4_thread_control_exc_handler(pager.remote);
	l4_thread_control_bind((l4_utcb_t *)pt.utcb(), Books::task(pd));
	return !l4_error(l4_thread_control_commit(pt.thread().local.data()->kcap()));
}


Cap_result Maker::create_thread(Capability<Cpu_session> cpu_cap, Capability<Pd_session> pd_cap, Word index,
                                S::Thread const &wanted)
{
	Cpu_session_component *cpu = nullptr;
	_ep.apply(cpu_cap, [&] (Cpu_session_component *ptr) { cpu = ptr; });
	if (!cpu)
		return Result::NOT_FOUND;

	/*
	 * One for practice: an allocator of core's that has to grow takes a badge for its own memory, which must not
	 * be one that is wanted
	 */
	cpu->create_thread(pd_cap, "practice", Affinity::Location(int(wanted.xpos), 0), 0)
		.with_result([&] (Thread_capability c) { cpu->kill_thread(c); }, [&] (Cpu_session::Create_thread_error) { });

	/* in the order in which core takes them; the pager's is known to nobody outside of core */
	_ids().want(wanted.badges.thread);
	_ids().want(wanted.badges.irq);
	_ids().want(wanted.badges.gate);
	_ids().want(wanted.badges.cpu_thread);
	Thread_capability cap { };
	bool const made = cpu->create_thread(pd_cap, wanted.name.string(), Affinity::Location(int(wanted.xpos), 0), 0)
		.convert<bool>([&] (Thread_capability c) { cap = c; return true; },
		               [&] (Cpu_session::Create_thread_error) { return false; });
	_ids().forget_wanted();
	if (!made)
		return Result::QUOTA;

	Result result = Result::NOT_FOUND;
	_books.with_pd([&] (Pd &pd) {
		S::Thread const is = _books.thread(pd, index);
		bool const same = is.badges.thread == wanted.badges.thread && is.badges.irq == wanted.badges.irq
		               && is.badges.gate == wanted.badges.gate && is.badges.cpu_thread == wanted.badges.cpu_thread;
		result = is.result != Result::OK || is.badges.cpu_thread != id_of(cap) ? Result::BAD_SLOT
		       : same ? Result::OK : Result::BADGE_TAKEN; });
	if (result == Result::OK)
		return Cap(cap);
	cpu->kill_thread(cap);
	return result;
}


/************************************
 ** RPC objects and signal objects **
 ************************************/

void Maker::_practise(Pd &pd, Cap entrypoint)
{
	pd.alloc_rpc_cap(entrypoint).with_result([&] (Cap c) { pd.free_rpc_cap(c); }, [&] (Alloc_error) { });
}


Cap_result Maker::gate(Pd &pd, Word thread, Word badge)
{
	Cap serving { };
	Books::for_each_thread(pd, [&] (Word at, Cpu_thread_component &t) {
		if (at == thread)
			serving = t.platform_thread().thread().local; });
	if (!serving.valid())
		return Result::NOT_FOUND;
	_practise(pd, serving);
	_ids().want(badge);
	Cap cap { };
	pd.alloc_rpc_cap(serving).with_result([&] (Cap c) { cap = c; }, [&] (Alloc_error) { });
	_ids().forget_wanted();
	if (id_of(cap) == badge)
		return cap;
	if (!cap.valid())
		return Result::QUOTA;
	pd.free_rpc_cap(cap);
	return Result::BADGE_TAKEN;
}


Cap_result Maker::own_gate(Capability<Pd_session> caller, Cap entrypoint, Word badge)
{
	if (!entrypoint.valid())
		return Result::NOT_FOUND;
	Cap_result result { Result::NOT_YOURS };
	_books.with(caller, [&] (Pd &pd) {
		Platform_thread const *serving = static_cast<Core_cap_index const *>(entrypoint.data())->pt();
		bool own = false;
		Books::for_each_thread(pd, [&] (Word, Cpu_thread_component &t) { own |= &t.platform_thread() == serving; });
		if (!own)
			return;
		_practise(pd, entrypoint);
		_ids().want(badge);
		Cap cap { };
		pd.alloc_rpc_cap(entrypoint).with_result([&] (Cap c) { cap = c; }, [&] (Alloc_error) { });
		_ids().forget_wanted();
		if (id_of(cap) == badge) {
			result = Cap_result(cap);
			return;
		}
		result = Cap_result(cap.valid() ? Result::BADGE_TAKEN : Result::QUOTA);
		if (cap.valid())
			pd.free_rpc_cap(cap);
	});
	return result;
}


Cap_result Maker::context(Pd &pd, Word imprint, Word badge, Word pending)
{
	Signal_broker &broker = private_of<Session_broker>(pd);
	pd.alloc_context(private_of<Broker_cap>(broker), { imprint })
		.with_result([&] (Signal_context_capability c) { pd.free_context(c); }, [&] (Alloc_error) { });
	_ids().want(badge);
	Signal_context_capability cap { };
	pd.alloc_context(private_of<Broker_cap>(broker), { imprint })
		.with_result([&] (Signal_context_capability c) { cap = c; }, [&] (Alloc_error) { });
	_ids().forget_wanted();
	if (!cap.valid())
		return Result::QUOTA;
	if (id_of(cap) != badge) {
		pd.free_context(cap);
		return Result::BADGE_TAKEN;
	}
	if (pending)
		pd.submit(cap, pending);
	return Cap(cap);
}


/*
 * The target keeps the badge of its semaphore, too, and would take another object that gets it for the same
 */
Result Maker::_renew_semaphore(Signal_source_component &source, Word badge)
{
	Native_capability &semaphore = private_of<Source_semaphore>(source);
	if (id_of(semaphore) == badge)
		return Result::OK;

	/* for practice, as with threads */
	_ids().free(_ids().alloc());
	_ids().want(badge);
	Cap_id_allocator::id_t const id = _ids().alloc();
	_ids().forget_wanted();
	Cap_index *index = id == badge ? cap_map().insert(id) : nullptr;
	if (!index) {
		_ids().free(id);
		return id == badge ? Result::QUOTA : Result::BADGE_TAKEN;
	}
	Native_capability const fresh { index };
	if (Foc::l4_error(Foc::l4_factory_create_irq(Foc::L4_BASE_FACTORY_CAP, index->kcap())))
		return Result::KERNEL;
	semaphore = fresh;
	return Result::OK;
}


Cap_result Maker::signal_source(Pd &pd, Word badge, Word semaphore)
{
	Signal_broker           &broker = private_of<Session_broker>(pd);
	Signal_source_component &source = private_of<Broker_source>(broker);
	Result result = _exchange(signal_entrypoint(broker), source, badge);
	if (result == Result::OK && semaphore)
		result = _renew_semaphore(source, semaphore);
	if (result != Result::OK)
		return result;
	private_of<Broker_cap>(broker) = reinterpret_cap_cast<Signal_source>(source.Rpc_object_base::cap());
	return Cap(source.Rpc_object_base::cap());
}


Cap_result Maker::semaphore(Pd &pd, Word thread)
{
	using namespace Foc;
	Signal_source_component &source = private_of<Broker_source>(private_of<Session_broker>(pd));
	Cap const irq = source._request_semaphore();
	Result result = Result::NOT_FOUND;
	Books::for_each_thread(pd, [&] (Word at, Cpu_thread_component &t) {
		if (at == thread)
			result = l4_error(l4_rcv_ep_bind_thread(irq.data()->kcap(),
			                                        t.platform_thread().thread().local.data()->kcap(), 0))
			       ? Result::KERNEL : Result::OK; });
	if (result != Result::OK)
		return result;

	/* the kernel forgets on binding how often it was triggered; core had done that once for each context with signals */
	private_of<Source_queue>(source).for_each([&] (Signal_context_component &) {
		l4_irq_trigger(irq.data()->kcap()); });
	return irq;
}


Cap_result Maker::object(Pd &pd, S::Kind kind, Word a)
{
	Cap cap { };
	Books::for_each_thread(pd, [&] (Word at, Cpu_thread_component &t) {
		Platform_thread &pt = t.platform_thread();
		if (at != a)                        return;
		if (kind == Kind::THREAD)           cap = pt.thread().local;
		if (kind == Kind::THREAD_GATE)      cap = pt.gate().local;
		if (kind == Kind::THREAD_IRQ)       cap = private_of<Thread_irq>(pt).local;
		if (kind == Kind::CPU_THREAD)       cap = t.Rpc_object_base::cap();
	});
	Region_map_component * const map = Books::map(pd, a);
	if (kind == Kind::REGION_MAP     && map) cap = map->Rpc_object_base::cap();
	if (kind == Kind::AREA_DATASPACE && map) cap = map->dataspace();
	if (kind == Kind::NATIVE_PD)               cap = pd.native_pd();
	if (kind == Kind::PD)                      cap = pd.Rpc_object_base::cap();
	if (!cap.valid())
		return Result::NOT_FOUND;
	return cap;
}


Result Maker::install(Pd &pd, Word slot, Cap cap)
{
	bool const inside = slot == Books::SLOT_PARENT
	                 || (slot >= Books::USER_BASE && slot < Books::USER_BASE + Books::USER_SLOTS);
	if (!inside)
		return Result::BAD_SLOT;
	if (!cap.valid())
		return Result::NOT_FOUND;

	/* the parent that core noted for a forked child has another badge */
	if (slot == Books::SLOT_PARENT)
		Foc::l4_task_unmap(Books::task(pd), Foc::l4_obj_fpage(word_of(slot), 0, Foc::L4_FPAGE_RWX),
		                   Foc::L4_FP_ALL_SPACES);
	return map_into(Books::task(pd), slot, cap.data()->kcap());
}
