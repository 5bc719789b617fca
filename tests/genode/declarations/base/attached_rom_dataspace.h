/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_ATTACHED_ROM_DATASPACE_H
#define THAW_DECLARED_BASE_ATTACHED_ROM_DATASPACE_H

#include <base/attached_dataspace.h>
#include <base/node.h>

namespace Genode {

	struct Attached_rom_dataspace : Noncopyable
	{
		Attached_rom_dataspace(Env &, char const *name);

		void                  sigh(Capability<Signal_context>);
		void                  update();
		Node                  node() const;
		template <typename T> T *local_addr();
		size_t                size() const;
	};
}

#endif
