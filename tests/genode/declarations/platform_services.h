/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_PLATFORM_SERVICES_H
#define THAW_DECLARED_PLATFORM_SERVICES_H

#include <base/heap.h>
#include <base/rpc_server.h>
#include <core_service.h>

namespace Core {

	namespace Trace { struct Source_registry; }

	struct Mapped_ram_allocator;

	void platform_add_local_services(Runtime &, Rpc_entrypoint &, Sliced_heap &, Registry<Service> &,
	                                 Trace::Source_registry &, Ram_allocator &, Mapped_ram_allocator &, Local_rm &,
	                                 Range_allocator &);
}

#endif
