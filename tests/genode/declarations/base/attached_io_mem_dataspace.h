/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_ATTACHED_IO_MEM_DATASPACE_H
#define THAW_DECLARED_BASE_ATTACHED_IO_MEM_DATASPACE_H

#include <base/env.h>

namespace Genode {

	struct Attached_io_mem_dataspace : Noncopyable { Attached_io_mem_dataspace(Env &, addr_t base, size_t bytes); };
}

#endif
