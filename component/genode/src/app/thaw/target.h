/*
 * \brief  The target: a child whose sessions are all known to us
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _TARGET_H_
#define _TARGET_H_

#include <base/child.h>

#include <budget.h>
#include <parent_handlers.h>
#include <routed.h>
#include <services.h>

namespace Thaw { class Target; }


class Thaw::Target : Genode::Child_policy, Genode::Noncopyable
{
	public:

		using Name = Genode::Child_policy::Name;

		struct Attr
		{
			Name        name;
			Binary_name binary;
			Genode::Ram_quota ram;
			Genode::Cap_quota caps;

			/* up to what it is given when it asks for more */
			Genode::Ram_quota max_ram;
			Genode::Cap_quota max_caps;

			Routes routes;
		};

		struct Quota
		{
			Genode::Ram_quota ram  { };
			Genode::Cap_quota caps { };
		};

		struct Exit : Genode::Interface { virtual void target_exited(int) = 0; };

	private:

		Genode::Env  &_env;
		Attr const    _attr;
		Quota        &_quota;
		bool const    _restored;
		Wishes const &_wishes;
		Exit         &_exit;
		Gates        &_gates;

		Genode::Heap _heap { _env.ram(), _env.rm() };

		Core_service  _pd, _cpu, _rm;
		Log_service   _log;
		Rom_service   _rom;
		Timer_service _timer;

		Routed_services _routed;

		bool volatile _exited = false;

		/* what the target serves, the first of it */
		Genode::Service::Name _announced { };

		Genode::Id_space<Genode::Parent::Server> _server_ids { };

		/*
		 * The base class is not public, and no class can be derived from a child outside of Genode's base
		 * library: such a cast is the one way to it that the language has.
		 */
		static Genode::Rpc_object<Genode::Parent> &_parent_of(Genode::Child &child) {
			return (Genode::Rpc_object<Genode::Parent> &)child; }

		/* a plain member, as nothing can be derived from it */
		Genode::Child _child;


		/* Child_policy */

		Name        name()        const override { return _attr.name; }
		Binary_name binary_name() const override { return _attr.binary; }

		Genode::Pd_account                     &ref_account()           override { return _env.pd(); }
		Genode::Capability<Genode::Pd_account>  ref_account_cap() const override { return _env.pd_session_cap(); }
		Genode::Ram_allocator                  &session_md_ram()        override { return _env.ram(); }
		Genode::Id_space<Genode::Parent::Server> &server_id_space()     override { return _server_ids; }

		bool forked()                const override { return _restored; }
		bool initiate_env_sessions() const override { return false; }

		void init(Genode::Pd_session &pd, Genode::Pd_session_capability cap) override
		{
			(void)pd.ref_account(_env.pd_session_cap());
			(void)_env.pd().transfer_quota(cap, _quota.ram);
			(void)_env.pd().transfer_quota(cap, _quota.caps);
		}

		void announce_service(Genode::Service::Name const &service) override
		{
			Genode::warning("thaw: ", name(), " announces ", service,
			                ": nobody is told, and a target that serves others cannot be saved");
			if (!_announced.valid())
				_announced = service;
		}

		void _with_route(Genode::Service::Name const &service, Genode::Session_label const &label,
		                 With_route::Ft const &fn, With_no_route::Ft const &denied) override
		{
			Genode::Service * const all[] { &_pd, &_cpu, &_rm, &_log, &_rom, &_timer };

			for (Genode::Service *s : all)
				if (s->name() == service) {
					fn(Route { *s, label });
					return;
				}
			if (Routed_service * const routed = _routed.of(service)) {
				fn(Route { *routed, label });
				return;
			}
			Genode::error("thaw: ", name(), " wants a session of ", service, " (", label,
			              "), which is not routed: add it to the target's node `route`");
			denied();
		}

		void resource_request(Genode::Parent::Resource_args const &args) override
		{
			using namespace Genode;

			Ram_quota const ram  = ram_quota_from_args(args.string());
			Cap_quota const caps = cap_quota_from_args(args.string());

			bool const granted = ram.value  <= _attr.max_ram.value  - min(_quota.ram.value,  _attr.max_ram.value)
			                  && caps.value <= _attr.max_caps.value - min(_quota.caps.value, _attr.max_caps.value)
			                  && _give(ram, caps);
			if (granted) {
				log("thaw: ", name(), " is given more: ", args);
				_child.notify_resource_avail();
			} else
				warning("thaw: ", name(), " is short of quota (", args, ") and may not have more: give it more in its "
				        "configuration, at the start or by max_ram, max_caps");
		}

		/**
		 * Whether all of it was there
		 */
		bool _give(Genode::Ram_quota ram, Genode::Cap_quota caps)
		{
			using Result = Genode::Pd_account::Transfer_result;

			if (!affordable(_env, ram.value, caps.value))
				return false;

			Genode::Pd_session_capability const pd = _child.pd_session_cap();
			if (ram.value && _env.pd().transfer_quota(pd, ram) != Result::OK)
				return false;
			_quota.ram.value += ram.value;

			if (caps.value && _env.pd().transfer_quota(pd, caps) != Result::OK)
				return false;
			_quota.caps.value += caps.value;
			return true;
		}

		void exit(int value) override
		{
			_exited = true;
			_exit.target_exited(value);
		}

	public:

		/**
		 * Start the target, or make an empty one with the badges wished for
		 */
		Target(Genode::Env &env, Attr const &attr, Quota &quota, bool restored, Wishes const &wishes, Gates::Core &core,
		       Gates &gates, Quiet &quiet, Timer::Connection &timer, bool const &frozen,
		       Target_config &config, Exit &exit)
		:
			_env(env), _attr(attr), _quota(quota), _restored(restored), _wishes(wishes), _exit(exit), _gates(gates),
			_pd (env, "PD",  core, wishes),
			_cpu(env, "CPU", core, wishes),
			_rm (env, "RM",  core, wishes),
			_log(env, _heap, gates, wishes),
			_rom(core, config, env, _heap, gates, wishes),
			_timer(timer, frozen, env, _heap, gates, wishes),
			_routed(attr.routes, env, _heap, core, quiet, wishes),
			_child(env.rm(), env.ep().rpc_ep(), *this)
		{ }

		/**
		 * Returns false if a part of its environment could not be made
		 */
		bool make()
		{
			if (!affordable(_env, _quota.ram.value, _quota.caps.value)) {
				_wishes.refusal = Wishes::Word(Core_session::Result::QUOTA);
				return false;
			}
			if (_wishes.parent) {
				Core_session::Result const exchanged = _gates.exchange(_parent_of(_child), _wishes.parent);
				if (exchanged != Core_session::Result::OK) {
					_wishes.refusal = Wishes::Word(exchanged);
					return false;
				}
			}

			_child.initiate_env_pd_session();
			if (!_child.pd_session_cap().valid())
				return false;

			_child.initiate_env_sessions();
			if (!_child.active())
				return false;

			/* a restored target gets all its threads by chosen badges */
			if (_restored)
				_child.with_cpu([&] (Genode::Cpu_session &cpu) { cpu.kill_thread(_child.main_thread_cap()); },
				                 [&] { });
			return true;
		}

		Genode::Child &child() { return _child; }

		bool exited() const { return _exited; }

		/**
		 * Signal context that it gave to us, its parent, by number: of resources, yield requests, sessions, heartbeat
		 */
		void handler(unsigned which, Genode::Signal_context_capability cap) { parent_handler(_child, which) = cap; }

		Genode::uint32_t handler_badge(unsigned which)
		{
			Genode::Signal_context_capability const cap = parent_handler(_child, which);
			return cap.valid() ? Genode::uint32_t(cap.local_name()) : 0;
		}

		Attr const &attr() const { return _attr; }

		Genode::Service::Name const &announced() const { return _announced; }

		/**
		 * Call 'fn' with each session in the order of their ids
		 */
		void for_each_session(auto const &fn) const { _child.for_each_session(fn); }
};

#endif /* _TARGET_H_ */
