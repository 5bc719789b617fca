/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_RM_SESSION_COMPONENT_H
#define THAW_DECLARED_RM_SESSION_COMPONENT_H

#include <region_map_component.h>
#include <rm_session/rm_session.h>

namespace Core {

	class Rm_session_component : public Rpc_object<Rm_session>
	{
		private:

			List<Region_map_component> _region_maps;
	};
}

#endif
