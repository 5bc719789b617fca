/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_DATASPACE_COMPONENT_H
#define THAW_DECLARED_DATASPACE_COMPONENT_H

#include <base/rpc_server.h>
#include <types.h>

namespace Core {

	struct Dataspace_owner : Interface { };

	struct Ram_dataspace_factory : Dataspace_owner { };

	struct Dataspace_component : Rpc_object<Dataspace>
	{
		bool   io_mem() const;
		bool   managed() const;

		virtual Native_capability sub_rm();

		bool   owner(Dataspace_owner const &) const;
		size_t size() override;
		bool   writeable() override;
	};
}

#endif
