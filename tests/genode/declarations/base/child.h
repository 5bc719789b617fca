/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_CHILD_H
#define THAW_DECLARED_BASE_CHILD_H

#include <base/entrypoint.h>
#include <base/heap.h>
#include <base/service.h>
#include <util/callable.h>

namespace Genode {

	struct Child_policy
	{
		using Name        = String<64>;
		using Binary_name = String<64>;

		struct Route { Service &service; Session_label const label; };

		using With_route    = Callable<void, Route const &>;
		using With_no_route = Callable<void>;

		virtual ~Child_policy();

		virtual Name        name() const = 0;
		virtual Binary_name binary_name() const;
		virtual void        _with_route(Service::Name const &, Session_label const &, With_route::Ft const &,
		                                With_no_route::Ft const &) = 0;

		virtual Pd_account              &ref_account() = 0;
		virtual Capability<Pd_account>   ref_account_cap() const = 0;
		virtual Ram_allocator           &session_md_ram() = 0;
		virtual Id_space<Parent::Server> &server_id_space() = 0;

		virtual void init(Cpu_session &, Capability<Cpu_session>);
		virtual void init(Pd_session &, Capability<Pd_session>);
		virtual void announce_service(Service::Name const &);
		virtual void resource_request(Parent::Resource_args const &);
		virtual void exit(int);
		virtual bool initiate_env_sessions() const;
		virtual bool forked() const;
	};

	struct Child : protected Rpc_object<Parent>
	{
		Child(Local::Constrained_region_map &, Rpc_entrypoint &, Child_policy &);

		void initiate_env_pd_session();
		void initiate_env_sessions();
		bool active() const;

		Pd_session_capability   pd_session_cap() const;
		Thread_capability       main_thread_cap() const;
		Capability<Parent>      parent_cap() const;
		Session_state::Factory &session_factory();

		void notify_resource_avail() const;

		void with_cpu(auto const &fn, auto const &denied) { fn(_cpu()); denied(); }
		void for_each_session(auto const &fn) const { fn(_session()); }

		Session_result     session(Client::Id, Service_name const &, Session_args const &, Affinity const &);
		Session_cap_result session_cap(Client::Id);

		private:

			Signal_context_capability _resource_avail_sigh, _yield_sigh, _session_sigh, _heartbeat_sigh;

			Cpu_session         &_cpu();
			Session_state const &_session() const;
	};
}

#endif
