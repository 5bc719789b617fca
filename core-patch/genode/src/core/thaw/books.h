/*
 * \brief  What core knows of the PD that is worked on
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _CORE__THAW__BOOKS_H_
#define _CORE__THAW__BOOKS_H_

#include <private_members.h>
#include <thaw_in_entrypoint.h>
#include <thaw_core_session/thaw_core_session.h>
#include <thaw_core_abi.h>

namespace Thaw { class Books; }


/*
 * Finds core's objects by public members of core's classes where there are any. All methods run on core's main
 * entrypoint, where PDs, threads and dataspaces are made and destroyed: nothing vanishes while it is looked at, and no
 * pointer is kept from one call to the next.
 */
class Thaw::Books : Genode::Noncopyable
{
	public:

		using S       = Core_session;
		using Word    = S::Word;
		using Kind    = S::Kind;
		using Pd      = Core::Pd_session_component;
		using Cap     = Genode::Native_capability;
		using Cap_pd  = Genode::Capability<Genode::Pd_session>;

		enum : Word { NO_THREAD = ~0u, NO_SLOT = ~0u, SLOT_PARENT = 0xb, AREA_BASE = 0xc, AREA_SLOTS = 5,
		              USER_BASE = 0x300, USER_SLOTS = 4096, THREADS = 64 };

	private:

		/* a capability that core has a name for */
		struct Known { Word object, id; };

		enum { MAX_KNOWN = 32768, MAX_SLOTS = 1024, MAX_REGIONS = 1024, MAX_NESTED = 64 };

		Core::Rpc_entrypoint &_ep;
		Foc::l4_cap_idx_t     _scratch;
		Cap_pd                _pd     { };
		Cap_pd                _caller { };

		Known    _known[MAX_KNOWN];
		unsigned _num_known { 0 };
		S::Slot  _slots[MAX_SLOTS];
		unsigned _num_slots { 0 };

		/* what the list of slots is worth: nothing; what the caller was told last; what holds as long as a stop does */
		enum class Listed { OLD, TOLD, STANDS } _listed { Listed::OLD };

		/* what the engine is told one by one */
		thaw_thread _threads[THREADS];
		Word        _num_threads { 0 };     /* past the last index; holes have no capability */
		thaw_object _objects[MAX_SLOTS];
		Word        _num_objects { 0 };

		S::Region _regions[MAX_REGIONS];
		unsigned  _num_regions { 0 };
		Word      _nested[MAX_NESTED];      /* badges of region maps of RM sessions */
		unsigned  _num_nested { 0 };

		void _sort_known();
		Word _known_id(Word object) const;
		Word _object_in(Pd &, Word slot);
		S::Slot _identify(Pd &, Word slot);
		void _classify(Pd &, S::Slot &);
		bool _classify_thread_object(Pd &, S::Slot &);
		bool _classify_pd_object(Pd &, S::Slot &);
		bool _classify_core_object(Pd &, Cap const &, S::Slot &);
		Kind _kind_of_gate(Pd &, Cap const &, Word &thread);

		static S::Memory _memory_of(Pd &, Core::Dataspace_component &);

		void _list_regions(Pd &);
		void _list(Pd &, Core::Rm_region const &, Word map, Word addr);
		bool _note_nested(Word badge);

		/**
		 * Call 'fn' with the region map of that badge, if it was told by 'nested'
		 */
		template <typename FN>
		void _with_nested(Word badge, FN const &);

		template <typename FN>
		void _walk_regions(Pd &, FN const &);

		template <typename FN>
		void _for_each_region(Core::Region_map_component &, Word map, Word base, Word limit_from, Word limit_to,
		                      FN const &);

	public:

		Books(Core::Rpc_entrypoint &ep);

		/**
		 * Whether the kernel tells identities of capabilities; without its debugger it does not
		 */
		bool slots_can_be_identified() const;

		bool is_open() const { return _pd.valid(); }

		void open(Cap_pd pd)       { _pd = pd; _num_known = _num_slots = _num_regions = _num_nested = 0; _listed = Listed::OLD; }
		void close()               { _pd = Cap_pd(); }
		void caller(Cap_pd caller) { _caller = caller; }

		/**
		 * Call 'fn' with the open PD, on core's entrypoint; false if there is none any more
		 */
		template <typename FN>
		bool with_pd(FN const &fn) { return with(_pd, fn); }

		template <typename FN>
		bool with(Cap_pd pd, FN const &fn)
		{
			bool found = false;
			if (pd.valid())
				_ep.apply(pd, [&] (Pd *ptr) {
					if (ptr) { found = true; fn(*ptr); } });
			return found;
		}

		template <typename FN>
		static void for_each_thread(Pd &pd, FN const &fn)
		{
			pd.with_threads([&] (Pd::Threads &threads) {
				threads.for_each([&] (Core::Cpu_thread_component &t) {
					Word const slot = Word(t.platform_thread().gate().remote >> Foc::L4_CAP_SHIFT);
					fn((slot - AREA_BASE)/AREA_SLOTS, t); }); });
		}

		static Foc::l4_cap_idx_t task(Pd &pd)
		{
			Foc::l4_cap_idx_t result { };
			pd.with_platform_pd([&] (Core::Platform_pd &p) { result = p.native_task().data()->kcap(); });
			return result;
		}

		static bool started(Core::Platform_thread &);
		static void started(Core::Platform_thread &, bool);

		/**
		 * Region map of a PD, nullptr if there is none of that number
		 */
		static Core::Region_map_component *map(Pd &, Word number);

		/* the session's view */
		S::Thread thread(Pd &, Word index);
		S::Region region(Pd &, Word n);
		S::Nested nested(Genode::Capability<Genode::Session> rm, Word n);
		S::Region nested_region(Pd &, Word map, Word n);
		bool      is_nested(Word badge) const;
		static Word fault_handler(Pd &, Word map);
		S::Slot   slot(Pd &, Word n);
		void      scan_slots(Pd &);
		bool      has_dataspace(Pd &, Word badge);

		/* how much there is */
		static Word count_known();
		static Word count_slots(Pd &);

		/**
		 * What is in the slots stays as it is until further notice: no thread of the PD runs
		 */
		void slots_stand() { _listed = Listed::STANDS; }

		/**
		 * It changes from now on
		 *
		 * \param begins  a stop begins: it may look first at what its caller was told, and will look again
		 */
		void slots_move(bool begins)
		{
			if (!begins || _listed != Listed::TOLD)
				_listed = Listed::OLD;
		}

		/* the engine's view */
		bool anybody_faults();
		void forget_threads() { _num_threads = 0; }
		void forget_objects() { _num_objects = 0; }
		void list_threads(Pd &);
		void list_objects(Pd &);
		Word engine_thread(Word index, thaw_thread &) const;
		bool engine_object(Word n, thaw_object &) const;
		Word engine_slot(Pd &, Word slot, Word &badge);
		bool engine_slot_listed(Word slot, Word &kind, Word &badge) const;
		Word maybe_filled(Word from) const;
		bool peek(Pd &, Word addr, Word &value);
};

#endif /* _CORE__THAW__BOOKS_H_ */
