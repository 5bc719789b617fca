/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_REGION_MAP_CLIENT_H
#define THAW_DECLARED_REGION_MAP_CLIENT_H

#include <base/rpc_client.h>
#include <region_map/region_map.h>

namespace Genode {

	struct Region_map_client : Region_map
	{
		explicit Region_map_client(Capability<Region_map>);

		Capability<Region_map> rpc_cap() const;
	};
}

#endif
