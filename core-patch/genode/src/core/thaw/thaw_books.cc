/*
 * \brief  What core knows of the PD that is worked on
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

/* base-foc includes */
#include <foc/capability_space.h>
#include <foc/syscall.h>
namespace Foc {
#include <l4/sys/ipc_gate.h>
}
#include <map_local.h>
#include <native_cpu_component.h>
#include <native_pd_component.h>

#include <regions.h>

using namespace Thaw;
using namespace Core;
using Foc::l4_cap_idx_t;


static l4_cap_idx_t word_of(Books::Word slot) { return l4_cap_idx_t(slot) << Foc::L4_CAP_SHIFT; }

static Books::Word slot_of(l4_cap_idx_t word) { return Books::Word(word >> Foc::L4_CAP_SHIFT); }

static Books::Word id_of(Native_capability const &cap) { return cap.valid() ? Books::Word(cap.local_name()) : 0; }

static Books::Word object_of(l4_cap_idx_t cap) { return Books::Word(Foc::l4_debugger_global_id(cap)); }


Books::Books(Rpc_entrypoint &ep) : _ep(ep), _scratch(Capability_space::alloc_kcap()) { }


bool Books::slots_can_be_identified() const
{
	Word const id = object_of(Foc::L4_BASE_TASK_CAP);
	return id != 0 && id != ~0u;
}


bool Books::started(Platform_thread &t) { return private_of<Thread_state>(t) != 0; }


void Books::started(Platform_thread &t, bool yes)
{
	auto set = [&] <typename STATE> (STATE &state) { state = STATE(yes); };
	set(private_of<Thread_state>(t));
}


/*************
 ** Threads **
 *************/

Books::S::Thread Books::thread(Pd &pd, Word index)
{
	S::Thread result { .result = S::Result::NOT_OPEN };
	for_each_thread(pd, [&] (Word at, Cpu_thread_component &t) {
		if (at > index && result.result == S::Result::NOT_OPEN)
			result.result = S::Result::NOT_FOUND;
		if (at != index)
			return;
		Platform_thread &pt = t.platform_thread();
		result = {
			.result   = S::Result::OK,
			.started  = started(pt),
			.priority = pt.prio(),
			.xpos     = Word(pt.affinity().xpos()),
			.utcb     = Word(pt.utcb()),
			.badges   = { .thread     = id_of(pt.thread().local),
			              .irq        = id_of(private_of<Thread_irq>(pt).local),
			              .gate       = id_of(pt.gate().local),
			              .cpu_thread = id_of(t.cap()),
			              .pager      = id_of(private_of<Thread_pager>(pt).local) },
			.name     = pt.name() };
	});
	return result;
}


void Books::list_threads(Pd &pd)
{
	for (thaw_thread &t : _threads)
		t = { };
	_num_threads = 0;
	for_each_thread(pd, [&] (Word at, Cpu_thread_component &t) {
		if (at >= THREADS)
			return;
		Platform_thread &pt = t.platform_thread();
		_threads[at] = { .cap         = slot_of(pt.thread().local.data()->kcap()),
		                 .utcb        = Word(pt.utcb()),
		                 .priority    = pt.prio(),
		                 .exc_handler = AREA_BASE + at*AREA_SLOTS + slot_of(Foc::THREAD_PAGER_CAP),
		                 .started     = started(pt),
		                 .serial      = object_of(pt.thread().local.data()->kcap()) };
		_num_threads = Genode::max(_num_threads, at + 1);
	});
}


Books::Word Books::engine_thread(Word index, thaw_thread &out) const
{
	if (index >= _num_threads)
		return THAW_END;
	out = _threads[index];
	return out.cap ? THAW_THREAD : THAW_HOLE;
}


/************
 ** Memory **
 ************/

/**
 * Call 'fn' with each region of the PD, in order of address, nested areas flattened
 */
template <typename FN>
void Books::_walk_regions(Pd &pd, FN const &fn)
{
	auto area_of = [&] (Rm_region const &region) -> Region_map_component * {
		Region_map_component *area = nullptr;
		region.with_dataspace([&] (Dataspace_component &ds) {
			Region_map_component *areas[] = { &private_of<Session_stack>(pd), &private_of<Session_linker>(pd) };
			for (Region_map_component *rm : areas)
				if (ds.managed() && id_of(ds.cap()) == id_of(rm->dataspace()))
					area = rm; });
		return area;
	};

	_for_each_region(pd.address_space_region_map(), S::ADDRESS_SPACE, 0, 0, ~0u,
		[&] (Rm_region const &region, Word map, Word addr) {
			Region_map_component *area = area_of(region);
			if (!area) {
				fn(region, map, addr);
				return;
			}
			Word const which = area == &private_of<Session_stack>(pd) ? S::STACK_AREA : S::LINKER_AREA;
			Word const from  = Word(region.offset());
			_for_each_region(*area, which, addr, from, from + Word(region.size()), fn);
		});
}


void Books::_list(Pd &pd, Rm_region const &region, Word map, Word addr)
{
	region.with_dataspace([&] (Dataspace_component &ds) {
		/* one more than fits is noticed by who asks for it */
		if (_num_regions++ >= MAX_REGIONS)
			return;
		_regions[_num_regions - 1] = {
			.result     = S::Result::OK,
			.addr       = addr,
			.size       = Word(region.size()),
			.offset     = Word(region.offset()),
			.ds_badge   = id_of(ds.cap()),
			.ds_size    = Word(ds.size()),
			.memory     = _memory_of(pd, ds),
			.writeable  = region.write(),
			.executable = region.executable(),
			.map        = map };
	});
}


void Books::_list_regions(Pd &pd)
{
	_num_regions = 0;
	_walk_regions(pd, [&] (Rm_region const &region, Word map, Word addr) { _list(pd, region, map, addr); });
}


Books::S::Memory Books::_memory_of(Pd &pd, Dataspace_component &ds)
{
	return ds.io_mem()    ? S::Memory::DEVICE
	     : ds.managed()   ? S::Memory::MANAGED
	     : !ds.writeable() ? S::Memory::ROM
	     : ds.owner(private_of<Session_ram>(pd)) ? S::Memory::RAM : S::Memory::FOREIGN;
}


Books::S::Region Books::region(Pd &pd, Word n)
{
	if (n == 0)
		_list_regions(pd);
	if (n < _num_regions)
		return n < MAX_REGIONS ? _regions[n] : S::Region { .result = S::Result::UNSUPPORTED };
	return { .result = S::Result::NOT_FOUND };
}


bool Books::has_dataspace(Pd &pd, Word badge)
{
	bool found = false;
	_walk_regions(pd, [&] (Rm_region const &region, Word, Word) {
		region.with_dataspace([&] (Dataspace_component &ds) { found |= id_of(ds.cap()) == badge; }); });
	for (unsigned i = 0; i < _num_nested; i++)
		_with_nested(_nested[i], [&] (Region_map_component &map) {
			_for_each_region(map, 0, 0, 0, ~0u, [&] (Rm_region const &region, Word, Word) {
				region.with_dataspace([&] (Dataspace_component &ds) { found |= id_of(ds.cap()) == badge; }); }); });
	if (found)
		return true;

	/* the list of slots may be older than what is in them */
	Cap_index *index = cap_map().find(badge);
	if (!index)
		return false;
	Word const object = object_of(index->kcap());
	for (unsigned i = 0; i < _num_slots; i++)
		if (_slots[i].badge == badge && _slots[i].kind == Kind::DATASPACE && _object_in(pd, _slots[i].slot) == object)
			return true;
	return false;
}


bool Books::peek(Pd &pd, Word addr, Word &value)
{
	Word const page = addr & ~0xfffu;
	addr_t local = 0;
	Core::Fault const fault { .hotspot = { page }, .access = Access::READ, .rwx = Rwx::rwx(),
	                          .bounds = { .start = 0, .end = ~0UL } };
	(void)pd.address_space_region_map().with_mapping_for_fault(fault,
		[&] (Mapping const &m) { local = m.src_addr + (page - m.dst_addr); },
		[&] (Region_map_component &, Core::Fault const &) { });
	if (!local)
		return false;
	value = *reinterpret_cast<Word volatile *>(local + (addr & 0xffc));
	return true;
}


/***********
 ** Slots **
 ***********/

void Books::_sort_known()
{
	/* heap sort: no recursion on a small stack */
	auto sift = [&] (unsigned root, unsigned end) {
		for (unsigned child; (child = 2*root + 1) < end; root = child) {
			if (child + 1 < end && _known[child].object < _known[child + 1].object)
				child++;
			if (_known[root].object >= _known[child].object)
				return;
			Known const k = _known[root];
			_known[root] = _known[child];
			_known[child] = k;
		}
	};
	for (unsigned i = _num_known/2; i-- > 0; )
		sift(i, _num_known);
	for (unsigned end = _num_known; end-- > 1; ) {
		Known const k = _known[0];
		_known[0] = _known[end];
		_known[end] = k;
		sift(0, end);
	}
}


Books::Word Books::_known_id(Word object) const
{
	for (unsigned low = 0, high = _num_known; low < high; ) {
		unsigned const mid = (low + high)/2;
		if (_known[mid].object == object)
			return _known[mid].id;
		if (_known[mid].object < object) low = mid + 1; else high = mid;
	}
	return 0;
}


Books::Word Books::_object_in(Pd &pd, Word slot)
{
	using namespace Foc;
	l4_cap_idx_t const target = task(pd);
	if (!l4_msgtag_label(l4_task_cap_valid(target, word_of(slot))))
		return 0;
	l4_msgtag_t const tag = l4_task_map(L4_BASE_TASK_CAP, target, l4_obj_fpage(word_of(slot), 0, L4_FPAGE_RWX),
	                                    _scratch | L4_ITEM_MAP);
	Word const object = l4_error(tag) ? ~0u : object_of(_scratch);
	l4_task_unmap(L4_BASE_TASK_CAP, l4_obj_fpage(_scratch, 0, L4_FPAGE_RWX), L4_FP_ALL_SPACES);
	return object;
}


Books::S::Slot Books::_identify(Pd &pd, Word slot)
{
	S::Slot result { .result = S::Result::NOT_FOUND, .slot = slot };
	Word const object = _object_in(pd, slot);
	if (!object)
		return result;
	result.result = S::Result::OK;
	result.badge  = _known_id(object);
	if (result.badge)
		_classify(pd, result);
	return result;
}


bool Books::_classify_thread_object(Pd &pd, S::Slot &slot)
{
	Word const id = slot.badge;
	auto found = [&] (Word index, Kind kind) { slot.kind = kind; slot.a = index; };
	for_each_thread(pd, [&] (Word index, Cpu_thread_component &t) {
		Platform_thread &pt = t.platform_thread();
		if (id == id_of(t.cap()))                            found(index, Kind::CPU_THREAD);
		if (id == id_of(pt.thread().local))                  found(index, Kind::THREAD);
		if (id == id_of(pt.gate().local))                    found(index, Kind::THREAD_GATE);
		if (id == id_of(private_of<Thread_irq>(pt).local))   found(index, Kind::THREAD_IRQ);
		if (id == id_of(private_of<Thread_pager>(pt).local)) found(index, Kind::FIXED);
	});
	return slot.kind != Kind::UNKNOWN;
}


bool Books::_classify_pd_object(Pd &pd, S::Slot &slot)
{
	Word const id = slot.badge;
	auto found = [&] (Kind kind, Word a = 0) { slot.kind = kind; slot.a = a; };
	for (Word i = 0; Region_map_component *rm = map(pd, i); i++) {
		if (id == id_of(rm->cap()))       found(Kind::REGION_MAP, i);
		if (id == id_of(rm->dataspace())) found(Kind::AREA_DATASPACE, i);
	}
	Signal_broker &broker = private_of<Session_broker>(pd);
	Signal_source_component &source = private_of<Broker_source>(broker);
	if (id == id_of(pd.cap()))                      found(Kind::PD);
	if (id == id_of(pd.native_pd()))                found(Kind::NATIVE_PD);
	if (id == id_of(source.cap()))                  found(Kind::SIGNAL_SOURCE);
	if (id == id_of(source._request_semaphore()))   found(Kind::SEMAPHORE);
	if (slot.kind != Kind::UNKNOWN)
		return true;

	Cap_index *index = cap_map().find(id);
	if (!index)
		return false;
	Untyped_capability const cap { Native_capability(index) };
	signal_entrypoint(broker).apply(cap, [&] (Signal_context_component *context) {
		if (!context || &context->source() != &source)
			return;
		slot.kind = Kind::CONTEXT;
		slot.a    = Word(context->imprint());
		slot.b    = context->enqueued() ? Word(context->cnt()) : 0;
	});
	return slot.kind != Kind::UNKNOWN;
}


bool Books::_classify_core_object(Pd &pd, Cap const &cap, S::Slot &slot)
{
	_ep.apply(reinterpret_cap_cast<Untyped_capability>(cap), [&] (Rpc_object_base *object) {
		if (auto *ds = dynamic_cast<Dataspace_component *>(object)) {
			slot.kind = Kind::DATASPACE;
			slot.a    = Word(ds->size());
			slot.b    = Word(_memory_of(pd, *ds));
		} else if (dynamic_cast<Cpu_session_component *>(object)) {
			slot.kind = Kind::CPU;
		} else if (dynamic_cast<Native_cpu_component *>(object)) {
			slot.kind = Kind::NATIVE_CPU;
		} else if (dynamic_cast<Rm_session_component *>(object)) {
			slot.kind = Kind::RM_SESSION;
		} else if (dynamic_cast<Region_map_component *>(object) && is_nested(slot.badge)) {
			slot.kind = Kind::NESTED_MAP;
		}
	});
	return slot.kind != Kind::UNKNOWN;
}


Books::Kind Books::_kind_of_gate(Pd &pd, Cap const &cap, Word &thread)
{
	Platform_thread const *pt = static_cast<Core_cap_index const *>(cap.data())->pt();
	if (!pt)
		return Kind::CORE;
	if (pt->core_thread())
		return Kind::CORE;
	Kind kind = Kind::OUTSIDE;
	for_each_thread(pd, [&] (Word index, Cpu_thread_component &t) {
		if (&t.platform_thread() == pt) { kind = Kind::GATE; thread = index; } });
	if (kind == Kind::OUTSIDE)
		with(_caller, [&] (Pd &caller) {
			for_each_thread(caller, [&] (Word, Cpu_thread_component &t) {
				if (&t.platform_thread() == pt) { kind = Kind::CALLER; thread = 1; } }); });
	return kind;
}


void Books::_classify(Pd &pd, S::Slot &slot)
{
	if (_classify_thread_object(pd, slot) || _classify_pd_object(pd, slot))
		return;
	Cap_index *index = cap_map().find(slot.badge);
	if (!index)
		return;
	Native_capability const cap { index };
	if (_classify_core_object(pd, cap, slot))
		return;
	slot.kind = _kind_of_gate(pd, cap, slot.a);
}


void Books::scan_slots(Pd &pd)
{
	_num_known = 0;
	{
		auto &map = cap_map();
		auto &lock = private_of<Cap_lock>(map);
		lock.lock();
		private_of<Cap_tree>(map).for_each([&] (Cap_index const &index) {
			if (_num_known < MAX_KNOWN)
				_known[_num_known++] = { Word(index.kcap()), Word(index.id()) }; });
		lock.unlock();
	}
	/* asked for outside of the lock: each is a system call */
	for (unsigned i = 0; i < _num_known; i++)
		_known[i].object = object_of(_known[i].object);
	_sort_known();

	_num_slots = 0;
	auto look = [&] (Word slot) {
		S::Slot const found = _identify(pd, slot);
		if (found.result == S::Result::OK && _num_slots < MAX_SLOTS)
			_slots[_num_slots++] = found; };
	look(SLOT_PARENT);
	for (Word i = 0; i < THREADS*AREA_SLOTS; i++) {
		Word const kind = i % AREA_SLOTS;
		if (kind == 0 || kind == slot_of(Foc::THREAD_IRQ_CAP))
			look(AREA_BASE + i);
	}
	for (Word i = 0; i < USER_SLOTS; i++)
		look(USER_BASE + i);
}


Books::Word Books::count_known()
{
	Word count = 0;
	auto &map  = cap_map();
	auto &lock = private_of<Cap_lock>(map);
	lock.lock();
	private_of<Cap_tree>(map).for_each([&] (Cap_index const &) { count++; });
	lock.unlock();
	return count;
}


Books::Word Books::count_slots(Pd &pd)
{
	Word count = 0;
	for (Word i = 0; i < USER_SLOTS; i++)
		if (Foc::l4_msgtag_label(Foc::l4_task_cap_valid(task(pd), word_of(USER_BASE + i))))
			count++;
	return count;
}


Books::S::Slot Books::slot(Pd &pd, Word n)
{
	if (n == 0 && _listed != Listed::STANDS) {
		scan_slots(pd);
		_listed = Listed::TOLD;
	}
	Word count = 0;
	for (unsigned i = 0; i < _num_slots; i++) {
		bool const area = _slots[i].slot < USER_BASE && _slots[i].slot != SLOT_PARENT;
		if (!area && count++ == n)
			return _slots[i];
	}
	return { .result = S::Result::NOT_FOUND };
}


/***********************
 ** The engine's view **
 ***********************/

static Books::Word engine_kind(Books::Kind kind)
{
	using Kind = Books::Kind;
	switch (kind) {
	case Kind::GATE:                             return THAW_GATE;
	case Kind::THREAD_IRQ: case Kind::SEMAPHORE: return THAW_IRQ;
	case Kind::THREAD:                           return THAW_KERNEL_THREAD;
	case Kind::UNKNOWN:    case Kind::OUTSIDE:   return THAW_UNKNOWN;
	/* a thread's own gate names it to core; nobody sends through it */
	default:                                      return THAW_FIXED;
	}
}


void Books::list_objects(Pd &pd)
{
	if (_listed != Listed::TOLD)
		scan_slots(pd);
	_listed = Listed::OLD;

	_num_objects = 0;
	for (unsigned i = 0; i < _num_slots; i++) {
		S::Slot const &slot = _slots[i];
		Word const kind = engine_kind(slot.kind);
		if (kind == THAW_FIXED || kind == THAW_UNKNOWN)
			continue;

		/* a thread that was never started waits for nothing */
		bool live = slot.kind == Kind::SEMAPHORE;
		for_each_thread(pd, [&] (Word index, Cpu_thread_component &t) {
			live |= index == slot.a && started(t.platform_thread()); });
		if (!live && slot.kind == Kind::THREAD_IRQ)
			continue;

		/* gone since the list was told */
		Cap_index *index = cap_map().find(slot.badge);
		if (!index)
			continue;
		bool const irq = kind == THAW_IRQ;
		_objects[_num_objects++] = {
			.slot   = slot.slot,
			.kind   = kind,
			.cap    = slot_of(index->kcap()),
			.badge  = irq ? 0 : slot.badge,
			/* who waits for signals is the program's choice; its count stays in the kernel */
			.thread = slot.kind == Kind::SEMAPHORE ? NO_THREAD : slot.a };
	}
}


bool Books::engine_object(Word n, thaw_object &out) const
{
	if (n >= _num_objects)
		return false;
	out = _objects[n];
	return true;
}


bool Books::engine_slot_listed(Word slot, Word &kind, Word &badge) const
{
	/* task, debugger, parent and thread areas are put there by core; scratch slots are the service's */
	kind = THAW_FIXED;
	if (slot < USER_BASE)
		return true;
	for (unsigned i = 0; i < _num_slots; i++)
		if (_slots[i].slot == slot && _slots[i].kind != Kind::UNKNOWN) {
			kind  = engine_kind(_slots[i].kind);
			badge = _slots[i].badge;
			return true;
		}
	return false;
}


Books::Word Books::engine_slot(Pd &pd, Word slot, Word &badge)
{
	Word kind = THAW_UNKNOWN;
	badge = 0;
	if (!engine_slot_listed(slot, kind, badge)) {
		scan_slots(pd);
		if (!engine_slot_listed(slot, kind, badge))
			kind = THAW_UNKNOWN;
	}
	return kind;
}


Books::Word Books::maybe_filled(Word from) const
{
	/* what core itself fills is not in the list, and if that is full others may be missing */
	if (from < USER_BASE || _num_slots == MAX_SLOTS)
		return from;
	for (unsigned i = 0; i < _num_slots; i++)
		if (_slots[i].slot >= from)
			return _slots[i].slot;
	return NO_SLOT;
}
