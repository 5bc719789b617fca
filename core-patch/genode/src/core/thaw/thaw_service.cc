/*
 * \brief  Thaw's service in core: its threads, its session
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

/* core includes */
#include <core_service.h>
#include <map_local.h>

/* Genode includes */
#include <root/component.h>

/* base-foc includes */
#include <foc/capability_space.h>
#include <foc/syscall.h>

/* base-internal includes */
#include <base/internal/cap_alloc.h>

#include <parts.h>
#include <ended.h>
#include <priorities.h>
#include <helper_thread.h>

namespace Thaw {
	class Session_component;
	class Root;

	void start_service(Genode::Runtime &, Core::Rpc_entrypoint &, Genode::Sliced_heap &,
	                   Genode::Registry<Genode::Service> &);
}

using namespace Core;
using Foc::l4_cap_idx_t;

/* labels and counts of the engine, crate thaw-core-patch */
enum { STOP_LABEL = 0x1000, BARRIER_LABEL = 0x400, COMMAND_LABEL = 0x500, STOP_GATES = 64 };

/* where a stopped PD sees the window: code page, then data page */
enum : addr_t { PD_WINDOW = 0xbefe0000 };


static Thaw::Parts *parts_ptr;


/**
 * A session works, or none does any more
 */
static void use(Thaw::Parts &parts, bool used)
{
	l4_cap_idx_t const service[] { Thaw::cap_of(parts.wiring.handler), Thaw::cap_of(parts.wiring.barrier), parts.mender };
	Thaw::raise_core(used, service);
	parts.in_use = used;
}


class Thaw::Session_component : public Rpc_object<Core_session>
{
	private:

		using Label = Session_label;

		Parts      &_parts;
		Label const _label;

		Capability<Pd_session> _own    { };
		Capability<Pd_session> _target { };
		Word                   _session { 0 };
		bool                   _begun   { false };

		bool _is_open() const { return _session != 0; }

		static bool _below(Label const &child, Label const &parent)
		{
			Label const prefix(parent.string(), " -> ");
			return Genode::strcmp(child.string(), prefix.string(), prefix.length() - 1) == 0;
		}

		/**
		 * Call 'fn' with the open PD on core's entrypoint
		 */
		template <typename R, typename FN>
		R _with_pd(R result, FN const &fn)
		{
			if (_is_open())
				_parts.in_core_ep([&] {
					_parts.books.with_pd([&] (Books::Pd &pd) { result = fn(pd); }); });
			return result;
		}

		Word _serve(Message &m, bool opens)
		{
			Word const front = Word(Helper_thread::cap_of(*Genode::Thread::myself()) >> Foc::L4_CAP_SHIFT);
			return thaw_serve(&_parts.wiring, front, 1, opens, m.words, &m.count, Message::MAX);
		}

		Message _verb(Word verb)
		{
			Message m { .count = 2 };
			m.words[0] = verb;
			m.words[1] = _session;
			return call(m);
		}

		void _close()
		{
			enum { CLOSE = 2 };
			if (!_is_open())
				return;
			_verb(CLOSE);
			_session = 0;
			_parts.in_core_ep([&] { _parts.books.close(); });
			use(_parts, _begun);
		}

		/**
		 * Another session works
		 */
		bool _busy() const { return _parts.in_use && !_begun && !_is_open(); }

		void _raise_threads(Books::Pd &pd)
		{
			Books::for_each_thread(pd, [&] (Word, Cpu_thread_component &t) {
				set_priority(t.platform_thread().thread().local.data()->kcap(), PRIO_CALLER); });
		}

		bool _can_be_lifted(Books::Pd &pd)
		{
			bool ok = true;
			Books::for_each_thread(pd, [&] (Word index, Cpu_thread_component &t) {
				if (t.platform_thread().prio() < PRIO_TARGET_MIN || index >= Books::THREADS) ok = false; });
			return ok;
		}

	public:

		/* of sessions that have ended */
		Session_component *next_ended = nullptr;

		Session_component(Parts &parts, Label const &label) : _parts(parts), _label(label) { }

		Result introduce(Capability<Pd_session> own) override
		{
			Result result = Result::NOT_YOURS;
			_parts.in_core_ep([&] {
				_parts.books.with(own, [&] (Books::Pd &pd) {
					if (pd.label() != _label) {
						warning("thaw: session '", _label, "' is not of PD '", pd.label(), "'");
						return;
					}
					_raise_threads(pd);
					_own   = own;
					result = Result::OK;
				}); });
			return result;
		}

		Result use_upper_badges() override
		{
			_parts.in_core_ep([&] { Maker::use_upper_badges(); });
			return Result::OK;
		}

		Opened open(Capability<Pd_session> target) override
		{
			enum { OPEN = 1 };
			_close();
			if (_busy())
				return { .result = Result::BUSY };
			if (!_parts.books.slots_can_be_identified())
				return { .result = Result::UNSUPPORTED };

			Opened opened { .result = Result::NOT_YOURS };
			_parts.in_core_ep([&] {
				_parts.books.with(target, [&] (Books::Pd &pd) {
					if (!_below(pd.label(), _label)) {
						warning("thaw: PD '", pd.label(), "' is not below '", _label, "'");
						return;
					}
					if (!_can_be_lifted(pd)) {
						opened.result = Result::UNSUPPORTED;
						return;
					}
					opened.result = Result::OK;
					_parts.books.open(target);
					_parts.books.caller(_own);
				}); });
			if (opened.result != Result::OK)
				return opened;

			use(_parts, true);
			Message m { .count = 1 };
			m.words[0] = OPEN;
			m.label = _serve(m, true);
			if (m.label) {
				_parts.in_core_ep([&] { _parts.books.close(); });
				use(_parts, _begun);
				return { .result = Result::BUSY, .error = m.label };
			}
			_target  = target;
			_session = m.words[0];
			opened.session = _session;
			return opened;
		}

		Result begin() override
		{
			if (_busy()) return Result::BUSY;
			_begun = true;
			use(_parts, true);
			return Result::OK;
		}

		void done() override
		{
			_close();
			if (!_begun)
				return;
			_begun = false;
			use(_parts, false);
		}

		Message call(Message const &request) override
		{
			Message m = request;
			m.label = 0;
			if (m.count > Message::MAX)
				m.count = Message::MAX;
			enum { STOP = 3, THREAD_GET = 5, IRQ_GET = 8, ABILITIES = 34, NO_SUCH_SESSION = 3002 };
			Word const verb = m.words[0];

			/* the engine knows one caller only */
			if (verb != ABILITIES && (!_is_open() || m.words[1] != _session)) {
				m.count = 0;
				m.label = Word(-NO_SUCH_SESSION);
				return m;
			}
			bool const looks = verb == THREAD_GET || verb == IRQ_GET;
			if (!looks)
				_parts.in_core_ep([&] {
					_parts.books.slots_move(verb == STOP);
					_parts.note_task();
				});

			/* a request cannot open a PD: that is 'open', which asks whose it is */
			m.label = _serve(m, false);

			/* the engine has listed the slots after everybody stood still */
			if (verb == STOP && !m.label)
				_parts.in_core_ep([&] { _parts.books.slots_stand(); });
			return m;
		}

		Regions regions(Word first) override
		{
			Regions all { };
			for (Region &region : all.region)
				region.result = Result::NOT_OPEN;
			return _with_pd(all, [&] (Books::Pd &pd) {
				for (Word i = 0; i < Regions::MAX; i++)
					all.region[i] = _parts.books.region(pd, first + i);
				return all; });
		}

		Nested nested(Capability<Session> rm, Word n) override
		{
			return _with_pd(Nested { .result = Result::NOT_OPEN },
			                [&] (Books::Pd &) { return _parts.books.nested(rm, n); });
		}

		Region nested_region(Word map, Word n) override
		{
			return _with_pd(Region { .result = Result::NOT_OPEN },
			                [&] (Books::Pd &pd) { return _parts.books.nested_region(pd, map, n); });
		}

		Slots slots(Word first) override
		{
			Slots all { };
			for (Slot &slot : all.slot)
				slot.result = Result::NOT_OPEN;
			return _with_pd(all, [&] (Books::Pd &pd) {
				for (Word i = 0; i < Slots::MAX; i++)
					all.slot[i] = _parts.books.slot(pd, first + i);
				return all; });
		}

		Thread thread(Word index) override
		{
			return _with_pd(Thread { .result = Result::NOT_OPEN },
			                [&] (Books::Pd &pd) { return _parts.books.thread(pd, index); });
		}

		Word fault_handler(Word map) override
		{
			return _with_pd(Word(0), [&] (Books::Pd &pd) { return Books::fault_handler(pd, map); });
		}

		Cap_result dataspace(Word badge) override
		{
			return _with_pd(Cap_result { Result::NOT_OPEN }, [&] (Books::Pd &pd) -> Cap_result {
				/* of the PD only: attached in it, or in one of its slots */
				Cap_index *index = _parts.books.has_dataspace(pd, badge) ? cap_map().find(badge) : nullptr;
				if (!index)
					return Result::NOT_FOUND;
				return Native_capability(index);
			});
		}

		Cap_result rebadge(Native_capability cap, Word badge) override
		{
			Cap_result result { Result::NOT_YOURS };
			if (_busy())
				return Cap_result { Result::BUSY };
			_parts.in_core_ep([&] {
				result = _parts.maker.rebadge(cap, badge,
					[&] (Books::Pd &pd) { return _below(pd.label(), _label); }); });
			return result;
		}

		Cap_result create_thread(Capability<Cpu_session> cpu, Word index, Thread const &thread) override
		{
			Cap_result result { Result::NOT_OPEN };
			if (!_is_open())
				return result;
			_parts.in_core_ep([&] {
				Capability<Pd_session> pd { };
				_parts.books.with_pd([&] (Books::Pd &p) {
					pd = reinterpret_cap_cast<Pd_session>(p.Rpc_object_base::cap()); });
				result = _parts.maker.create_thread(cpu, pd, index, thread); });
			return result;
		}

		Cap_result gate(Word thread, Word badge) override
		{
			return _with_pd(Cap_result { Result::NOT_OPEN },
			                [&] (Books::Pd &pd) { return _parts.maker.gate(pd, thread, badge); });
		}

		Cap_result own_gate(Native_capability entrypoint, Word badge) override
		{
			Cap_result result { Result::NOT_YOURS };
			if (_busy())
				return Cap_result { Result::BUSY };
			_parts.in_core_ep([&] { result = _parts.maker.own_gate(_own, entrypoint, badge); });
			return result;
		}

		Cap_result context(Word imprint, Word badge, Word pending) override
		{
			return _with_pd(Cap_result { Result::NOT_OPEN },
			                [&] (Books::Pd &pd) { return _parts.maker.context(pd, imprint, badge, pending); });
		}

		Cap_result signal_source(Word badge, Word semaphore) override
		{
			return _with_pd(Cap_result { Result::NOT_OPEN },
			                [&] (Books::Pd &pd) { return _parts.maker.signal_source(pd, badge, semaphore); });
		}

		Cap_result semaphore(Word thread) override
		{
			return _with_pd(Cap_result { Result::NOT_OPEN },
			                [&] (Books::Pd &pd) { return _parts.maker.semaphore(pd, thread); });
		}

		Usage usage() override
		{
			Usage usage { .result = Result::NOT_YOURS };
			_parts.in_core_ep([&] {
				_parts.books.with(_own, [&] (Books::Pd &pd) {
					usage = { .result = Result::OK,
					          .badges = Maker::badges_in_use(),
					          .known  = Books::count_known(),
					          .slots  = Books::count_slots(pd),
					          .ram    = Word(platform().ram_alloc().avail()) }; }); });
			return usage;
		}

		Cap_result object(Kind kind, Word a) override
		{
			return _with_pd(Cap_result { Result::NOT_OPEN },
			                [&] (Books::Pd &pd) { return _parts.maker.object(pd, kind, a); });
		}

		Result install(Word slot, Native_capability cap) override
		{
			return _with_pd(Result::NOT_OPEN,
			                [&] (Books::Pd &pd) { return _parts.maker.install(pd, slot, cap); });
		}
};


struct Thaw::Root : Root_component<Session_component>
{
	Parts                    &_parts;
	Ended<Session_component> &_ended;

	Create_result _create_session(char const *args) override
	{
		/* the last part is the caller's own choice, what is before it names the caller */
		return _alloc_obj(_parts, label_from_args(args).prefix());
	}

	/* instead of the end of it at once */
	void destroy(Session_component &session) override { _ended.add(session); }

	Root(Rpc_entrypoint &ep, Allocator &md, Parts &parts, Ended<Session_component> &ended)
	: Root_component<Session_component>(&ep, &md), _parts(parts), _ended(ended) { }
};


/***********
 ** Start **
 ***********/

static thaw_word slot_of(l4_cap_idx_t cap) { return thaw_word(cap >> Foc::L4_CAP_SHIFT); }


static l4_cap_idx_t make_gate(l4_cap_idx_t slot, l4_cap_idx_t thread, unsigned label)
{
	using namespace Foc;
	if (l4_error(l4_factory_create_gate(L4_BASE_FACTORY_CAP, slot, thread, label)))
		error("thaw: kernel made no gate");
	return slot;
}


/**
 * A page of core's, mapped
 */
static addr_t make_page()
{
	return platform().ram_alloc().alloc_aligned(4096, AT_PAGE).convert<addr_t>(
		[&] (Range_allocator::Allocation &a) {
			a.deallocate = false;
			addr_t const page = addr_t(a.ptr);
			map_local(page, page, 1);
			for (unsigned i = 0; i < 1024; i++)
				((thaw_word volatile *)page)[i] = 0;
			return page; },
		[&] (Alloc_error) { return 0UL; });
}


void Thaw::start_service(Runtime &runtime, Rpc_entrypoint &core_ep, Sliced_heap &md, Registry<Service> &services)
{
	static Parts          parts { core_ep };
	static Rpc_entrypoint ep    { runtime, "thaw", Thread::Stack_size { 32*1024 }, { } };

	thaw_wiring &w = parts.wiring;
	parts_ptr = &parts;
	answer_engine(parts);

	static Helper_thread handler { runtime, "thaw_handler", 64*1024, thaw_handler, w };
	static Helper_thread barrier { runtime, "thaw_barrier",  8*1024, thaw_barrier, w };
	static Helper_thread mender  { runtime, "thaw_mender",   8*1024, thaw_mender,  w };

	w.task        = slot_of(Foc::L4_BASE_TASK_CAP);
	w.scheduler   = slot_of(Foc::L4_BASE_SCHEDULER_CAP);
	w.window_code = thaw_word(make_page());
	w.window_data = thaw_word(make_page());
	if (!w.window_code || !w.window_data) {
		error("thaw: no RAM for the stop window, the service is off");
		return;
	}
	thaw_fill_code(w.window_code);

	l4_cap_idx_t const gates = cap_idx_alloc().alloc_range(STOP_GATES)->kcap();
	w.stop_gates       = slot_of(gates);
	w.pd_window        = PD_WINDOW;
	w.stop_slot        = Books::AREA_BASE + 3;
	w.stop_slot_stride = Books::AREA_SLOTS;
	w.scratch_slots    = 0x2f0;
	w.pager_slot_in_area = slot_of(Foc::THREAD_PAGER_CAP);
	w.first_slot       = Books::USER_BASE;
	w.end_slot         = Books::USER_BASE + Books::USER_SLOTS;
	w.lift             = PRIO_LIFT;

	handler.start();
	barrier.start();
	mender.start();
	parts.mender = mender.kcap();
	w.handler = slot_of(handler.kcap());
	w.barrier = slot_of(barrier.kcap());
	for (unsigned i = 0; i < STOP_GATES; i++)
		make_gate(gates + (l4_cap_idx_t(i) << Foc::L4_CAP_SHIFT), handler.kcap(), STOP_LABEL + 16*i);
	w.barrier_gate = slot_of(make_gate(Capability_space::alloc_kcap(), handler.kcap(), BARRIER_LABEL));
	w.command_gate = slot_of(make_gate(Capability_space::alloc_kcap(), handler.kcap(), COMMAND_LABEL));
	set_priority(handler.kcap(), PRIO_CORE);
	set_priority(barrier.kcap(), PRIO_BARRIER);
	set_priority(mender.kcap(), PRIO_CORE);
	handler.go();
	barrier.go();
	mender.go();

	static Ended<Session_component> ended { runtime, ep, parts.in_core_ep, md };
	static Root root { ep, md, parts, ended };
	static Core_service<Session_component> service { services, root };
	log("thaw: service Thaw_core is ready");
}
