/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_ATTACHED_DATASPACE_H
#define THAW_DECLARED_BASE_ATTACHED_DATASPACE_H

#include <base/env.h>

namespace Genode {

	struct Attached_dataspace : Noncopyable
	{
		Attached_dataspace(Env::Local_rm &, Dataspace_capability);

		template <typename T> T       *local_addr();
		template <typename T> T const *local_addr() const;
		size_t size() const;
	};
}

#endif
