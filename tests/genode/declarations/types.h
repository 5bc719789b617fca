/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_TYPES_H
#define THAW_DECLARED_TYPES_H

#include <base/log.h>
#include <region_map/region_map.h>
#include <util/interface.h>

namespace Core {

	using namespace Genode;

	using Local_rm = Local::Constrained_region_map;

	enum class Access { READ };

	struct Addr       { addr_t value; };
	struct Addr_range { addr_t start, end; };
	struct Rwx        { bool w, x; static Rwx rwx(); };
}

#endif
