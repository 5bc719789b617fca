/*
 * \brief  Private members of core's classes, without a change of the classes
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

/*
 * Access is not checked in the arguments of an explicit instantiation, so a pointer to any member can be had there.
 * If a member is renamed, moved or of another type, this header does not compile: the check that this core is the one
 * that the service was made for.
 */

#ifndef _CORE__THAW__PRIVATE_MEMBERS_H_
#define _CORE__THAW__PRIVATE_MEMBERS_H_

/* core includes */
#include <platform.h>
#include <platform_pd.h>
#include <platform_thread.h>
#include <pd_session_component.h>
#include <cpu_session_component.h>
#include <cpu_thread_component.h>
#include <region_map_component.h>
#include <rm_session_component.h>
#include <dataspace_component.h>

/* base-internal includes */
#include <base/internal/cap_map.h>

namespace Thaw {

	template <typename TAG, auto MEMBER>
	struct Member { friend auto member_of(TAG) { return MEMBER; } };

	struct Thread_state    { friend auto member_of(Thread_state); };
	struct Thread_irq      { friend auto member_of(Thread_irq); };
	struct Thread_pager    { friend auto member_of(Thread_pager); };
	struct Pd_threads      { friend auto member_of(Pd_threads); };
	struct Pd_parent       { friend auto member_of(Pd_parent); };
	struct Session_stack   { friend auto member_of(Session_stack); };
	struct Session_linker  { friend auto member_of(Session_linker); };
	struct Session_ram     { friend auto member_of(Session_ram); };
	struct Session_broker  { friend auto member_of(Session_broker); };
	struct Broker_source   { friend auto member_of(Broker_source); };
	struct Broker_cap      { friend auto member_of(Broker_cap); };
	struct Source_queue    { friend auto member_of(Source_queue); };
	struct Source_semaphore { friend auto member_of(Source_semaphore); };
	struct Map_regions     { friend auto member_of(Map_regions); };
	struct Map_mutex       { friend auto member_of(Map_mutex); };
	struct Map_dataspace   { friend auto member_of(Map_dataspace); };
	struct Map_ds_cap      { friend auto member_of(Map_ds_cap); };
	struct Map_faulters    { friend auto member_of(Map_faulters); };
	struct Map_handler     { friend auto member_of(Map_handler); };
	struct Rm_maps         { friend auto member_of(Rm_maps); };
	struct Avl_blocks      { friend auto member_of(Avl_blocks); };
	struct Cap_tree        { friend auto member_of(Cap_tree); };
	struct Cap_lock        { friend auto member_of(Cap_lock); };

	template struct Member<Thread_state,   &Core::Platform_thread::_state>;
	template struct Member<Thread_irq,     &Core::Platform_thread::_irq>;
	template struct Member<Thread_pager,   &Core::Platform_thread::_pager>;
	template struct Member<Pd_threads,     &Core::Platform_pd::_threads>;
	template struct Member<Pd_parent,      &Core::Platform_pd::_parent>;
	template struct Member<Session_stack,  &Core::Pd_session_component::_stack_area>;
	template struct Member<Session_linker, &Core::Pd_session_component::_linker_area>;
	template struct Member<Session_ram,    &Core::Pd_session_component::_ram_ds_factory>;
	template struct Member<Session_broker, &Core::Pd_session_component::_signal_broker>;
	template struct Member<Broker_source,  &Core::Signal_broker::_source>;
	template struct Member<Broker_cap,     &Core::Signal_broker::_source_cap>;
	template struct Member<Source_queue,   &Core::Signal_source_component::_signal_queue>;
	template struct Member<Source_semaphore, &Core::Signal_source_component::_blocking_semaphore>;
	template struct Member<Map_regions,    &Core::Region_map_component::_map>;
	template struct Member<Map_mutex,      &Core::Region_map_component::_mutex>;
	template struct Member<Map_dataspace,  &Core::Region_map_component::_ds>;
	template struct Member<Map_ds_cap,     &Core::Region_map_component::_ds_cap>;
	template struct Member<Map_faulters,   &Core::Region_map_component::_faulters>;
	template struct Member<Map_handler,    &Core::Region_map_component::_fault_sigh>;
	template struct Member<Rm_maps,        &Core::Rm_session_component::_region_maps>;
	template struct Member<Avl_blocks,     &Genode::Allocator_avl_base::_addr_tree>;
	template struct Member<Cap_tree,       &Genode::Capability_map::_tree>;
	template struct Member<Cap_lock,       &Genode::Capability_map::_lock>;

	/**
	 * Member 'TAG' of 'object'
	 */
	template <typename TAG>
	auto &private_of(auto &object) { return object.*member_of(TAG()); }

	/*
	 * A reference member has no member pointer. The broker's two entrypoints are its second and third word, before the
	 * signal source, whose place tells whether that is still so.
	 */
	inline Core::Rpc_entrypoint &signal_entrypoint(Core::Signal_broker &broker)
	{
		struct Head { void *md_alloc; Core::Rpc_entrypoint *source_ep, *context_ep; };
		auto const source = member_of(Broker_source());
		static_assert(sizeof(source) == sizeof(Genode::addr_t));
		if (Genode::addr_t(&(broker.*source)) - Genode::addr_t(&broker) < sizeof(Head))
			Genode::error("thaw: signal broker of another version");
		return *reinterpret_cast<Head *>(&broker)->source_ep;
	}
}

#endif /* _CORE__THAW__PRIVATE_MEMBERS_H_ */
