/*
 * \brief  Connection to Thaw's service in core
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _INCLUDE__THAW_CORE_SESSION__CONNECTION_H_
#define _INCLUDE__THAW_CORE_SESSION__CONNECTION_H_

#include <thaw_core_session/thaw_core_session.h>
#include <base/rpc_client.h>
#include <base/connection.h>

namespace Thaw { struct Core_connection; }


struct Thaw::Core_connection : Genode::Connection<Core_session>, Genode::Rpc_client<Core_session>
{
	using S = Core_session;

	private:

		Regions _regions { };
		Slots   _slots   { };

		template <typename RPC, typename... ARGS>
		auto call_rpc(ARGS &&... args) { return Genode::Rpc_client<S>::call<RPC>(args...); }

	public:

	Core_connection(Genode::Env &env)
	:
		Genode::Connection<S>(env, Label(), Genode::Ram_quota { S::RAM_QUOTA }, Args()),
		Genode::Rpc_client<S>(cap())
	{ }

	Result introduce(Genode::Capability<Genode::Pd_session> own) override { return call_rpc<Rpc_introduce>(own); }
	Result use_upper_badges() override { return call_rpc<Rpc_use_upper_badges>(); }
	Opened open(Genode::Capability<Genode::Pd_session> target) override { return call_rpc<Rpc_open>(target); }
	Result begin() override { return call_rpc<Rpc_begin>(); }
	void done() override { call_rpc<Rpc_done>(); }
	Message call(Message const &m) override { return call_rpc<Rpc_call>(m); }
	Regions regions(Word first) override { return call_rpc<Rpc_regions>(first); }
	Nested nested(Genode::Capability<Genode::Session> rm, Word n) override { return call_rpc<Rpc_nested>(rm, n); }
	Region nested_region(Word map, Word n) override { return call_rpc<Rpc_nested_region>(map, n); }
	Slots slots(Word first) override { return call_rpc<Rpc_slots>(first); }
	Thread thread(Word index) override { return call_rpc<Rpc_thread>(index); }
	Word fault_handler(Word map) override { return call_rpc<Rpc_fault_handler>(map); }
	Cap_result dataspace(Word badge) override { return call_rpc<Rpc_dataspace>(badge); }
	Cap_result rebadge(Native_capability cap, Word badge) override { return call_rpc<Rpc_rebadge>(cap, badge); }
	Cap_result create_thread(Genode::Capability<Genode::Cpu_session> cpu, Word index, Thread const &t) override {
		return call_rpc<Rpc_create_thread>(cpu, index, t); }
	Cap_result gate(Word thread, Word badge) override { return call_rpc<Rpc_gate>(thread, badge); }
	Cap_result own_gate(Native_capability ep, Word badge) override { return call_rpc<Rpc_own_gate>(ep, badge); }
	Cap_result context(Word imprint, Word badge, Word pending) override {
		return call_rpc<Rpc_context>(imprint, badge, pending); }
	Cap_result signal_source(Word badge, Word semaphore) override {
		return call_rpc<Rpc_signal_source>(badge, semaphore); }
	Cap_result semaphore(Word thread) override { return call_rpc<Rpc_semaphore>(thread); }
	Cap_result object(Kind kind, Word a) override { return call_rpc<Rpc_object>(kind, a); }
	Usage usage() override { return call_rpc<Rpc_usage>(); }
	Result install(Word slot, Native_capability cap) override { return call_rpc<Rpc_install>(slot, cap); }

	/*
	 * One after the other, from 0 on
	 */

	Region region(Word n)
	{
		if (n % Regions::MAX == 0)
			_regions = regions(n);
		return _regions.region[n % Regions::MAX];
	}

	Slot slot(Word n)
	{
		if (n % Slots::MAX == 0)
			_slots = slots(n);
		return _slots.slot[n % Slots::MAX];
	}
};

#endif /* _INCLUDE__THAW_CORE_SESSION__CONNECTION_H_ */
