/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_DATASPACE_CAPABILITY_H
#define THAW_DECLARED_DATASPACE_CAPABILITY_H

#include <base/capability.h>

namespace Genode {

	struct Dataspace : Interface
	{
		virtual size_t size() = 0;
		virtual bool   writeable() = 0;
	};

	struct Ram_dataspace : Dataspace { };

	using Dataspace_capability     = Capability<Dataspace>;
	using Ram_dataspace_capability = Capability<Ram_dataspace>;
}

#endif
