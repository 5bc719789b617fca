/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_PD_SESSION_COMPONENT_H
#define THAW_DECLARED_PD_SESSION_COMPONENT_H

#include <base/heap.h>
#include <base/registry.h>
#include <pd_session/pd_session.h>
#include <platform_pd.h>
#include <region_map_component.h>
#include <signal_broker.h>

namespace Core {

	struct Cpu_thread_component;
	class  Pd_session_component;
}

class Core::Pd_session_component : public Rpc_object<Pd_session>
{
	public:

		using Threads = Registry<Cpu_thread_component>;

	private:

		Signal_broker        _signal_broker;
		Ram_dataspace_factory _ram_ds_factory;
		Region_map_component _stack_area, _linker_area;

		Platform_pd &_pd();
		Threads     &_threads();

	public:

		Session_label label() const;

		Region_map_component &address_space_region_map();

		void with_platform_pd(auto const &fn) { fn(_pd()); }
		void with_threads(auto const &fn)     { fn(_threads()); }
};

#endif
