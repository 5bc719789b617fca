/*
 * \brief  Registers Thaw's service, if it was asked for
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

/* Genode includes */
#include <platform_services.h>
#include <platform.h>
#include <base/log.h>

namespace Thaw {

	void start_service(Genode::Runtime &, Core::Rpc_entrypoint &, Genode::Sliced_heap &,
	                   Genode::Registry<Genode::Service> &);
}


/*
 * In place of the empty function of this name in Genode's core
 */
void Core::platform_add_local_services(Runtime &runtime, Rpc_entrypoint &ep, Sliced_heap &md,
                                       Registry<Service> &services, Trace::Source_registry &,
                                       Ram_allocator &, Mapped_ram_allocator &, Local_rm &, Range_allocator &)
{
	/* the boot image says so: whoever can route to the service can stop its own children */
	bool wanted = false;
	platform().rom_fs().with_element(Rom_name("thaw_core"),
		[&] (Rom_module &) { wanted = true; },
		[&] { });

	if (wanted)
		Thaw::start_service(runtime, ep, md, services);
	else
		log("thaw: service is off, the boot image has no module 'thaw_core'");
}
