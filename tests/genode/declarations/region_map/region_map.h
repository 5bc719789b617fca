/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_REGION_MAP_REGION_MAP_H
#define THAW_DECLARED_REGION_MAP_REGION_MAP_H

#include <base/signal.h>
#include <dataspace/capability.h>
#include <util/attempt.h>

namespace Genode {

	struct Region_map : Interface
	{
		struct Range { addr_t start; size_t num_bytes; };

		struct Fault
		{
			enum class Type { NONE, READ, WRITE, EXEC };

			Type   type;
			addr_t addr;
		};

		struct Attr
		{
			size_t size;
			addr_t offset;
			bool   use_at;
			addr_t at;
			bool   executable, writeable;
		};

		enum class Attach_error { OUT_OF_RAM, OUT_OF_CAPS };

		using Attach_result = Attempt<Range, Attach_error>;

		Attach_result attach(Dataspace_capability, Attr const &);
		void          detach(addr_t);
		void          fault_handler(Signal_context_capability);
		Fault         fault();

		Dataspace_capability dataspace();
	};

	namespace Local { struct Constrained_region_map; }
}

struct Genode::Local::Constrained_region_map : Interface, Noncopyable
{
	struct Attr { void *ptr; size_t num_bytes; };

	using Error      = Region_map::Attach_error;
	using Attachment = Allocation<Constrained_region_map>;
	using Result     = Attachment::Attempt;

	Result attach(Dataspace_capability, Region_map::Attr const &);
	void   detach(addr_t);
};

#endif
