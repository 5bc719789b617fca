/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_RM_SESSION_RM_SESSION_H
#define THAW_DECLARED_RM_SESSION_RM_SESSION_H

#include <region_map/region_map.h>
#include <session/session.h>

namespace Genode {

	struct Rm_session : Session
	{
		using Create_result = Attempt<Capability<Region_map>, Alloc_error>;

		Create_result create(size_t);
		void          destroy(Capability<Region_map>);
	};
}

#endif
