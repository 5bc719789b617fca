/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_ATTACHED_RAM_DATASPACE_H
#define THAW_DECLARED_BASE_ATTACHED_RAM_DATASPACE_H

#include <base/allocator.h>
#include <base/env.h>

namespace Genode {

	struct Attached_ram_dataspace : Noncopyable
	{
		Attached_ram_dataspace(Ram_allocator &, Env::Local_rm &, size_t);

		Ram_dataspace_capability cap() const;
		template <typename T> T *local_addr() const;
		Byte_range_ptr           bytes() const;
		void                     clear();
		size_t                   size() const;
	};
}

#endif
