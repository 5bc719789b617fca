/*
 * \brief  Making the objects of a PD with the badges that an image tells
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _CORE__THAW__MAKE_H_
#define _CORE__THAW__MAKE_H_

#include <books.h>

namespace Thaw { class Maker; }


/*
 * All methods run on core's main entrypoint, the only thread that takes capability ids while they do.
 */
class Thaw::Maker : Genode::Noncopyable
{
	public:

		using S          = Core_session;
		using Word       = S::Word;
		using Result     = S::Result;
		using Cap        = Genode::Native_capability;
		using Cap_result = S::Cap_result;
		using Pd         = Books::Pd;

	private:

		Core::Rpc_entrypoint &_ep;
		Books                &_books;

		/* has the wanted id until the object that shall have it takes its place */
		struct Nothing : Genode::Interface
		{
			GENODE_RPC(Rpc_nothing, void, nothing);
			GENODE_RPC_INTERFACE(Rpc_nothing);
		};

		struct Placeholder : Genode::Rpc_object<Nothing, Placeholder> { void nothing() { } };

		/* an allocator that must grow does so now, and not with a badge that is wanted */
		void   _practise(Pd &, Cap entrypoint);
		Result _exchange(Core::Rpc_entrypoint &, Genode::Rpc_object_base &, Word badge);
		Result _renew_semaphore(Core::Signal_source_component &, Word badge);
		bool _may_rebadge(Genode::Rpc_object_base &);
		Cap_result _rebadge(Genode::Rpc_object_base &, Word badge);
		bool _bind(Pd &, Core::Platform_thread &);

		static Core::Cap_id_allocator &_ids() { return Core::platform_specific().cap_id_alloc(); }

	public:

		Maker(Core::Rpc_entrypoint &ep, Books &books) : _ep(ep), _books(books) { }

		static void use_upper_badges() { _ids().skip_to(Core::Cap_id_allocator::UPPER); }

		static Word badges_in_use() { return _ids().in_use(); }

		/**
		 * \param allowed  told each PD session that is about to get another badge
		 */
		template <typename FN>
		Cap_result rebadge(Cap cap, Word badge, FN const &allowed)
		{
			Genode::Rpc_object_base *object = nullptr;
			_ep.apply(Genode::reinterpret_cap_cast<Genode::Untyped_capability>(cap),
			          [&] (Genode::Rpc_object_base *ptr) { object = ptr; });
			if (!object)
				return Result::NOT_FOUND;
			auto *pd = dynamic_cast<Pd *>(object);
			if (pd ? !allowed(*pd) : !_may_rebadge(*object))
				return Result::NOT_YOURS;
			return _rebadge(*object, badge);
		}

		Cap_result create_thread(Genode::Capability<Genode::Cpu_session>, Genode::Capability<Genode::Pd_session>,
		                         Word index, S::Thread const &);

		/**
		 * Bind a thread that is about to be started to the task of its PD; false if the kernel refuses
		 */
		bool bind(Pd &, Word index);

		Cap_result gate(Pd &, Word thread, Word badge);
		Cap_result own_gate(Genode::Capability<Genode::Pd_session> caller, Cap entrypoint, Word badge);
		Cap_result context(Pd &, Word imprint, Word badge, Word pending);
		Cap_result signal_source(Pd &, Word badge, Word semaphore);
		Cap_result semaphore(Pd &, Word thread);
		Cap_result object(Pd &, S::Kind, Word a);
		Result     install(Pd &, Word slot, Cap);
};

#endif /* _CORE__THAW__MAKE_H_ */
