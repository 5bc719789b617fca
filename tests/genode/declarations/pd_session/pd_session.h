/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_PD_SESSION_PD_SESSION_H
#define THAW_DECLARED_PD_SESSION_PD_SESSION_H

#include <base/affinity.h>
#include <base/error.h>
#include <base/signal.h>
#include <region_map/region_map.h>
#include <session/session.h>

namespace Genode {

	enum Cache { CACHED };

	struct Pd_account : Interface, Noncopyable
	{
		static char const *service_name();

		enum class Transfer_result { OK };

		Transfer_result transfer_quota(Capability<Pd_account>, Cap_quota);
		Transfer_result transfer_quota(Capability<Pd_account>, Ram_quota);
	};

	struct Pd_session : Session, Pd_account
	{
		struct Native_pd;
		struct Imprint { addr_t value; };

		enum class Ref_account_result { OK };

		using Alloc_ram_result     = Attempt<Ram_dataspace_capability, Alloc_error>;
		using Alloc_context_result = Attempt<Signal_context_capability, Alloc_error>;
		using Alloc_rpc_cap_result = Attempt<Native_capability, Alloc_error>;

		Alloc_ram_result       alloc_ram(size_t, Cache = CACHED);
		Alloc_context_result   alloc_context(Capability<Signal_source>, Imprint);
		void                   free_context(Signal_context_capability);
		void                   submit(Signal_context_capability, unsigned = 1);
		Alloc_rpc_cap_result   alloc_rpc_cap(Native_capability ep);
		void                   free_rpc_cap(Native_capability);
		Capability<Region_map> address_space();
		Capability<Region_map> stack_area();
		Capability<Region_map> linker_area();
		Capability<Native_pd>  native_pd();
		Ram_quota              avail_ram() const;
		Cap_quota              avail_caps() const;
		Ref_account_result     ref_account(Capability<Pd_account>);
	};

	using Pd_session_capability = Capability<Pd_session>;
}

#endif
